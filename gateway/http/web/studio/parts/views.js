// More photos of the same thing: what each shows, where the thing is in it, and taking one out again.

import { html, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { Problem } from "../problem.js";
import { SIDES, credits, isFilm, wrongWith, wrongWithFilm } from "../words.js";
import { Notice } from "./notice.js";
import { MOST_POINTS, Photo } from "./photo.js";
import { Tools } from "./subject.js";

/** @typedef {import("../types.js").Choice} Choice */
/** @typedef {import("../types.js").Session} Session */
/** @typedef {import("../types.js").View} View */

export const VIEW_CREDITS = 2;
const TURN_CREDITS = 10;
const MOST_VIEWS = 5;
/** What is wrong with one file, and not with those beside it. */
const OWN_FAULTS = ["invalid_image", "invalid_video", "crop_too_small", "subject_unlike"];
/** All of a photo: what a person says who insists that it is the same thing. */
const WHOLE = /** @type {import("../types.js").Corners} */ ([0, 0, 1, 1]);

/** @param {{ session: Session, index: number | null }} properties index: the session's object that is meant; null for a box */
export function MorePhotos({ session, index }) {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [views, setViews] = useState(/** @type {View[]} */ ([]));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [refused, setRefused] = useState(/** @type {File[]} */ ([]));
  const [open, setOpen] = useState("");
  const id = session.session_id;

  useEffect(() => {
    owner.api?.views(id).then(setViews, owner.check);
  }, [owner.api, id, epoch]);

  const trying = async (/** @type {() => Promise<void>} */ work) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
      owner.refresh();
    }
  };
  const put = (/** @type {View} */ view) => setViews((/** @type {View[]} */ before) => [...before.filter((each) => each.view_id !== view.view_id), view]);
  const addOne = async (/** @type {File} */ file, /** @type {number[] | null} */ bbox) => {
    const film = isFilm(file);
    const wrong = film ? wrongWithFilm(file) : wrongWith(file);
    if (wrong) throw new Error(wrong);
    try {
      const view = await (film ? owner.api?.addTurn(id, file, index) : owner.api?.addView(id, file, { objectIndex: index, bbox }));
      if (view) put(view);
      if (view && bbox) setOpen(view.view_id);
    } catch (problem) {
      const { code, message } = /** @type {any} */ (problem);
      if (!film && code === "subject_unlike") {
        setRefused((/** @type {File[]} */ before) => [...before, file]);
        throw new Error(`${file.name} seems to show another thing than your photo. It was not added, and nothing was charged.`);
      }
      throw OWN_FAULTS.includes(code) ? new Error(`${file.name}: ${message}`) : problem;
    }
  };
  const add = (/** @type {File[]} */ files, /** @type {number[] | null} */ bbox = null) => trying(async () => {
    setRefused([]);
    /** @type {string[]} */
    const wrong = [];
    /** @type {string[]} */
    const left = [];
    let room = MOST_VIEWS - views.length;
    for (const file of files) {
      if (room <= 0) {
        left.push(file.name);
        continue;
      }
      try {
        await addOne(file, bbox);
        room -= 1;
      } catch (problem) {
        // What is wrong with a file stops no other; what would be wrong with each, such as too few credits, stops all.
        const ofAll = problem instanceof Problem;
        if (ofAll && !wrong.length) throw problem;
        wrong.push(/** @type {Error} */ (problem).message);
        if (ofAll) break;
      }
    }
    if (left.length) wrong.push(`There is no more room for ${left.join(", ")}.`);
    if (wrong.length) throw new Error(wrong.join(" "));
  });
  const change = (/** @type {View} */ view, /** @type {Record<string, unknown>} */ changes) => trying(async () => {
    const changed = await owner.api?.changeView(view, changes);
    setViews((/** @type {View[]} */ before) => before.map((each) => (each.view_id === changed?.view_id ? changed : each)));
  });
  const take = (/** @type {View} */ view) => trying(async () => {
    await owner.api?.deleteView(view);
    setViews((/** @type {View[]} */ before) => before.filter((each) => each.view_id !== view.view_id));
  });
  const pick = (/** @type {any} */ event) => {
    const files = [...event.target.files];
    event.target.value = "";
    if (files.length) add(files);
  };
  const full = views.length >= MOST_VIEWS;
  const opened = views.find((view) => view.view_id === open);
  return html`<fieldset>
    <legend>More photos</legend>
    ${views.length > 0 && html`<ul class="views">${views.map((view, place) => html`<${Thumbnail} key=${view.view_id} view=${view} number=${place + 1}
      busy=${busy} onSide=${(/** @type {string} */ side) => change(view, { view: side || null })} onOpen=${() => setOpen(view.view_id)} onTake=${() => take(view)} />`)}</ul>`}
    <div class="row"><label class="button quiet"><input type="file" multiple accept="image/jpeg,image/png,image/webp,video/mp4,video/quicktime" class="sr-only" disabled=${busy || full} onChange=${pick} />
      ${busy ? "Working…" : "Add more photos"} <small>${credits(VIEW_CREDITS)} each</small></label></div>
    <p class="hint" aria-live="polite">${full
      ? "Five is the most. Take one out to add another."
      : `A photo of the back or of a side shows the 3D model what this one hides. So does a video of it turning once, from the front on, 3 to 15 seconds long: ${credits(TURN_CREDITS)}.`}</p>
    <${Notice} error=${error} onClose=${() => { setError(null); setRefused([]); }}>
      ${refused.length > 0 && html`<p><button type="button" class="quiet" disabled=${busy} onClick=${() => add(refused, WHOLE)}>It is the same thing: show where</button></p>`}
    <//>
    ${opened && html`<${Correction} view=${opened} onClose=${() => setOpen("")} onSave=${(/** @type {any} */ changes) => { setOpen(""); change(opened, changes); }} />`}
  </fieldset>`;
}

/**
 * @param {{ view: View, number: number, busy: boolean, onSide: (side: string) => void, onOpen: () => void, onTake: () => void }} properties
 */
function Thumbnail({ view, number, busy, onSide, onOpen, onTake }) {
  const [left, top, right, bottom] = view.bbox;
  if (view.frames) {
    return html`<li><span class="thumbnail"><span><img src=${view.source_url} alt="" /></span></span>
      <div><p>A turn <small>${view.frames.length} pictures</small></p>
        ${view.suggested_actions.map((action) => html`<p class="hint warm" key=${action.code}>${action.message}</p>`)}</div>
      <button type="button" class="icon" disabled=${busy} aria-label="Take the turn out" onClick=${onTake}>×</button></li>`;
  }
  const place = { left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` };
  return html`<li>
    <button type="button" class="thumbnail" onClick=${onOpen} aria-label=${`Photo ${number}: correct where the thing is`}>
      <span><img src=${view.source_url} alt="" /><i style=${place}></i></span></button>
    <div>
      <label class="field"><span class="sr-only">Side that photo ${number} shows</span>
        <select disabled=${busy} value=${view.side || ""} onChange=${(/** @type {any} */ event) => onSide(event.target.value)}>
          <option value="">Which side is it?</option>
          ${Object.entries(SIDES).map(([side, name]) => html`<option key=${side} value=${side}>${name}</option>`)}
        </select></label>
      ${view.suggested_actions.map((action) => html`<p class="hint warm" key=${action.code}>${action.message}</p>`)}
    </div>
    <button type="button" class="icon" disabled=${busy} aria-label=${`Take photo ${number} out`} onClick=${onTake}>×</button>
  </li>`;
}

/** @param {{ view: View, onClose: () => void, onSave: (changes: Record<string, unknown>) => void }} properties */
function Correction({ view, onClose, onSave }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [tool, setTool] = useState(/** @type {import("./photo.js").Tool} */ ("box"));
  const [choice, setChoice] = useState(/** @type {Choice} */ ({ index: -1, box: /** @type {any} */ ([...view.bbox]), points: [...view.points] }));
  useEffect(() => dialog.current?.showModal(), []);
  const choose = (/** @type {Partial<Choice>} */ part) => setChoice((/** @type {Choice} */ before) => ({ ...before, ...part }));
  const point = (/** @type {number} */ x, /** @type {number} */ y) =>
    choice.points.length < MOST_POINTS && choose({ points: [...choice.points, { x, y, keep: tool === "keep" }] });
  const save = () => {
    // Closed, and not only taken away, a dialog gives the keyboard back to where it came from.
    dialog.current?.close();
    onSave({ bbox: choice.box || view.bbox, points: choice.points });
  };
  return html`<dialog ref=${dialog} class="correction" onClose=${onClose} aria-labelledby="correction-title">
    <div class="between"><h2 id="correction-title">Where is it in this photo?</h2>
      <button type="button" class="icon" aria-label="Close" onClick=${() => dialog.current?.close()}>×</button></div>
    <${Photo} src=${view.source_url} objects=${view.objects} choice=${choice} tool=${tool} cutout=${null} onBroken=${() => {}}
      onPick=${(/** @type {number} */ index) => choose({ box: /** @type {any} */ ([...view.objects[index].bbox]) })}
      onBox=${(/** @type {any} */ box) => choose({ box })} onPoint=${point}
      onRemovePoint=${(/** @type {number} */ place) => choose({ points: choice.points.filter((_, each) => each !== place) })}>
    <${Tools} name="view-tool" tool=${tool} onTool=${setTool} choice=${choice}
      onUndo=${() => choose({ points: choice.points.slice(0, -1) })} onClear=${() => choose({ points: [] })} /><//>
    <button type="button" class="primary wide" onClick=${save}>Save</button>
  </dialog>`;
}
