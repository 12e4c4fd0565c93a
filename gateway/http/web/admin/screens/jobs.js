// Jobs of every account, newest first; with why those that failed did, and what came back.

import { html, useCallback, useEffect, useState } from "/web/vendor/preact.js";
import { Notice } from "../../studio/parts/notice.js";
import { STATES, STEPS } from "../../studio/words.js";
import { Table, accountLink, when } from "../parts/table.js";

/** @typedef {import("../api.js").Row} Row */

/** @param {{ api: import("../api.js").Api, title: string, query: string, onProblem: (problem: any) => void }} properties */
export function JobsScreen({ api, title, query, onProblem }) {
  return html`<h1>${title}</h1><${JobTable} api=${api} query=${query} onProblem=${onProblem} />`;
}

/** @param {{ api: import("../api.js").Api, query: string, onProblem: (problem: any) => void }} properties */
export function JobTable({ api, query, onProblem }) {
  const [rows, setRows] = useState(/** @type {Row[] | null} */ (null));
  const [cursor, setCursor] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const load = useCallback(async (/** @type {string} */ from) => {
    try {
      const page = await api.call(`jobs?${query}&cursor=${from}`);
      setRows((/** @type {Row[] | null} */ before) => (from ? [...(before || []), ...page.jobs] : page.jobs));
      setCursor(page.next_cursor);
      setError(null);
    } catch (problem) {
      setError(problem);
      onProblem(problem);
    }
  }, [api, query]);
  useEffect(() => {
    load("");
  }, [load]);
  return html`<${Notice} error=${error} />
    <${Table} label="Jobs" heads=${["Job", "Account", "State", "Ordered", "Took", "Credits", "Came back", "Reason"]} empty=${rows ? "There is none." : "Loading…"}
      rows=${(rows || []).map((row) => [html`<code title=${row.job_id}>${row.job_id.slice(0, 8)}</code>`, accountLink(row.account_id), state(row), when(row.created_ms), took(row), row.price, row.refunded || "", reason(row)])} />
    ${cursor && html`<button type="button" class="quiet" onClick=${() => load(cursor)}>Older ones</button>`}`;
}

/** @param {Row} row */
function state(row) {
  return row.status === "processing" ? `${STEPS[row.step] || row.step}, ${row.progress} %` : STATES[row.status] || row.status;
}

/** @param {Row} row */
const took = (row) => (row.ended_ms && row.started_ms ? `${((row.ended_ms - row.started_ms) / 1000).toFixed(1)} s` : "");

/** @param {Row} row */
const reason = (row) => (row.error_code ? html`${row.error_message} <small>(${row.error_code}${row.error_stage ? ` in ${row.error_stage}` : ""}, ${row.attempts} tries)</small>` : "");
