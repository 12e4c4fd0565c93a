// The same model filmed again: another move, another scene, another length. The cutout and the model are kept, so it
// costs a third.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { newDraft } from "../memory.js";
import { go } from "../routes.js";
import { credits } from "../words.js";
import { CameraChoice, FilmChoice, ShapeChoice, outputOf } from "./choices.js";
import { orderNothing } from "./enter.js";
import { Notice } from "./notice.js";
import { useOnce } from "./once.js";
import { priceAgain, usePrices } from "./prices.js";
import { SettingChoice, backgroundOf, suited, unsettled } from "./setting.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Film} Film */
/** @typedef {import("../types.js").Setting} Setting */

export const RENDER_CREDITS = 25;

/** The choices that a job was made with. @param {Job} job @returns {{ setting: Setting, film: Film }} */
function choicesOf(job) {
  const { setting, film } = newDraft();
  const order = job.order;
  if (!order) return { setting, film };
  const { background, output } = order;
  return {
    setting: {
      ...setting,
      kind: /** @type {any} */ (background.type),
      prompt: ("prompt" in background && background.prompt) || setting.prompt,
      url: ("url" in background && background.url) || "",
      color: ("value" in background && background.value) || setting.color,
      backplate: background.backplate_id ? { id: background.backplate_id, url: "" } : null,
    },
    film: { ...film, ...output, camera: order.camera_preset, formats: output.formats.filter((name) => !["mp4", "glb", "usdz", "obj", "stl"].includes(name)) },
  };
}

/** @param {{ job: Job }} properties */
export function Again({ job }) {
  const owner = useOwner();
  const [before] = useState(() => choicesOf(job));
  const [setting, setSetting] = useState(before.setting);
  const [film, setFilm] = useState(before.film);
  const [busy, setBusy] = useState(false);
  const once = useOnce(`film again ${job.job_id}`);
  const prices = usePrices(film);
  const [error, setError] = useState(/** @type {any} */ (null));
  // What was wrong with the order was so of another one.
  useEffect(() => setError(null), [setting, film]);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    // A background that stays is not sent: then the scene is not made anew, and the film is there sooner.
    const scene = JSON.stringify(backgroundOf(setting)) === JSON.stringify(backgroundOf(before.setting)) ? {} : { background: backgroundOf(setting) };
    try {
      const order = { ...scene, camera_preset: film.camera, output: outputOf(suited(film, setting)) };
      const ticket = await owner.api?.order(`/v1/studio/jobs/${job.job_id}/render`, order, once.key(order));
      once.done();
      go(`/studio/jobs/${ticket.job_id}`);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
      setBusy(false);
    }
    owner.refresh();
  };
  return html`<details class="more again">
    <summary>Film it again, or change the scene <small>from ${credits(RENDER_CREDITS)}</small></summary>
    <form onKeyDown=${orderNothing} onSubmit=${submit}>
      <${SettingChoice} setting=${setting} onChange=${setSetting} />
      <${ShapeChoice} aspect=${film.aspect} onChange=${(/** @type {string} */ aspect) => setFilm({ ...film, aspect })} />
      <${CameraChoice} camera=${film.camera} onChange=${(/** @type {string} */ camera) => setFilm({ ...film, camera })} />
      <${FilmChoice} film=${suited(film, setting)} onChange=${setFilm} again=${true} />
      <p class="price" role="status">${unsettled(setting) || (prices && html`<b>${priceAgain(prices, suited(film, setting).formats)}</b>. Paid back if it does not complete.`)}</p>
      <${Notice} error=${error} onClose=${() => setError(null)} />
      <button class="primary wide" disabled=${busy || Boolean(unsettled(setting))}>${busy ? "Ordering…" : "Film it again"}</button>
    </form>
  </details>`;
}
