// The background: a scene in words or from the gallery, a picture of one's own, a colour, or white.

import { html, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { wrongWith } from "../words.js";
import { ColourField, isColour } from "./colour.js";
import { Notice } from "./notice.js";
import { SCENES } from "./scenes.js";

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("../types.js").Film} Film */
/** @typedef {import("../types.js").BackgroundKind} BackgroundKind */

/** @type {[BackgroundKind, string][]} */
const KINDS = [["prompt", "Describe"], ["image", "Your picture"], ["color", "Colour"], ["remove", "White"]];
/** @type {[BackgroundKind, string]} */
const CLEAR = ["clear", "Transparent"];

/**
 * @param {{ setting: Setting, onChange: (setting: Setting) => void, brand?: [string, string], clear?: boolean }} properties
 *   brand: title and hint of a first choice that leaves the background to a brand, or to each film
 *   clear: whether there may be none, which takes a file of its own
 */
export function SettingChoice({ setting, onChange, brand, clear = true }) {
  const first = brand ? [/** @type {[BackgroundKind, string]} */ (["brand", brand[0]])] : [];
  const kinds = [...first, ...KINDS, ...(clear ? [CLEAR] : [])];
  // While a picture is on its way, another background may be chosen.
  const now = useRef(setting);
  now.current = setting;
  const keep = (/** @type {import("../types.js").Backplate} */ kept) =>
    onChange({ ...now.current, backplate: { id: kept.backplate_id, url: kept.picture_url }, url: "" });
  return html`<fieldset>
    <legend>Background</legend>
    <div class="segmented kinds" role="radiogroup" aria-label="Kind of background">
      ${kinds.map(([kind, title]) => html`<label key=${kind}><input type="radio" name="background" value=${kind}
        checked=${setting.kind === kind} onChange=${() => onChange({ ...setting, kind })} /><span>${title}</span></label>`)}
    </div>
    ${setting.kind === "prompt" && html`<${Words} setting=${setting} onChange=${onChange} />`}
    ${setting.kind === "image" && html`<${Picture} setting=${setting} onChange=${onChange} onKept=${keep} />`}
    ${setting.kind === "color" && html`<${ColourField} label="Background colour" value=${setting.color}
      onChange=${(/** @type {string} */ color) => onChange({ ...setting, color })} />`}
    ${setting.kind === "brand" && brand && html`<p class="hint">${brand[1]}</p>`}
    ${setting.kind === "remove" && html`<p class="hint">A clean white plate with a soft shadow.</p>`}
    ${setting.kind === "clear" && html`<p class="hint">A film without background (WebM) and the cutout (PNG), to lay over your own page. MP4 cannot be transparent: that one is on white.</p>`}
  </fieldset>`;
}

/** @param {{ setting: Setting, onChange: (setting: Setting) => void }} properties */
function Words({ setting, onChange }) {
  return html`<label for="prompt" class="sr-only">Describe the scene</label>
    <textarea id="prompt" rows="2" maxlength="1000" required value=${setting.prompt}
      onInput=${(/** @type {any} */ event) => onChange({ ...setting, prompt: event.target.value })}></textarea>
    <div class="scenes" role="group" aria-label="Scenes to begin with">
      ${SCENES.map(([name, words]) => html`<button type="button" key=${name} aria-pressed=${setting.prompt === words}
        aria-label=${words} title=${words} onClick=${() => onChange({ ...setting, prompt: words })}>
        <img src=${`/web/scenes/${name}.jpg`} alt="" loading="lazy" width="96" height="96" /></button>`)}
    </div>`;
}

/**
 * @param {{ setting: Setting, onChange: (setting: Setting) => void, onKept: (kept: import("../types.js").Backplate) => void }} properties
 *   onKept: is told of a picture that has been uploaded
 */
function Picture({ setting, onChange, onKept }) {
  const owner = useOwner();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const pick = async (/** @type {any} */ event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const wrong = wrongWith(file);
    setError(wrong ? new Error(wrong) : null);
    if (wrong || !owner.api) return;
    setBusy(true);
    try {
      onKept(await owner.api.backplate(file));
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const kept = setting.backplate;
  return html`<div class="own-picture">
    ${kept && kept.url && html`<img src=${kept.url} alt="Your background" onError=${() => onChange({ ...setting, backplate: null })} />`}
    <label class="button quiet"><input type="file" accept="image/jpeg,image/png,image/webp" class="sr-only" disabled=${busy} onChange=${pick} />
      ${busy ? "Uploading…" : kept ? "Another picture" : "Upload a picture"}</label>
    <${Notice} error=${error} onClose=${() => setError(null)} />
    ${!kept && html`<label for="url">or its address
      <input id="url" type="url" inputmode="url" placeholder="https://example.com/background.jpg" spellcheck=${false}
        value=${setting.url} onInput=${(/** @type {any} */ event) => onChange({ ...setting, url: event.target.value })} /></label>`}
    <p class="hint">Uploaded pictures are kept for a day.</p>
  </div>`;
}

/** The API's ``background``; none where it is a brand's. @param {Setting} setting */
export function backgroundOf(setting) {
  if (setting.kind === "brand") return undefined;
  if (setting.kind === "prompt") return { type: "prompt", prompt: setting.prompt };
  if (setting.kind === "remove" || setting.kind === "clear") return { type: "remove" };
  if (setting.kind === "color") return { type: "color", value: setting.color };
  return setting.backplate ? { type: "image", backplate_id: setting.backplate.id } : { type: "image", url: setting.url.trim() };
}

/** The film with the file that its background needs. @param {Film} film @param {Setting} setting @returns {Film} */
export function suited(film, setting) {
  const needs = setting.kind === "clear" && !film.formats.includes("webm_alpha");
  return needs ? { ...film, formats: [...film.formats, "webm_alpha"] } : film;
}

/** What a background still has to say before it can be ordered; empty where it says enough. @param {Setting} setting */
export function unsettled(setting) {
  if (setting.kind === "prompt" && !setting.prompt.trim()) return "Describe the scene, or pick one of those shown.";
  if (setting.kind === "color" && !isColour(setting.color)) return "Pick a colour, or write it as #rrggbb.";
  if (setting.kind === "image" && !setting.backplate && !setting.url.trim()) return "Upload a picture for the background, or give its address.";
  return "";
}
