// How large the thing really is: a photo cannot tell, and in a room or from a printer it must be right.

import { html } from "/web/vendor/preact.js";

/** @typedef {import("../types.js").Film} Film */

/** Files that are seen, or printed, at their true size. */
const SIZED = ["usdz", "obj", "stl"];
const SMALLEST_CM = 0.1;
const LARGEST_CM = 10_000;

/** Asked only where a file is ordered that needs it; may be left open. @param {{ film: Film, onChange: (film: Film) => void }} properties */
export function SizeQuestion({ film, onChange }) {
  if (!film.formats.some((name) => SIZED.includes(name))) return null;
  return html`<fieldset class="true-size">
    <label for="height"><b>How tall is it?</b> <small>cm</small></label>
    <input id="height" type="number" inputmode="decimal" min=${SMALLEST_CM} max=${LARGEST_CM} step="any" value=${film.height}
      aria-describedby="height-hint" onInput=${(/** @type {any} */ event) => onChange({ ...film, height: event.target.value })} />
    <p class="hint" id="height-hint">In a room and from a printer it then has its true size. Left open, its longest side is taken for 30 cm.</p>
  </fieldset>`;
}

/** The API's words for the size. @param {Film} film @returns {{ real_height_cm?: number }} */
export function sizeOf(film) {
  const height = Number(film.height);
  const said = film.height.trim() !== "" && height >= SMALLEST_CM && height <= LARGEST_CM;
  return said && film.formats.some((name) => SIZED.includes(name)) ? { real_height_cm: height } : {};
}
