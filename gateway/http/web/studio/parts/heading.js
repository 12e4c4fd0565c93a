// A screen's heading. It takes the focus when a person comes to the screen, so that keyboard and screen reader are there.

import { html, useEffect, useRef } from "/web/vendor/preact.js";
import { moved } from "../routes.js";

/** @param {{ children?: any }} properties */
export function Heading({ children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const free = !document.activeElement || document.activeElement === document.body;
    if (moved() && free) heading.current?.focus({ preventScroll: true });
  }, []);
  return html`<h1 tabindex="-1" ref=${heading}>${children}</h1>`;
}
