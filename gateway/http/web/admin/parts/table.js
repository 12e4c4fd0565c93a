// A table that scrolls sideways on a small screen, and what its cells say.

import { html } from "/web/vendor/preact.js";

/** @param {{ label: string, heads: string[], rows: any[][], empty: string }} properties rows: cells, the first of each heads it */
export function Table({ label, heads, rows, empty }) {
  if (!rows.length) return html`<p class="hint">${empty}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table>
    <thead><tr>${heads.map((head) => html`<th key=${head} scope="col">${head}</th>`)}</tr></thead>
    <tbody>${rows.map((cells, at) => html`<tr key=${at}>${cells.map((cell, place) => (place ? html`<td key=${place}>${cell}</td>` : html`<th key=${place} scope="row">${cell}</th>`))}</tr>`)}</tbody>
  </table></div>`;
}

/** A moment in the reader's own time, as 2026-11-29 19:30:00. @param {number} ms */
export const when = (ms) => (ms ? new Date(ms).toLocaleString("sv-SE") : "");

/** @param {number} amount */
export const signed = (amount) => (amount > 0 ? `+${amount.toLocaleString()}` : amount.toLocaleString());

/** @param {string} id */
export const accountLink = (id) => html`<a href=${`#accounts/${encodeURIComponent(id)}`}>${id}</a>`;
