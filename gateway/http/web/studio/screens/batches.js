// All batches of this key, newest first.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { ended } from "../api.js";
import { useConnection } from "../connection.js";
import { Heading } from "../parts/heading.js";
import { Notice } from "../parts/notice.js";
import { follow } from "../routes.js";
import { STATES, ago, credits } from "../words.js";

/** @typedef {import("../types.js").Batch} Batch */

const LIVE_MS = 3000;

export function BatchesScreen() {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [batches, setBatches] = useState(/** @type {Batch[]} */ ([]));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (""));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const more = async () => {
    if (!owner.api || busy || cursor === null) return;
    setBusy(true);
    setError(null);
    try {
      const page = await owner.api.get(`/v1/studio/batches?limit=20${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
      setBatches((/** @type {Batch[]} */ before) => [...before, ...page.batches]);
      setCursor(page.next_cursor);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    if (cursor === "" || error) more();
  }, [owner.api, epoch]);
  const live = batches.some((batch) => !ended(batch));
  useEffect(() => {
    if (!live || !owner.api) return undefined;
    const timer = setInterval(async () => {
      if (document.hidden) return;
      try {
        const page = await owner.api?.get("/v1/studio/batches?limit=20");
        const fresh = new Map(page.batches.map((/** @type {Batch} */ batch) => [batch.batch_id, batch]));
        setBatches((/** @type {Batch[]} */ before) => before.map((batch) => fresh.get(batch.batch_id) || batch));
      } catch (problem) {
        owner.check(problem);
      }
    }, LIVE_MS);
    return () => clearInterval(timer);
  }, [live, owner.api]);
  return html`<section class="films">
    <div class="between"><${Heading}>Batches<//><a class="button primary" href="/studio/batches/new" onClick=${follow}>Many photos</a></div>
    ${!batches.length && cursor === null && html`<div class="card narrow"><p>There is no batch yet. Give the studio many photos at once, and it films all of them.</p></div>`}
    <ul class="batches">${batches.map((batch) => html`<li key=${batch.batch_id} class="card"><a href=${`/studio/batches/${batch.batch_id}`} onClick=${follow}>
      <span class="name">${batch.counts.completed} of ${batch.counts.total} ready</span>
      <span class=${`state ${batch.status}`}>${STATES[batch.status]}${batch.status === "processing" ? `, ${batch.progress} %` : ""}</span>
      <small>${credits(batch.credits_used - batch.credits_refunded)} · ${ago(batch.created_at)}</small></a></li>`)}</ul>
    <${Notice} error=${error} />
    ${cursor !== null && html`<div class="row center"><button type="button" class="quiet" disabled=${busy} onClick=${more}>${busy ? "Loading…" : "Show more"}</button></div>`}
  </section>`;
}
