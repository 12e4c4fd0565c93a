// Where a key comes from, and the field that takes it.

import { html, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { Notice } from "./notice.js";

/** @param {{ onDone?: () => void }} properties */
export function KeyForm({ onDone }) {
  const owner = useOwner();
  const [key, setKey] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await owner.use(key.trim());
      setKey("");
      onDone?.();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return html`<form class="key-form" onSubmit=${submit}>
    ${owner.refused && !error && html`<${Notice} text=${owner.refused} />`}
    <p>The studio works for whoever has an API key of this installation. The key stays in this browser.</p>
    <ul class="plain-list">
      <li>Started with <code>lensora up</code>? Open the address that it printed: it brings the key along.</li>
      <li>Do you run the server? <code>lensora keys create</code> makes one.</li>
      <li>Otherwise ask whoever runs it.</li>
    </ul>
    <label for="key-input">API key</label>
    <input id="key-input" type="password" autocomplete="off" spellcheck=${false} placeholder="lsk_…" required
      value=${key} onInput=${(/** @type {any} */ event) => setKey(event.target.value)} />
    <${Notice} error=${error} />
    <div class="row">
      <button class="primary" disabled=${busy}>${busy ? "Looking…" : "Use this key"}</button>
    </div>
  </form>`;
}
