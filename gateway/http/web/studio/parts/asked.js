// Something that is asked once more before it is done, because it cannot be taken back.

import { html, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { Notice } from "./notice.js";
import { Question } from "./question.js";

/**
 * @param {{ word: string, question: string, yes: string, no: string, busyWord: string, failed: string, onYes: () => Promise<void>, class?: string }} properties
 *   failed: what is said where it could not be done, before the reason
 */
export function Asked({ word, class: look = "quiet", question, yes, no, busyWord, failed, onYes }) {
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const pressed = useRef(false);
  useEffect(() => {
    // The keyboard goes on where it was: the question takes the focus, and gives it back.
    if (pressed.current && !asked) button.current?.focus();
    pressed.current = false;
  }, [asked]);
  const ask = (/** @type {boolean} */ now) => {
    pressed.current = true;
    setError(null);
    setAsked(now);
  };
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await onYes();
      setAsked(false);
    } catch (problem) {
      setError(new Error(`${failed} ${/** @type {Error} */ (problem).message}`));
    } finally {
      setBusy(false);
    }
  };
  if (!asked) return html`<button type="button" class=${look} ref=${button} onClick=${() => ask(true)}>${word}</button>`;
  return html`<${Question} class="ask" label=${question}>
    <p>${question}</p>
    <${Notice} error=${error} />
    <div class="row">
      <button type="button" class="danger" disabled=${busy} onClick=${go}>${busy ? busyWord : yes}</button>
      <button type="button" class="quiet" disabled=${busy} onClick=${() => ask(false)}>${no}</button>
    </div>
  <//>`;
}
