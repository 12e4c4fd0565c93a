// What went wrong, or is to be known, at the place where the person looks.

import { html, useEffect, useRef } from "/web/vendor/preact.js";

/**
 * @param {{ error?: any, text?: string, kind?: "bad" | "plain" | "warm", onClose?: () => void, children?: any }} properties
 */
export function Notice({ error, text, kind = "bad", onClose, children }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const message = text || (error && (error.message || String(error))) || "";
  useEffect(() => {
    // What went wrong comes to the person; what is good to know waits.
    if (message && kind === "bad") box.current?.scrollIntoView({ block: "nearest" });
  }, [message]);
  if (!message) return null;
  const request = error && error.requestId && error.status >= 500 ? error.requestId : "";
  return html`<div class=${`notice ${kind}`} role=${kind === "bad" ? "alert" : "status"} ref=${box}>
    <div><p>${message}</p>${request && html`<small>Request ${request}</small>`}${children}</div>
    ${onClose && html`<button type="button" class="icon" aria-label="Close this message" onClick=${onClose}>×</button>`}
  </div>`;
}
