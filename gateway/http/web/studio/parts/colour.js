// A colour: picked by eye, or written as #rrggbb.

import { html, useState } from "/web/vendor/preact.js";

const WRITTEN = /^#[0-9a-f]{6}$/i;

/** Whether a text names a colour as the API takes it. @param {string} text */
export const isColour = (text) => WRITTEN.test(text);

let fields = 0;

/** @param {{ label: string, value: string, onChange: (value: string) => void }} properties */
export function ColourField({ label, value, onChange }) {
  const [id] = useState(() => `colour-${(fields += 1)}`);
  const change = (/** @type {any} */ event) => onChange(event.target.value.trim());
  return html`<div class="colour">
    <label for=${id}>${label}</label>
    <div class="colour-row">
      <input type="color" aria-label=${`${label}, by eye`} value=${isColour(value) ? value : "#ffffff"} onInput=${change} />
      <input type="text" id=${id} value=${value} maxlength="7" spellcheck=${false} autocomplete="off" placeholder="#1f5c57"
        aria-invalid=${!isColour(value)} onInput=${change} />
    </div>
    ${!isColour(value) && html`<p class="hint" role="status">A colour is written as #rrggbb, such as #1f5c57.</p>`}
  </div>`;
}
