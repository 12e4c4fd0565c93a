// A batch: how far all of its films are, each with its state in words, and what can be done with all of them.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { ended } from "../api.js";
import { leftOut } from "../memory.js";
import { Asked } from "../parts/asked.js";
import { Countdown } from "../parts/countdown.js";
import { Heading } from "../parts/heading.js";
import { Notice } from "../parts/notice.js";
import { follow, go } from "../routes.js";
import { STATES, credits } from "../words.js";

/** @typedef {import("../types.js").Batch} Batch */
/** @typedef {import("../types.js").BatchItem} BatchItem */

/** @param {{ id: string }} properties */
export function BatchScreen({ id }) {
  const owner = useOwner();
  const [batch, setBatch] = useState(/** @type {Batch | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!owner.api) return undefined;
    const controller = new AbortController();
    owner.api.followBatch(id, setBatch, controller.signal).then(
      () => owner.refresh(),
      (problem) => {
        owner.check(problem);
        setError(problem);
      },
    );
    return () => controller.abort();
  }, [owner.api, id, turn]);
  if (error) {
    const gone = error.code === "batch_not_found";
    return html`<section class="card narrow"><${Heading}>${gone ? "This batch is not here" : "Your films"}<//>
      ${gone ? html`<p>It has been deleted, its time is over, or it belongs to another key.</p>` : html`<${Notice} error=${error} />`}
      <div class="row"><a class="button primary" href="/studio/batches" onClick=${follow}>Batches</a><a class="button quiet" href="/studio" onClick=${follow}>My films</a></div></section>`;
  }
  if (!batch) return html`<section class="card narrow"><${Heading}>Your films<//><p role="status">Loading…</p></section>`;
  return html`<${All} batch=${batch} onCanceled=${() => setTurn((/** @type {number} */ before) => before + 1)} />`;
}

/** @param {{ batch: Batch, onCanceled: () => void }} properties */
function All({ batch, onCanceled }) {
  const owner = useOwner();
  const { counts } = batch;
  const over = ended(batch);
  const live = counts.queued + counts.processing;
  const now = over ? summary(batch) : `${counts.completed} of ${counts.total} ready`;
  const broken = leftOut(batch.batch_id);
  return html`<section class="films">
    <div class="card making">
      <${Heading}>${over ? heading(batch) : "Your films are being made"}<//>
      ${!over && html`<p class="hint">You can leave this page: the films come to <a href="/studio" onClick=${follow}>My films</a>, and this address keeps working.</p>`}
      <div class="progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${batch.progress} aria-valuetext=${`${now}, ${batch.progress} %`} aria-label="Progress of all films">
        <div style=${{ width: `${batch.progress}%` }}></div></div>
      <p class="now"><span aria-live="polite">${now}</span>${!over && html`<${Countdown} seconds=${batch.eta_seconds} state=${batch} />`}</p>
      <p class="hint">${credits(batch.credits_used)}${batch.credits_refunded ? `, of which ${batch.credits_refunded.toLocaleString("en")} came back` : ""}.</p>
      <div class="row">
        ${counts.completed > 0 && html`<a class="button primary" href=${batch.archive_url} download="">Download ${over ? "all films" : "what is ready"} (.zip)</a>`}
        ${!over && html`<${Asked} word="Cancel all" question=${`Cancel the ${live === 1 ? "film that is" : `${live} films that are`} not ready? Their credits come back.`}
          yes="Cancel them" no="Go on" busyWord="Cancelling…" failed="They could not be cancelled."
          onYes=${async () => { await owner.api?.post(`/v1/studio/batches/${batch.batch_id}/cancel`, {}); owner.refresh(); onCanceled(); }} />`}
        ${over && html`<${Asked} word="Delete" question="Delete the batch with all its films? They do not come back."
          yes="Delete them" no="Keep them" busyWord="Deleting…" failed="It could not be deleted."
          onYes=${async () => { await owner.api?.call("DELETE", `/v1/studio/batches/${batch.batch_id}`); go("/studio/batches"); }} />`}
        <a class="button quiet" href="/studio/batches/new" onClick=${follow}>More photos</a>
      </div>
    </div>
    <ul class="grid">
      ${broken.map((one) => html`<li class="card film" key=${one.name}><div class="stands"><${Poster} /><span class="name">${one.name}</span>
        <span class="state failed">Not a photo, not charged</span><small class="why">${one.wrong}</small></div></li>`)}
      ${(batch.items || []).map((item) => html`<${Item} key=${item.index} item=${item} />`)}
    </ul>
  </section>`;
}

/** @param {Batch} batch */
function heading({ status, counts }) {
  if (status === "canceled") return "Cancelled";
  if (!counts.completed) return "No film could be made";
  return counts.completed === counts.total ? "Your films are ready" : `${counts.completed} of ${counts.total} films are ready`;
}

/** @param {Batch} batch */
function summary({ counts }) {
  const told = [[counts.completed, "ready"], [counts.failed, "failed"], [counts.canceled, "cancelled"]];
  return told.filter(([count]) => count).map(([count, word]) => `${count} ${word}`).join(", ");
}

/** @param {{ url?: string }} properties */
function Poster({ url = "" }) {
  const [broken, setBroken] = useState(false);
  return html`<div class="poster">${url && !broken ? html`<img src=${url} alt="" loading="lazy" onError=${() => setBroken(true)} />` : html`<span aria-hidden="true">◌</span>`}</div>`;
}

/** @param {{ item: BatchItem }} properties */
function Item({ item }) {
  const state = item.status === "processing" ? `${STATES.processing}, ${item.progress} %` : STATES[item.status];
  const inner = html`<${Poster} url=${item.scene_url} /><span class="name">${item.name}</span>
    <span class=${`state ${item.status}`}>${state}</span>${item.error && html`<small class="why">${item.error}${/[.!?]$/.test(item.error) ? "" : "."}</small>`}`;
  return html`<li class="card film">${item.job_id
    ? html`<a href=${`/studio/jobs/${item.job_id}`} onClick=${follow}>${inner}</a>`
    : html`<div class="stands">${inner}</div>`}</li>`;
}
