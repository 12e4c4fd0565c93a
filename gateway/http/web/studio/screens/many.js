// Many photos: what is to be filmed, with which choices, and the price of all of it before anything is paid.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { BrandChoice, backgroundWords, branded, useBrands } from "../parts/brand.js";
import { CameraChoice, FilmChoice, PresetChoice, ShapeChoice, outputOf } from "../parts/choices.js";
import { orderNothing } from "../parts/enter.js";
import { MOST_PHOTOS, chosen } from "../parts/files.js";
import { Heading } from "../parts/heading.js";
import { useMany } from "../parts/many.js";
import { Notice } from "../parts/notice.js";
import { SettingChoice, backgroundOf, suited, unsettled } from "../parts/setting.js";
import { follow } from "../routes.js";
import { credits, title, wait } from "../words.js";

/** @typedef {import("../types.js").ManyPhoto} ManyPhoto */

const PAUSE_MS = 350;

export function ManyScreen() {
  const { many, busy, error, full, change, order, stop, clear } = useMany();
  const [unpayable, setUnpayable] = useState(false);
  const { photos, setting, film } = many;
  const usable = photos.filter((photo) => photo.state !== "wrong");
  const waiting = usable.filter((photo) => photo.state !== "ready").length;
  const ready = usable.length - waiting;
  const brands = useBrands();
  const brand = brands?.find((each) => each.name === many.brand) || null;
  const takeBrand = (/** @type {string} */ name) => change({ brand: name, ...branded(brands?.find((each) => each.name === name) || null, setting, film) });
  const choices = { ...(many.brand ? { brand: many.brand } : {}), background: backgroundOf(setting), camera_preset: film.camera, output: outputOf(suited(film, setting)) };
  const missing = unsettled(setting);
  // With too little for all, or an order that is refused, the photos would be paid for, and no film could be ordered.
  const able = usable.length > 0 && !missing && !busy && !unpayable;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    order(choices);
  };
  const count = usable.length === 1 ? "1 film" : `${usable.length} films`;
  return html`<form class="split" onKeyDown=${orderNothing} onSubmit=${submit}>
    <section class="stage card many" aria-label="Your photos">
      ${!photos.length && html`<p class="lead">Drop photos, a folder or a .zip</p><p>Up to ${MOST_PHOTOS}: JPEG, PNG or WebP, up to 20 MB each.</p>`}
      <ul class="photos">${photos.map((photo) => html`<${One} key=${photo.key} photo=${photo} locked=${Boolean(busy)} />`)}</ul>
      ${full && html`<${Notice} kind="warm" text=${`A batch has at most ${MOST_PHOTOS} photos: the others were left out.`} />`}
      <div class="row center"><${Add} locked=${Boolean(busy)} />
        ${photos.length > 0 && html`<button type="button" class="quiet" disabled=${Boolean(busy)} onClick=${clear}>Remove all</button>`}</div>
    </section>
    <section class="card panel">
      <${Heading}>Many photos, one order<//>
      <p class="hint">The most noticeable thing of each photo is filmed, all with these choices. <a href="/studio/batches" onClick=${follow}>Batches so far</a></p>
      <${BrandChoice} name=${many.brand} brands=${brands} onChange=${takeBrand} />
      <${SettingChoice} setting=${setting} onChange=${(/** @type {any} */ next) => change({ setting: next })}
        brand=${brand && brand.background ? ["The brand's", `As the brand ${brand.name} has it: ${backgroundWords(brand)}.`] : undefined} />
      <${PresetChoice} film=${film} onChange=${(/** @type {any} */ next) => change({ film: next })} />
      <${ShapeChoice} aspect=${film.aspect} onChange=${(/** @type {string} */ aspect) => change({ film: { ...film, aspect } })} />
      <${CameraChoice} camera=${film.camera} onChange=${(/** @type {string} */ camera) => change({ film: { ...film, camera } })} />
      <${FilmChoice} film=${suited(film, setting)} onChange=${(/** @type {any} */ next) => change({ film: next })} />
      <div class="pay">
        ${busy === "" && html`<${BatchPrice} waiting=${waiting} ready=${photos.filter((photo) => photo.state === "ready")} choices=${missing ? null : choices} missing=${missing} onUnpayable=${setUnpayable} />`}
        ${busy !== "" && html`<${Sending} done=${ready} of=${usable.length} ordering=${busy === "ordering"} />`}
        <${Notice} error=${error} />
        ${/* Two buttons and not one that changes: the press that stops would send the form, and order. */ busy === "looking"
          ? html`<button key="stop" type="button" class="quiet wide" onClick=${stop}>Stop</button>`
          : html`<button key="make" class="primary wide" disabled=${!able}>${busy ? "Ordering…" : usable.length ? `Make ${count}` : "Make the films"}</button>`}
      </div>
    </section>
  </form>`;
}

/** @param {{ photo: ManyPhoto, locked: boolean }} properties */
function One({ photo, locked }) {
  const { remove } = useMany();
  const [shown, setShown] = useState(true);
  const states = { waiting: photo.wrong || "To be looked at", looking: "Looking…", ready: title(photo.label, "") ? `Found: ${title(photo.label)}` : "Found something to film", wrong: photo.wrong };
  const leave = (/** @type {any} */ event) => {
    const row = event.currentTarget.closest("li");
    const next = (row.nextElementSibling || row.previousElementSibling)?.querySelector("button");
    remove(photo.key);
    (next || document.querySelector(/** @type {"input"} */ (".many input")))?.focus();
  };
  return html`<li class=${`photo-row ${photo.state === "looking" ? "busy" : photo.state}`}>
    <span class="thumb" aria-hidden="true">${photo.url && shown && html`<img src=${photo.url} alt="" loading="lazy" onError=${() => setShown(false)} />`}</span>
    <span class="told"><b>${photo.name}</b><small class=${photo.state === "wrong" || photo.wrong ? "state failed" : "state"}>${states[photo.state]}</small></span>
    <button type="button" class="icon" disabled=${locked} aria-label=${`Leave ${photo.name} out`} onClick=${leave}>×</button>
  </li>`;
}

/** @param {{ locked: boolean }} properties */
function Add({ locked }) {
  const { add } = useMany();
  const [reading, setReading] = useState(false);
  const pick = async (/** @type {any} */ event) => {
    const files = [...event.target.files];
    event.target.value = "";
    setReading(true);
    add(await chosen(files));
    setReading(false);
  };
  return html`
    <label class="button primary"><input type="file" class="sr-only" multiple accept="image/jpeg,image/png,image/webp,.zip" disabled=${locked || reading} onChange=${pick} />${reading ? "Reading…" : "Add photos or a .zip"}</label>
    <label class="button quiet"><input type="file" class="sr-only" webkitdirectory disabled=${locked || reading} onChange=${pick} />Add a folder</label>`;
}

/** @param {{ done: number, of: number, ordering: boolean }} properties */
function Sending({ done, of, ordering }) {
  const now = ordering ? "Ordering the films…" : `Looking at the photos: ${done} of ${of}`;
  return html`<div class="progress" role="progressbar" aria-label="Photos" aria-valuemin="0" aria-valuemax=${of} aria-valuenow=${done} aria-valuetext=${now}>
      <div style=${{ width: `${(100 * done) / Math.max(1, of)}%` }}></div></div>
    <p class="price" role="status">${now}</p>`;
}

/**
 * What all of it costs: photos that were looked at are ordered by their sessions, the others by their number.
 *
 * @param {{ waiting: number, ready: ManyPhoto[], choices: Record<string, unknown> | null, missing: string, onUnpayable: (unpayable: boolean) => void }} properties
 *   missing: what is to be said before there is a price; onUnpayable: is told whether the account has too little, or the order is refused
 */
function BatchPrice({ waiting, ready, choices, missing, onUnpayable }) {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [quote, setQuote] = useState(/** @type {{ credits: number, seconds: number, balance: number } | null} */ (null));
  const [wrong, setWrong] = useState(/** @type {any} */ (null));
  const items = ready.map((photo) => ({ session_id: photo.sessionId }));
  const asked = JSON.stringify([waiting, items, choices]);
  useEffect(() => {
    setQuote(null);
    setWrong(null);
    const bodies = [...(waiting ? [{ ...choices, photos: waiting }] : []), ...(items.length ? [{ ...choices, items }] : [])];
    if (!owner.api || !choices || !bodies.length) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const api = /** @type {import("../api.js").Api} */ (owner.api);
        const quotes = await Promise.all(bodies.map((body) => api.post("/v1/studio/quote/batch", body, controller.signal)));
        setQuote({
          credits: quotes.reduce((sum, each) => sum + each.credits, 0),
          seconds: Math.max(...quotes.map((each) => each.estimated_seconds)),
          balance: quotes[0].balance,
        });
      } catch (error) {
        if (!controller.signal.aborted) setWrong(error);
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [asked, owner.api, epoch]);
  const short = Boolean(quote && quote.credits > quote.balance);
  const unpayable = short || wrong?.status === 400;
  useEffect(() => onUnpayable(unpayable), [unpayable]);
  if (wrong) return html`<p class="price wrong" role="status">${wrong.message}</p>`;
  if (!waiting && !items.length) return html`<p class="price" role="status">Add photos to see the price.</p>`;
  if (missing) return html`<p class="price" role="status">${missing}</p>`;
  if (!quote) return html`<p class="price" role="status">…</p>`;
  return html`<p class=${short ? "price wrong" : "price"} role="status"><b>${credits(quote.credits)}</b>, ${wait(quote.seconds)}.
    ${short ? ` The account has ${credits(quote.balance)}: too little. Whoever runs the studio can grant more.` : " What does not complete is paid back."}</p>`;
}
