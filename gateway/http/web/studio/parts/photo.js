// The photo as a place to point at: objects to pick, a box to draw, places to keep or to drop; it can be looked at closely.

import { html, useRef, useState } from "/web/vendor/preact.js";
import { names } from "../words.js";
import { Handles, clamp } from "./handles.js";
import { useNearer } from "./nearer.js";

/** @typedef {import("../types.js").Choice} Choice */
/** @typedef {import("../types.js").Corners} Corners */
/** @typedef {import("../types.js").Cutout} Cutout */
/** @typedef {import("../types.js").DetectedObject} DetectedObject */
/** @typedef {"pick" | "box" | "keep" | "drop"} Tool */

export const MOST_POINTS = 32;
const LEAST_SIDE = 0.02;
const STEP = 0.02;
const TINY = 0.12;
/** A finger that goes further than this, in pixels, moves the photo: it sets no point. */
const TAP_PX = 8;

/**
 * @param {{
 *   src: string, objects: DetectedObject[], choice: Choice, tool: Tool, cutout: Cutout | null,
 *   onPick: (index: number) => void, onBox: (box: Corners) => void, onPoint: (x: number, y: number) => void,
 *   onRemovePoint: (index: number) => void, onBroken: () => void, children?: any,
 * }} properties children: the tools, which stand beside the zoom
 */
export function Photo({ src, objects, choice, tool, cutout, onPick, onBox, onPoint, onRemovePoint, onBroken, children }) {
  const [ratio, setRatio] = useState(1);
  const [drawn, setDrawn] = useState(/** @type {Corners | null} */ (null));
  const [cross, setCross] = useState(/** @type {{ x: number, y: number } | null} */ (null));
  const picture = useRef(/** @type {HTMLElement | null} */ (null));
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  const start = useRef(/** @type {{ x: number, y: number } | null} */ (null));
  const held = useRef(/** @type {{ x: number, y: number, moved: boolean } | null} */ (null));
  const pressed = useRef(/** @type {Element | null} */ (null));
  const called = names(objects);
  const pointing = tool === "keep" || tool === "drop";

  const at = (/** @type {PointerEvent} */ event) => {
    const area = /** @type {HTMLElement} */ (picture.current).getBoundingClientRect();
    return { x: clamp((event.clientX - area.left) / area.width), y: clamp((event.clientY - area.top) / area.height) };
  };
  const meantBox = choice.box || objects[choice.index]?.bbox || [0, 0, 1, 1];
  const { zoom, nearer, nearest } = useNearer(frame, picture, () => ({ x: (meantBox[0] + meantBox[2]) / 2, y: (meantBox[1] + meantBox[3]) / 2 }), () => {
    start.current = null;
    held.current = null;
    setDrawn(null);
  });
  const down = (/** @type {PointerEvent} */ event) => {
    pressed.current = /** @type {Element} */ (event.target).closest("button");
    if (event.button || !event.isPrimary || pressed.current) return;
    if (tool === "box" && !cutout) {
      start.current = at(event);
      /** @type {HTMLElement} */ (picture.current).setPointerCapture(event.pointerId);
    } else held.current = { x: event.clientX, y: event.clientY, moved: false };
  };
  const move = (/** @type {PointerEvent} */ event) => {
    const hold = held.current;
    if (hold) {
      hold.moved ||= Math.hypot(event.clientX - hold.x, event.clientY - hold.y) > TAP_PX;
      // A finger scrolls by itself; a mouse takes hold of the photo.
      if (hold.moved && event.pointerType === "mouse") frame.current?.scrollBy(-event.movementX, -event.movementY);
    }
    if (!start.current) return;
    const place = at(event);
    const { x, y } = start.current;
    setDrawn([Math.min(x, place.x), Math.min(y, place.y), Math.max(x, place.x), Math.max(y, place.y)]);
  };
  const up = (/** @type {PointerEvent} */ event) => {
    if (held.current && !held.current.moved && pointing && !cutout) {
      const place = at(event);
      onPoint(place.x, place.y);
    }
    gone();
  };
  // The click that follows a tap falls on the point that the tap has just set: that one was not pressed.
  const removed = (/** @type {MouseEvent} */ event, /** @type {number} */ index) => {
    if (event.detail === 0 || pressed.current === event.currentTarget) onRemovePoint(index);
  };
  const gone = () => {
    start.current = null;
    held.current = null;
    if (drawn && drawn[2] - drawn[0] > LEAST_SIDE && drawn[3] - drawn[1] > LEAST_SIDE) onBox(drawn);
    setDrawn(null);
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (!pointing || cutout || event.target !== picture.current) return;
    const moves = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP],
    });
    const place = cross || { x: 0.5, y: 0.5 };
    if (moves[event.key]) {
      setCross({ x: clamp(place.x + moves[event.key][0]), y: clamp(place.y + moves[event.key][1]) });
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      onPoint(place.x, place.y);
      event.preventDefault();
    }
  };
  // A box to begin with is the object's own, and no choice until it is changed.
  const own = tool === "box" ? /** @type {Corners | undefined} */ (objects[choice.index]?.bbox) : undefined;
  const box = drawn || choice.box || own;

  return html`<div class="photo">
    <div class="looking" ref=${frame} tabindex=${zoom > 1 ? 0 : -1} role=${zoom > 1 ? "region" : undefined} aria-label=${zoom > 1 ? "The photo, enlarged; scroll to see its parts" : undefined}>
      <div class=${`picture tool-${tool}`} ref=${picture} style=${{ "--zoom": zoom, "--ratio": ratio }}
        tabindex=${pointing && !cutout ? 0 : -1} role=${pointing && !cutout ? "application" : undefined}
        aria-label=${pointing && !cutout ? "Place a point: move the cross with the arrow keys, set it with Enter" : undefined}
        onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${gone} onKeyDown=${keys}
        onFocus=${() => pointing && setCross(cross || { x: 0.5, y: 0.5 })} onBlur=${() => setCross(null)}>
        <img src=${src} alt="Your photo" draggable=${false} onError=${onBroken}
          onLoad=${(/** @type {any} */ event) => setRatio(event.target.naturalWidth / event.target.naturalHeight)} />
        ${cutout
          ? html`<div class="cut checker"><img src=${cutout.cutout_url} alt="The cutout" style=${place(cutout.crop)} /></div>`
          : html`<div class="shapes">
            ${objects.map((object, index) => object.category !== "full_frame" && html`<button type="button" key=${index}
              class=${object.bbox[2] - object.bbox[0] < TINY ? "box tiny" : "box"} aria-pressed=${!box && choice.index === index}
              tabindex=${tool === "pick" ? 0 : -1} style=${{ ...place(object.bbox), zIndex: 1 + Math.round(100 * (1 - area(object.bbox))) }}
              aria-label=${called[index]} onClick=${() => onPick(index)}><span>${called[index]}</span></button>`)}
            ${box && html`<${Handles} box=${box} onChange=${onBox} steady=${Boolean(drawn) || tool !== "box"} />`}
            ${choice.points.map((point, index) => html`<button type="button" key=${`point ${index}`} class=${point.keep ? "point keep" : "point drop"}
              style=${{ left: `${point.x * 100}%`, top: `${point.y * 100}%` }} onClick=${(/** @type {MouseEvent} */ event) => removed(event, index)}
              aria-label=${`${point.keep ? "Keep" : "Drop"}: ${Math.round(point.x * 100)} % from the left, ${Math.round(point.y * 100)} % from the top. Remove this point.`}>${point.keep ? "+" : "−"}</button>`)}
            ${cross && pointing && html`<div class="cross" style=${{ left: `${cross.x * 100}%`, top: `${cross.y * 100}%` }}></div>`}
          </div>`}
      </div>
    </div>
    <div class="tools-row">${children}
      <div class="zoom" role="group" aria-label="Zoom">
        <button type="button" class="icon" aria-label="Smaller" disabled=${zoom === 1} onClick=${() => nearer(-1)}>−</button>
        <output>${Math.round(zoom * 100)} %</output>
        <button type="button" class="icon" aria-label="Larger" disabled=${nearest} onClick=${() => nearer(1)}>+</button>
      </div>
    </div>
  </div>`;
}

/** @param {number[]} corners */
function place([x1, y1, x2, y2]) {
  return { left: `${x1 * 100}%`, top: `${y1 * 100}%`, width: `${(x2 - x1) * 100}%`, height: `${(y2 - y1) * 100}%` };
}

/** @param {number[]} corners */
const area = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
