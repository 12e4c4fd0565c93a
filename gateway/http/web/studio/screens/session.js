// A photo that has been looked at: what is meant, where it goes, how it is filmed. What is chosen survives a reload.

import { html, useCallback, useEffect, useState } from "/web/vendor/preact.js";
import { Heading } from "../parts/heading.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { draftOf, keepDraft } from "../memory.js";
import { BrandChoice, backgroundWords, branded, useBrands } from "../parts/brand.js";
import { CameraChoice, FilmChoice, PresetChoice, ShapeChoice, outputOf } from "../parts/choices.js";
import { orderNothing } from "../parts/enter.js";
import { Notice } from "../parts/notice.js";
import { useOnce } from "../parts/once.js";
import { MOST_POINTS, Photo } from "../parts/photo.js";
import { Price } from "../parts/price.js";
import { SettingChoice, backgroundOf, suited, unsettled } from "../parts/setting.js";
import { SizeQuestion, sizeOf } from "../parts/size.js";
import { CutoutLook, Looking, Subjects, Tools, meant } from "../parts/subject.js";
import { PhotoButton } from "../parts/upload.js";
import { MorePhotos } from "../parts/views.js";
import { follow, go } from "../routes.js";

/** @typedef {import("../types.js").Choice} Choice */
/** @typedef {import("../types.js").Draft} Draft */
/** @typedef {import("../types.js").Session} Session */

/** @param {{ id: string }} properties */
export function SessionScreen({ id }) {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [session, setSession] = useState(/** @type {Session | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!owner.api || session) return;
    owner.api.session(id).then(
      (found) => {
        setSession(found);
        setError(null);
      },
      (problem) => {
        owner.check(problem);
        setError(problem);
      },
    );
  }, [owner.api, id, epoch]);
  if (session) return html`<${Choosing} session=${session} />`;
  if (!error) return html`<section class="card narrow"><${Heading}>Your photo<//><p role="status">Loading…</p></section>`;
  const gone = error.code === "session_not_found";
  return html`<section class="card narrow"><${Heading}>${gone ? "This photo is no longer kept" : "Your photo"}<//>
    ${gone ? html`<p>Photos are kept for a day. Your films are kept longer.</p>` : html`<${Notice} error=${error} />`}
    <div class="row"><${PhotoButton}>Choose a photo<//><a class="button quiet" href="/studio" onClick=${follow}>My films</a></div></section>`;
}

/** @param {{ session: Session }} properties */
function Choosing({ session }) {
  const owner = useOwner();
  const [draft, setDraft] = useState(() => draftOf(session.session_id));
  const [tool, setTool] = useState(/** @type {import("../parts/photo.js").Tool} */ ("pick"));
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [broken, setBroken] = useState(false);
  const once = useOnce(`film ${session.session_id}`);
  const change = useCallback((/** @type {Partial<Draft>} */ part) => {
    // What was wrong with the order was so of another one.
    setError(null);
    setDraft((/** @type {Draft} */ before) => {
      const next = { ...before, ...part };
      keepDraft(session.session_id, next);
      return next;
    });
  }, [session.session_id]);
  const choose = (/** @type {Partial<Choice>} */ part) => {
    const next = { ...draft.choice, ...part };
    if (JSON.stringify(next) === JSON.stringify(draft.choice)) return;
    setShown(false);
    // Another choice is another cutout.
    change({ choice: next, cutout: null });
  };
  const { choice, cutout, setting, film } = draft;
  const point = (/** @type {number} */ x, /** @type {number} */ y) => {
    if (choice.points.length >= MOST_POINTS) return setError(new Error(`There may be at most ${MOST_POINTS} points.`));
    return choose({ points: [...choice.points, { x, y, keep: tool === "keep" }] });
  };
  const back = () => {
    setShown(false);
    // The tools are there again, and take the keyboard.
    requestAnimationFrame(() => document.querySelector(/** @type {"input"} */ (".tools-row input:checked"))?.focus());
  };
  const pick = (/** @type {number} */ index) => choose({ index, box: null, points: [] });
  const brands = useBrands();
  const brand = brands?.find((each) => each.name === draft.brand) || null;
  const takeBrand = (/** @type {string} */ name) => change({ brand: name, ...branded(brands?.find((each) => each.name === name) || null, setting, film) });
  const order = {
    ...meant(session.session_id, choice, cutout), ...(draft.brand ? { brand: draft.brand } : {}), background: backgroundOf(setting),
    camera_preset: film.camera, output: outputOf(suited(film, setting)), ...sizeOf(film),
  };
  const missing = unsettled(setting);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const ticket = await owner.api?.order("/v1/studio/transform", order, once.key(order));
      once.done();
      go(`/studio/jobs/${ticket.job_id}`);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
      setBusy(false);
    }
    owner.refresh();
  };
  return html`<form class="split" onKeyDown=${orderNothing} onSubmit=${submit}>
    <section class="stage card" aria-label="Your photo">
      ${broken && html`<${Notice} text="The photo cannot be shown now; what was found in it still works." />`}
      <${Photo} src=${session.source_url} objects=${session.objects} choice=${choice} tool=${tool} cutout=${shown ? cutout : null}
        onPick=${pick} onBox=${(/** @type {any} */ box) => choose({ box })} onPoint=${point} onBroken=${() => setBroken(true)}
        onRemovePoint=${(/** @type {number} */ place) => choose({ points: choice.points.filter((_, index) => index !== place) })}>
      ${shown && cutout
        ? html`<${Looking} cutout=${cutout} onBack=${back} />`
        : html`<${Tools} tool=${tool} onTool=${setTool} choice=${choice}
          onUndo=${() => choose({ points: choice.points.slice(0, -1) })} onClear=${() => choose({ box: null, points: [] })} />`}<//>
    </section>
    <section class="card panel">
      <${Heading}>Make a film of it<//>
      <${Subjects} session=${session} choice=${choice} onPick=${pick} />
      <${CutoutLook} session=${session} choice=${choice} cutout=${cutout} shown=${shown} onShow=${setShown}
        onCutout=${(/** @type {any} */ made) => { change({ cutout: made }); setShown(true); }} />
      <${MorePhotos} session=${session} index=${choice.box ? null : choice.index} />
      <${BrandChoice} name=${draft.brand} brands=${brands} onChange=${takeBrand} />
      <${SettingChoice} setting=${setting} onChange=${(/** @type {any} */ next) => change({ setting: next })}
        brand=${brand && brand.background ? ["The brand's", `As the brand ${brand.name} has it: ${backgroundWords(brand)}.`] : undefined} />
      <${PresetChoice} film=${film} onChange=${(/** @type {any} */ next) => change({ film: next })} />
      <${SizeQuestion} film=${film} onChange=${(/** @type {any} */ next) => change({ film: next })} />
      <${ShapeChoice} aspect=${film.aspect} onChange=${(/** @type {string} */ aspect) => change({ film: { ...film, aspect } })} />
      <${CameraChoice} camera=${film.camera} onChange=${(/** @type {string} */ camera) => change({ film: { ...film, camera } })} />
      <${FilmChoice} film=${suited(film, setting)} onChange=${(/** @type {any} */ next) => change({ film: next })} />
      <div class="pay">
        <${Price} order=${missing ? null : order} missing=${missing} />
        <${Notice} error=${error} onClose=${() => setError(null)} />
        <button class="primary wide" disabled=${busy || missing !== ""}>${busy ? "Ordering…" : "Create the film"}</button>
      </div>
      <${PhotoButton} class="button quiet wide">Another photo<//>
    </section>
  </form>`;
}
