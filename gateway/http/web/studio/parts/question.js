// A question that takes the place of a button: it takes the button's focus too, and answers nothing by itself.

import { html, useEffect, useRef } from "/web/vendor/preact.js";

/** @param {{ label: string, class?: string, children?: any }} properties */
export function Question({ label, class: look = "", children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => box.current?.focus({ preventScroll: true }), []);
  return html`<div class=${look} role="group" aria-label=${label} tabindex="-1" ref=${box}>${children}</div>`;
}
