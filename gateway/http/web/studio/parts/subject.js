// What is to be filmed: the objects that were found, the tools to say it better, and a look at the cutout.

import { html, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { credits, names } from "../words.js";
import { Notice } from "./notice.js";
import { useOnce } from "./once.js";

/** @typedef {import("../types.js").Choice} Choice */
/** @typedef {import("../types.js").Cutout} Cutout */
/** @typedef {import("../types.js").Session} Session */
/** @typedef {import("./photo.js").Tool} Tool */

export const CUTOUT_CREDITS = 5;

/** @type {[Tool, string, string][]} */
const TOOLS = [
  ["pick", "Pick", "Click one of the framed things."],
  ["box", "Box", "Drag a box around what you mean. Its corners and its middle can be moved."],
  ["keep", "Keep", "Tap what belongs to it."],
  ["drop", "Drop", "Tap what does not belong to it."],
];

/**
 * @param {{
 *   name?: string, tool: Tool, onTool: (tool: Tool) => void, choice: Choice, onClear: () => void, onUndo: () => void,
 * }} properties name of the group of radio buttons: each has its own
 */
export function Tools({ name: group = "tool", tool, onTool, choice, onClear, onUndo }) {
  const told = TOOLS.find(([name]) => name === tool);
  return html`
    <div class="segmented" role="radiogroup" aria-label="How to say what is meant">
      ${TOOLS.map(([name, title]) => html`<label key=${name}><input type="radio" name=${group} value=${name} checked=${tool === name}
        onChange=${() => onTool(name)} /><span>${title}</span></label>`)}
    </div>
    <button type="button" class="quiet" disabled=${!choice.points.length} onClick=${onUndo}>Undo</button>
    <button type="button" class="quiet" disabled=${!choice.points.length && !choice.box} onClick=${onClear}>Clear</button>
    <p class="hint" aria-live="polite">${told && told[2]}</p>`;
}

/**
 * In the tools' place while the cutout is looked at: how sure it is, and the way back. It comes into view with the cutout.
 *
 * @param {{ cutout: Cutout, onBack: () => void }} properties
 */
export function Looking({ cutout, onBack }) {
  const button = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    button.current?.closest(".stage")?.scrollIntoView({ block: "nearest" });
    button.current?.focus({ preventScroll: true });
  }, []);
  return html`<button type="button" class="quiet" ref=${button} onClick=${onBack}>Back to the photo</button>
    <p class="hint">This is the cutout: ${percent(cutout)} % sure that it is right. Back at the photo it can be mended by a box and points.</p>`;
}

/** @param {Cutout} cutout */
const percent = (cutout) => Math.round(cutout.confidence * 100);

/** @param {{ session: Session, choice: Choice, onPick: (index: number) => void }} properties */
export function Subjects({ session, choice, onPick }) {
  const called = names(session.objects);
  return html`<fieldset>
    <legend>Subject</legend>
    <div class="chips">
      ${session.objects.map((object, index) => html`<button type="button" key=${index}
        aria-pressed=${!choice.box && choice.index === index} onClick=${() => onPick(index)}>
        ${called[index]}
        ${object.category !== "full_frame" && object.category !== object.label && html` <small>${object.category.replace("_", " ")}</small>`}</button>`)}
      ${choice.box && html`<button type="button" aria-pressed="true">Your box</button>`}
    </div>
    ${session.suggested_actions.length > 0 && html`<ul class="advice">
      ${session.suggested_actions.map((action) => html`<li key=${action.code}>${action.message}</li>`)}</ul>`}
  </fieldset>`;
}

/**
 * The body of the API's calls that says what is meant.
 *
 * @param {string} sessionId
 * @param {Choice} choice
 * @param {Cutout | null} cutout
 */
export function meant(sessionId, choice, cutout) {
  if (cutout) return { session_id: sessionId, cutout_id: cutout.cutout_id };
  const subject = choice.box ? { bbox: choice.box } : { object_index: choice.index };
  return { session_id: sessionId, ...subject, ...(choice.points.length ? { points: choice.points } : {}) };
}

/**
 * A look at the cutout before the film is paid.
 *
 * @param {{ session: Session, choice: Choice, cutout: Cutout | null, shown: boolean, onCutout: (cutout: Cutout) => void, onShow: (shown: boolean) => void }} properties
 */
export function CutoutLook({ session, choice, cutout, shown, onCutout, onShow }) {
  const owner = useOwner();
  const [busy, setBusy] = useState(false);
  const once = useOnce(`cutout ${session.session_id}`);
  const [error, setError] = useState(/** @type {any} */ (null));
  const look = async () => {
    setBusy(true);
    setError(null);
    try {
      const asked = meant(session.session_id, choice, null);
      onCutout(await owner.api?.order("/v1/studio/cutout", asked, once.key(asked)));
      once.done();
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
      owner.refresh();
    }
  };
  const sure = cutout ? percent(cutout) : 0;
  return html`<fieldset>
    <legend>Cutout</legend>
    ${cutout
      ? html`<p class="sure"><meter min="0" max="100" low="50" high="80" optimum="100" value=${sure} aria-label="How sure the cutout is"></meter>
          <span>${sure} % sure that this is right</span></p>
        ${cutout.suggested_actions.map((action) => html`<${Notice} key=${action.code} kind="warm" text=${action.message} />`)}
        ${!shown && html`<div class="row"><button type="button" class="quiet" onClick=${() => onShow(true)}>Show the cutout</button></div>`}
        <p class="hint">The film takes exactly this cutout. Box and points make another one.</p>`
      : html`<p class="hint">See it before the film: then box and points can mend what is wrong.</p>
        <div class="row"><button type="button" class="quiet" disabled=${busy} onClick=${look}>${busy ? "Cutting out…" : "Look at the cutout"} <small>${credits(CUTOUT_CREDITS)}</small></button></div>`}
    <${Notice} error=${error} onClose=${() => setError(null)} />
  </fieldset>`;
}
