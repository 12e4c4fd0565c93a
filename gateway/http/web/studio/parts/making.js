// A film in the making: how far it is, how long it takes, what is there already, and the way to stop it.

import { html, useState } from "/web/vendor/preact.js";
import { Countdown } from "./countdown.js";
import { Heading } from "./heading.js";
import { useOwner } from "../account.js";
import { follow } from "../routes.js";
import { STEPS } from "../words.js";
import { Notice } from "./notice.js";

/** @typedef {import("../types.js").Job} Job */

/** @param {{ job: Job }} properties */
export function Making({ job }) {
  const owner = useOwner();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const cancel = async () => {
    setBusy(true);
    setError(null);
    try {
      await owner.api?.cancel(job.job_id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const now = job.status === "queued" ? waiting(job) : STEPS[job.step || ""] || "Starting";
  return html`<section class="card making">
    <${Heading}>Your film is being made<//>
    <p class="hint">You can leave this page: the film is under <a href="/studio" onClick=${follow}>My films</a>, and this address keeps working.</p>
    <div class="previews">
      <${Slot} job=${job} url=${job.removed_bg_url} word="Cutout" alt="The subject without its background" checker=${true} />
      <${Slot} job=${job} url=${job.scene_url} word="Scene" alt="The new scene" checker=${false} />
    </div>
    <div class="progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${job.progress} aria-valuetext=${`${now}, ${job.progress} %`} aria-label="Progress">
      <div style=${{ width: `${job.progress}%` }}></div></div>
    <p class="now"><span aria-live="polite">${now}</span><${Countdown} seconds=${job.eta_seconds} state=${job} /></p>
    <ol class="steps">
      ${job.stages.map((stage) => html`<li key=${stage.name} data-status=${stage.status}>
        <span>${STEPS[stage.name] || stage.name}</span><span class="sr-only">: ${stage.status}</span>
        ${stage.ms !== null && html`<time>${(stage.ms / 1000).toFixed(1)} s</time>`}</li>`)}
    </ol>
    <${Notice} error=${error && new Error(`It could not be cancelled. ${error.message}`)} onClose=${() => setError(null)} />
    <div class="row center"><button type="button" class="quiet" disabled=${busy} onClick=${cancel}>${busy ? "Cancelling…" : "Cancel"}</button></div>
  </section>`;
}

/** @param {{ job: Job, url?: string, word: string, alt: string, checker: boolean }} properties job: a picture that did not come is asked for again with its next state */
function Slot({ job, url, word, alt, checker }) {
  const [missed, setMissed] = useState(/** @type {Job | null} */ (null));
  const shown = url && missed !== job;
  return html`<figure class=${checker && shown ? "slot checker" : "slot"}>${shown ? html`<img src=${url} alt=${alt} onError=${() => setMissed(job)} />` : html`<span>${word}</span>`}</figure>`;
}

/** @param {Job} job */
function waiting(job) {
  return job.queue_position ? `Waiting, ${job.queue_position} before this one` : "Waiting for a free place";
}
