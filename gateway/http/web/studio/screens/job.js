// A film: in the making, ready, or why not. Its address works at every moment, in every tab that has the key.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { Heading } from "../parts/heading.js";
import { useOwner } from "../account.js";
import { ended } from "../api.js";
import { Making } from "../parts/making.js";
import { Notice } from "../parts/notice.js";
import { Result } from "../parts/result.js";
import { follow } from "../routes.js";
import { credits } from "../words.js";

/** @typedef {import("../types.js").Job} Job */

/** @param {{ id: string }} properties */
export function JobScreen({ id }) {
  const owner = useOwner();
  const [job, setJob] = useState(/** @type {Job | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!owner.api) return undefined;
    const controller = new AbortController();
    owner.api.follow(id, setJob, controller.signal).then(
      () => owner.refresh(),
      (problem) => {
        owner.check(problem);
        setError(problem);
      },
    );
    return () => controller.abort();
  }, [owner.api, id]);
  if (error) {
    const gone = error.code === "job_not_found";
    return html`<section class="card narrow"><${Heading}>${gone ? "This film is not here" : "Your film"}<//>
      ${gone ? html`<p>It has been deleted, its time is over, or it belongs to another key.</p>` : html`<${Notice} error=${error} />`}
      <div class="row"><a class="button primary" href="/studio" onClick=${follow}>My films</a><a class="button quiet" href="/" onClick=${follow}>New film</a></div></section>`;
  }
  if (!job) return html`<section class="card narrow"><${Heading}>Your film<//><p role="status">Loading…</p></section>`;
  const shown = !ended(job) ? html`<${Making} job=${job} />` : job.status === "completed" ? html`<${Result} job=${job} />` : html`<${Unmade} job=${job} />`;
  if (!job.batch_id) return shown;
  return html`${shown}<div class="row center"><a class="button quiet" href=${`/studio/batches/${job.batch_id}`} onClick=${follow}>All films of this batch</a></div>`;
}

/** @param {{ job: Job }} properties */
function Unmade({ job }) {
  const failed = job.status === "failed";
  const detail = job.error_detail;
  return html`<section class="card narrow">
    <${Heading}>${failed ? "This film could not be made" : "Cancelled"}<//>
    ${failed && html`<${Notice} text=${`${job.error}.`} kind="bad" />`}
    <p>${job.credits_refunded ? `${credits(job.credits_refunded)} came back.` : "Nothing was charged."}
      ${failed && detail && (detail.retryable ? " The same order may work if you try again." : " Another box, photo or background may work better.")}</p>
    <div class="row">
      ${job.order && html`<a class="button primary" href=${`/studio/sessions/${job.order.session_id}`} onClick=${follow}>Back to the photo</a>`}
      <a class="button quiet" href="/studio" onClick=${follow}>My films</a>
    </div>
  </section>`;
}
