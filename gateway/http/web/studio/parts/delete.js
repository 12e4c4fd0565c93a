// Deleting a film: asked once more, because it does not come back.

import { html, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { go } from "../routes.js";
import { Question } from "./question.js";
import { Notice } from "./notice.js";

/** @param {{ jobId: string, small?: boolean, onDeleted: () => void }} properties */
export function Delete({ jobId, small = false, onDeleted }) {
  const owner = useOwner();
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      await owner.api?.remove(jobId);
      onDeleted();
      if (!small) go("/studio");
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  if (!asked) return html`<button type="button" class=${small ? "quiet" : "quiet wide"} onClick=${() => setAsked(true)}>Delete</button>`;
  return html`<${Question} class="ask" label="Delete this film?">
    <p>Delete the film and its files? They do not come back.</p>
    <${Notice} error=${error} />
    <div class="row">
      <button type="button" class="danger" disabled=${busy} onClick=${remove}>${busy ? "Deleting…" : "Delete it"}</button>
      <button type="button" class="quiet" disabled=${busy} onClick=${() => setAsked(false)}>Keep it</button>
    </div>
  <//>`;
}
