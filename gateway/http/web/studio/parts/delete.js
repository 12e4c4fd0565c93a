// Deleting a film: asked once more, because it does not come back.

import { html } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { go } from "../routes.js";
import { Asked } from "./asked.js";

/** @param {{ jobId: string, small?: boolean, onDeleted: () => void }} properties */
export function Delete({ jobId, small = false, onDeleted }) {
  const owner = useOwner();
  const remove = async () => {
    await owner.api?.remove(jobId);
    onDeleted();
    if (!small) go("/studio");
  };
  return html`<${Asked} word="Delete" class=${small ? "quiet" : "quiet wide"} question="Delete the film and its files? They do not come back."
    yes="Delete it" no="Keep it" busyWord="Deleting…" failed="It could not be deleted." onYes=${remove} />`;
}
