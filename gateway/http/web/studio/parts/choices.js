// What the film shows and how: background, camera move, length and files.

import { html } from "/web/vendor/preact.js";
import { usePrices } from "./prices.js";
import { bytes, credits, FILES } from "../words.js";

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("../types.js").Film} Film */
/** @typedef {import("../types.js").BackgroundKind} BackgroundKind */

/** @type {[string, string, any][]} */
const MOVES = [
  ["turntable", "one full turn", html`<ellipse cx="24" cy="20" rx="18" ry="6"/><rect x="19" y="8" width="10" height="12" rx="2"/><path d="M38 15l4 5-6 2"/>`],
  ["dolly", "straight in", html`<rect x="32" y="9" width="10" height="14" rx="2"/><path d="M6 16h18m-6-5l6 5-6 5"/>`],
  ["cinematic", "arc and rise", html`<path d="M6 26C10 6 38 6 42 20m-5-3l5 4 2-6"/><rect x="19" y="18" width="10" height="10" rx="2"/>`],
];
const SIZES = [512, 768, 1024, 1280, 1920];
const LENGTHS = [2, 4, 6, 8, 12];
const RATES = [24, 30, 60];
const FILM_EXTRAS = ["poster", "gif", "webp", "webm_alpha"];
const MODEL_EXTRAS = ["usdz", "obj", "stl"];

/** @type {[string, string, number, number][]} */
const SHAPES = [["1:1", "Square", 20, 20], ["4:5", "Portrait", 18, 22], ["9:16", "Story", 14, 25], ["16:9", "Wide", 28, 16]];

/** Choices that suit a place where films are shown. @type {[string, Partial<Film>][]} */
const PRESETS = [
  ["Shop page", { aspect: "1:1", size: 768, seconds: 4, fps: 24, camera: "turntable", formats: ["poster", "webm_alpha"] }],
  ["Story", { aspect: "9:16", size: 1024, seconds: 4, fps: 24, camera: "cinematic", formats: ["poster"] }],
  ["Ad", { aspect: "16:9", size: 1280, seconds: 6, fps: 24, camera: "dolly", formats: ["poster"] }],
  ["AR", { aspect: "1:1", size: 768, seconds: 4, fps: 24, camera: "turntable", formats: ["usdz", "poster"] }],
];

/** @param {{ film: Film, onChange: (film: Film) => void }} properties */
export function PresetChoice({ film, onChange }) {
  const same = (/** @type {Partial<Film>} */ preset) => Object.entries(preset).every(([name, value]) => String(film[/** @type {keyof Film} */ (name)]) === String(value));
  return html`<fieldset><legend>Made for</legend><div class="chips">
    ${PRESETS.map(([name, preset]) => html`<button type="button" key=${name} aria-pressed=${same(preset)}
      onClick=${() => onChange({ ...film, ...preset })}>${name}</button>`)}
  </div></fieldset>`;
}

/** @param {{ aspect: string, onChange: (aspect: string) => void }} properties */
export function ShapeChoice({ aspect, onChange }) {
  return html`<fieldset>
    <legend>Shape</legend>
    <div class="cameras swatches">
      ${SHAPES.map(([name, word, width, height]) => html`<label key=${name}>
        <input type="radio" name="aspect" value=${name} checked=${aspect === name} onChange=${() => onChange(name)} />
        <span><svg viewBox="0 0 48 32" aria-hidden="true"><rect x=${24 - width / 2} y=${16 - height / 2} width=${width} height=${height} rx="2"/></svg>${word}<small>${name}</small></span></label>`)}
    </div>
  </fieldset>`;
}

/** @param {{ camera: string, onChange: (camera: string) => void }} properties */
export function CameraChoice({ camera, onChange }) {
  return html`<fieldset>
    <legend>Camera</legend>
    <div class="cameras">
      ${MOVES.map(([name, what, drawing]) => html`<label key=${name}>
        <input type="radio" name="camera" value=${name} checked=${camera === name} onChange=${() => onChange(name)} />
        <span><svg viewBox="0 0 48 32" aria-hidden="true">${drawing}</svg>${name[0].toUpperCase() + name.slice(1)}<small>${what}</small></span></label>`)}
    </div>
  </fieldset>`;
}

/**
 * @param {{ name: string, label: string, value: number, values: number[], unit: string, onChange: (value: number) => void }} properties
 */
function Select({ name, label, value, values, unit, onChange }) {
  return html`<label class="field" for=${name}>${label}
    <select id=${name} value=${value} onChange=${(/** @type {any} */ event) => onChange(Number(event.target.value))}>
      ${values.map((each) => html`<option key=${each} value=${each} selected=${each === value}>${each} ${unit}</option>`)}
    </select></label>`;
}

/**
 * @param {{ film: Film, onChange: (film: Film) => void, again?: boolean }} properties
 *   again: the model is kept, so that its own files cannot be asked for
 */
export function FilmChoice({ film, onChange, again = false }) {
  const toggle = (/** @type {string} */ name) => {
    const formats = film.formats.includes(name) ? film.formats.filter((each) => each !== name) : [...film.formats, name];
    onChange({ ...film, formats });
  };
  const prices = usePrices(film);
  const offered = again ? FILM_EXTRAS : [...FILM_EXTRAS, ...MODEL_EXTRAS];
  return html`<details class="more">
    <summary>Size, length and files</summary>
    <div class="fields">
      <${Select} name="size" label="Longer side" unit="px" value=${film.size} values=${SIZES} onChange=${(/** @type {number} */ size) => onChange({ ...film, size })} />
      <${Select} name="seconds" label="Length" unit="s" value=${film.seconds} values=${LENGTHS} onChange=${(/** @type {number} */ seconds) => onChange({ ...film, seconds })} />
      <${Select} name="fps" label="Pictures a second" unit="" value=${film.fps} values=${RATES} onChange=${(/** @type {number} */ fps) => onChange({ ...film, fps })} />
    </div>
    <fieldset class="files"><legend>Files beside film, model, still and cutout</legend>
      ${offered.map((name) => html`<label class="check" key=${name}>
        <input type="checkbox" name="formats" value=${name} checked=${film.formats.includes(name)} onChange=${() => toggle(name)} />
        <span>${FILES[name][0]} <small>${FILES[name][1]}</small><small class="cost">${costOf(prices?.outputs.find((row) => row.name === name))}</small></span></label>`)}
    </fieldset>
  </details>`;
}

/** Words for what a file adds. @param {{ credits: number, expected_bytes: number } | undefined} row */
function costOf(row) {
  if (!row) return "";
  return `${row.credits ? `+${credits(row.credits)}` : "included"}, about ${bytes(row.expected_bytes)}`;
}

/** The API's ``output``. @param {Film} film */
export function outputOf(film) {
  return { aspect: film.aspect, size: film.size, seconds: film.seconds, fps: film.fps, formats: ["mp4", "glb", ...film.formats] };
}
