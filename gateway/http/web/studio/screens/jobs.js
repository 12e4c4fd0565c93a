// All films of this key, newest first; further ones come as the person scrolls.

import { html, useCallback, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { Heading } from "../parts/heading.js";
import { useOwner } from "../account.js";
import { ended } from "../api.js";
import { useConnection } from "../connection.js";
import { Delete } from "../parts/delete.js";
import { Notice } from "../parts/notice.js";
import { follow } from "../routes.js";
import { ago, credits, STATES, title } from "../words.js";

/** @typedef {import("../types.js").Job} Job */

const PAGE = 12;
const LIVE_MS = 3000;

export function JobsScreen() {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [jobs, setJobs] = useState(/** @type {Job[]} */ ([]));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (""));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const list = useRef(/** @type {HTMLElement | null} */ (null));

  const more = useCallback(async () => {
    if (!owner.api || busy || cursor === null) return;
    setBusy(true);
    setError(null);
    try {
      const page = await owner.api.jobs(cursor, PAGE);
      setJobs((/** @type {Job[]} */ before) => merged(before, page.jobs));
      setCursor(page.next_cursor);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
    }
  }, [owner.api, busy, cursor]);

  useEffect(() => {
    if (cursor === "" || error) more();
  }, [owner.api, epoch]);

  useEffect(() => {
    if (!end.current || cursor === null || error) return undefined;
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && more(), { rootMargin: "400px" });
    watcher.observe(end.current);
    return () => watcher.disconnect();
  }, [more, cursor, error]);

  const live = jobs.filter((job) => !ended(job)).map((job) => job.job_id).join(" ");
  useEffect(() => {
    if (!live || !owner.api) return undefined;
    const timer = setInterval(async () => {
      if (document.hidden) return;
      const answers = await Promise.allSettled(live.split(" ").map((id) => owner.api?.job(id)));
      const now = answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value ? [answer.value] : []));
      // One that was deleted elsewhere is asked for no more.
      const gone = live.split(" ").filter((_, place) => {
        const answer = answers[place];
        return answer.status === "rejected" && answer.reason.code === "job_not_found";
      });
      setJobs((/** @type {Job[]} */ before) => before.filter((job) => !gone.includes(job.job_id)).map((job) => now.find((each) => each.job_id === job.job_id) || job));
    }, LIVE_MS);
    return () => clearInterval(timer);
  }, [live, owner.api]);

  const forget = (/** @type {string} */ id) => {
    const at = jobs.findIndex((job) => job.job_id === id);
    setJobs((/** @type {Job[]} */ before) => before.filter((job) => job.job_id !== id));
    // The film that takes its place takes the keyboard too.
    requestAnimationFrame(() => {
      const links = /** @type {NodeListOf<HTMLElement> | undefined} */ (list.current?.querySelectorAll("li > a"));
      (links?.[Math.min(at, links.length - 1)] || document.querySelector("h1"))?.focus();
    });
  };
  const none = !jobs.length && cursor === null;
  return html`<section class="films">
    <div class="between"><${Heading}>My films<//><a class="button quiet" href="/studio/batches" onClick=${follow}>Batches</a></div>
    ${none && html`<div class="card narrow"><p>There is no film yet.</p><a class="button primary" href="/" onClick=${follow}>Make the first one</a></div>`}
    <ul class="grid" ref=${list}>${jobs.map((job) => html`<${Card} key=${job.job_id} job=${job} onDeleted=${() => forget(job.job_id)} />`)}</ul>
    <${Notice} error=${error} />
    <div ref=${end} class="row center">
      ${cursor !== null && html`<button type="button" class="quiet" disabled=${busy} onClick=${more}>${busy ? "Loading…" : "Show more"}</button>`}
    </div>
  </section>`;
}

/** Jobs that are known and a further page; one that both have is the page's. @param {Job[]} before @param {Job[]} page */
function merged(before, page) {
  const fresh = new Set(page.map((job) => job.job_id));
  return [...before.filter((job) => !fresh.has(job.job_id)), ...page];
}

/** @param {{ job: Job, onDeleted: () => void }} properties */
function Card({ job, onDeleted }) {
  const [broken, setBroken] = useState(false);
  const poster = job.output ? job.output.poster_url || job.output.scene_url : job.scene_url || job.removed_bg_url;
  const state = job.status === "processing" ? `${STATES.processing}, ${job.progress} %` : STATES[job.status];
  return html`<li class="card film">
    <a href=${`/studio/jobs/${job.job_id}`} onClick=${follow}>
      <div class="poster">${poster && !broken ? html`<img src=${poster} alt="" loading="lazy" onError=${() => setBroken(true)} />` : html`<span aria-hidden="true">◌</span>`}</div>
      <span class="name">${title(job.order?.label)}</span>
      <span class=${`state ${job.status}`}>${state}</span>
      <small>${job.credits_refunded ? `${credits(job.credits_refunded)} came back` : credits(job.credits_used ?? 0)} · ${ago(job.created_at)}</small>
    </a>
    ${ended(job) && html`<${Delete} jobId=${job.job_id} small=${true} onDeleted=${onDeleted} />`}
  </li>`;
}
