// The background: a scene in words, a picture, or white.

import { html } from "/web/vendor/preact.js";

/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("../types.js").BackgroundKind} BackgroundKind */

/** @type {[BackgroundKind, string][]} */
const KINDS = [["prompt", "Describe"], ["image", "Your picture"], ["remove", "White"]];
const IDEAS = [
  "marble kitchen, morning light", "wooden desk by a window", "sandy beach at sunset", "concrete studio, dramatic light",
  "mossy forest floor",
];

/** @param {{ setting: Setting, onChange: (setting: Setting) => void }} properties */
export function SettingChoice({ setting, onChange }) {
  return html`<fieldset>
    <legend>Background</legend>
    <div class="segmented" role="radiogroup" aria-label="Kind of background">
      ${KINDS.map(([kind, title]) => html`<label key=${kind}><input type="radio" name="background" value=${kind}
        checked=${setting.kind === kind} onChange=${() => onChange({ ...setting, kind })} /><span>${title}</span></label>`)}
    </div>
    ${setting.kind === "prompt" && html`<${Words} setting=${setting} onChange=${onChange} />`}
    ${setting.kind === "image" && html`<label for="url">Address of a picture
      <input id="url" type="url" inputmode="url" placeholder="https://example.com/backplate.jpg" spellcheck=${false} required
        value=${setting.url} onInput=${(/** @type {any} */ event) => onChange({ ...setting, url: event.target.value })} /></label>`}
    ${setting.kind === "remove" && html`<p class="hint">A clean white plate with a soft shadow; the cutout has none.</p>`}
  </fieldset>`;
}

/** @param {{ setting: Setting, onChange: (setting: Setting) => void }} properties */
function Words({ setting, onChange }) {
  return html`<label for="prompt" class="sr-only">Describe the scene</label>
    <textarea id="prompt" rows="3" maxlength="1000" required value=${setting.prompt}
      onInput=${(/** @type {any} */ event) => onChange({ ...setting, prompt: event.target.value })}></textarea>
    <div class="chips small">
      ${IDEAS.map((idea) => html`<button type="button" key=${idea} onClick=${() => onChange({ ...setting, prompt: idea })}>${idea}</button>`)}
    </div>`;
}

/** The API's ``background``. @param {Setting} setting */
export function backgroundOf(setting) {
  if (setting.kind === "prompt") return { type: "prompt", prompt: setting.prompt };
  if (setting.kind === "image") return { type: "image", url: setting.url.trim() };
  return { type: "remove" };
}
