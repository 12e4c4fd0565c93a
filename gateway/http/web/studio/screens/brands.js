// The brands of this key: what each does, and a form to make or change one.

import { html, useCallback, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { Question } from "../parts/question.js";
import { backgroundWords } from "../parts/brand.js";
import { BrandForm } from "../parts/brand-form.js";
import { Heading } from "../parts/heading.js";
import { Notice } from "../parts/notice.js";
import { CAMERAS } from "../words.js";

/** @typedef {import("../types.js").Brand} Brand */

export function BrandsScreen() {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [brands, setBrands] = useState(/** @type {Brand[] | null} */ (null));
  const [open, setOpen] = useState(/** @type {Brand | null | "new"} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const load = useCallback(async () => {
    try {
      setBrands((await owner.api?.brands())?.brands || []);
      setError(null);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    }
  }, [owner.api]);
  useEffect(() => {
    load();
  }, [load, epoch]);
  const form = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    // The form stands above the list: it comes to the person, wherever its button is.
    form.current?.scrollIntoView({ block: "start" });
    form.current?.focus({ preventScroll: true });
  }, [open]);
  const close = () => {
    const opened = open;
    setOpen(null);
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(`[data-opens="${opened === "new" ? "" : opened?.name}"]`))?.focus());
  };
  const saved = () => {
    close();
    load();
  };
  return html`<section class="brands">
    <div class="between wrap"><${Heading}>Brands<//>
      ${open === null && html`<button type="button" class="primary" data-opens="" onClick=${() => setOpen("new")}>Make a brand</button>`}</div>
    <p class="hint">A brand is a set of choices under one name: pick it for a film, and every film looks like the others.</p>
    <${Notice} error=${error} />
    ${open !== null && html`<section class="card panel" tabindex="-1" ref=${form} aria-label=${open === "new" ? "A new brand" : `The brand ${open.name}`}>
      <${BrandForm} key=${open === "new" ? "" : open.name} brand=${open === "new" ? null : open}
        names=${(brands || []).map((brand) => brand.name)} onSaved=${saved} onClose=${close} /></section>`}
    ${!brands && !error && html`<p role="status">Loading…</p>`}
    ${brands && brands.length === 0 && open === null && html`<p>There is none yet.</p>`}
    <ul class="brand-list">
      ${(brands || []).map((brand) => html`<${Entry} key=${brand.name} brand=${brand} onOpen=${() => setOpen(brand)} onDeleted=${load} />`)}
    </ul>
  </section>`;
}

/** @param {{ brand: Brand, onOpen: () => void, onDeleted: () => void }} properties */
function Entry({ brand, onOpen, onDeleted }) {
  const owner = useOwner();
  const [asked, setAsked] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const button = useRef(/** @type {HTMLElement | null} */ (null));
  const keep = () => {
    setAsked(false);
    requestAnimationFrame(() => button.current?.focus());
  };
  const remove = async () => {
    try {
      await owner.api?.deleteBrand(brand.name);
      onDeleted();
      document.querySelector("h1")?.focus();
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    }
  };
  const says = [
    brand.background ? `Background: ${backgroundWords(brand)}` : "",
    brand.aspect ? `Shape: ${brand.aspect}` : "",
    brand.camera_preset ? `Camera: ${CAMERAS[brand.camera_preset]}` : "",
    brand.end_color ? `Ends in ${brand.end_color}` : "",
  ].filter(Boolean);
  return html`<li class="card">
    <div class="brand-about">
      ${brand.logo && html`<span class="brand-logo checker"><img src=${brand.logo.logo_url} alt=${`Logo of ${brand.name}`} /></span>`}
      <div><h2>${brand.name}</h2><p class="hint">${says.join(" · ") || "Leaves everything to each film"}</p></div>
    </div>
    <${Notice} error=${error} onClose=${() => setError(null)} />
    <div class="row">
      <button type="button" class="quiet" data-opens=${brand.name} aria-label=${`Change ${brand.name}`} onClick=${onOpen}>Change</button>
      ${asked
        ? html`<${Question} class="row" label=${`Delete ${brand.name}?`}><button type="button" class="danger" onClick=${remove}>Delete ${brand.name}</button>
          <button type="button" class="quiet" onClick=${keep}>Keep it</button><//>`
        : html`<button type="button" class="quiet" ref=${button} aria-label=${`Delete ${brand.name}`} onClick=${() => setAsked(true)}>Delete</button>`}
    </div>
  </li>`;
}
