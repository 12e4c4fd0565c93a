// A box on the photo: its corners, or all of it, are dragged or moved with the arrow keys.

import { html, useRef } from "/web/vendor/preact.js";

/** @typedef {import("../types.js").Corners} Corners */

const LEAST_SIDE = 0.02;
const STEP = 0.01;
/** @type {[string, 0 | 2, 1 | 3][]} */
const CORNERS = [["Top left", 0, 1], ["Top right", 2, 1], ["Bottom left", 0, 3], ["Bottom right", 2, 3]];

/** @type {Record<string, [number, number]>} */
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

/** @param {number} value */
export const clamp = (value) => Math.max(0, Math.min(1, value));

/**
 * @param {{ box: Corners, onChange: (box: Corners) => void, steady: boolean }} properties
 *   steady: shown without corners
 */
export function Handles({ box, onChange, steady }) {
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const moved = (/** @type {0 | 2} */ across, /** @type {1 | 3} */ down, /** @type {number} */ x, /** @type {number} */ y) => {
    const next = /** @type {Corners} */ ([...box]);
    next[across] = across === 0 ? Math.min(clamp(x), box[2] - LEAST_SIDE) : Math.max(clamp(x), box[0] + LEAST_SIDE);
    next[down] = down === 1 ? Math.min(clamp(y), box[3] - LEAST_SIDE) : Math.max(clamp(y), box[1] + LEAST_SIDE);
    onChange(next);
  };
  const drag = (/** @type {PointerEvent} */ event, /** @type {0 | 2} */ across, /** @type {1 | 3} */ down) => {
    const handle = /** @type {HTMLElement} */ (event.currentTarget);
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const area = /** @type {HTMLElement} */ (frame.current?.parentElement).getBoundingClientRect();
    moved(across, down, (event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height);
  };
  const key = (/** @type {KeyboardEvent} */ event, /** @type {0 | 2} */ across, /** @type {1 | 3} */ down) => {
    const by = KEYS[event.key];
    if (!by) return;
    event.preventDefault();
    moved(across, down, box[across] + by[0], box[down] + by[1]);
  };
  // The box as it is, somewhere else within the photo.
  const shifted = (/** @type {number} */ across, /** @type {number} */ down) => {
    const x = Math.max(-box[0], Math.min(1 - box[2], across));
    const y = Math.max(-box[1], Math.min(1 - box[3], down));
    onChange([box[0] + x, box[1] + y, box[2] + x, box[3] + y]);
  };
  const carry = (/** @type {PointerEvent} */ event) => {
    const handle = /** @type {HTMLElement} */ (event.currentTarget);
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const area = /** @type {HTMLElement} */ (frame.current?.parentElement).getBoundingClientRect();
    shifted((event.clientX - area.left) / area.width - (box[0] + box[2]) / 2, (event.clientY - area.top) / area.height - (box[1] + box[3]) / 2);
  };
  const push = (/** @type {KeyboardEvent} */ event) => {
    const by = KEYS[event.key];
    if (!by) return;
    event.preventDefault();
    shifted(by[0], by[1]);
  };
  const style = {
    left: `${box[0] * 100}%`, top: `${box[1] * 100}%`, width: `${(box[2] - box[0]) * 100}%`, height: `${(box[3] - box[1]) * 100}%`,
  };
  return html`<div class="drawn" ref=${frame} style=${style} role="group" aria-label="Your box">
    ${!steady && CORNERS.map(([name, across, down]) => html`<button type="button" key=${name} class="handle"
      style=${{ left: across === 0 ? "0" : "100%", top: down === 1 ? "0" : "100%" }}
      aria-label=${`${name} corner: ${Math.round(box[across] * 100)} %, ${Math.round(box[down] * 100)} %. Move it with the arrow keys.`}
      onPointerDown=${(/** @type {any} */ event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove=${(/** @type {PointerEvent} */ event) => drag(event, across, down)}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => key(event, across, down)}></button>`)}
    ${!steady && html`<button type="button" class="handle whole" style=${{ left: "50%", top: "50%" }} aria-label="The whole box. Move it with the arrow keys."
      onPointerDown=${(/** @type {any} */ event) => event.currentTarget.setPointerCapture(event.pointerId)} onPointerMove=${carry} onKeyDown=${push}></button>`}
  </div>`;
}
