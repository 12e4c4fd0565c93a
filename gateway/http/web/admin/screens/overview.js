// The queue now, and what failed last.

import { html } from "/web/vendor/preact.js";
import { Notice } from "../../studio/parts/notice.js";
import { useAnswer } from "../parts/load.js";
import { Table, accountLink, when } from "../parts/table.js";

const EVERY_MS = 5000;

/** @param {{ api: import("../api.js").Api, onProblem: (problem: any) => void }} properties */
export function OverviewScreen({ api, onProblem }) {
  const { value, error } = useAnswer(api, "overview", onProblem, EVERY_MS);
  if (!value) return html`<h1>Queue</h1><${Notice} error=${error} />${!error && html`<p role="status">Loading…</p>`}`;
  const { queue, failures } = /** @type {{ queue: import("../api.js").Queue, failures: import("../api.js").Row[] }} */ (/** @type {unknown} */ (value));
  const oldest = queue.oldest_ms ? `${Math.max(0, Math.round((Date.now() - queue.oldest_ms) / 1000))} s` : "none";
  return html`<h1>Queue</h1><${Notice} error=${error} />
    <dl class="figures">
      <div><dt>Waiting</dt><dd>${queue.waiting}</dd></div><div><dt>Running</dt><dd>${queue.running}</dd></div>
      <div><dt>Longest wait</dt><dd>${oldest}</dd></div><div><dt>A job takes</dt><dd>${queue.median_s ? `${queue.median_s.toFixed(1)} s` : "unknown"}</dd></div>
    </dl>
    <${Table} label="Accounts in the queue" heads=${["Account", "Waiting", "Running"]} empty="No job waits or runs."
      rows=${queue.accounts.map((each) => [accountLink(each.account_id), each.waiting, each.running])} />
    <h2>Last failures</h2>
    <${Table} label="Last failures" heads=${["When", "Account", "Reason", "Code", "Stage"]} empty="No job has failed."
      rows=${failures.map((row) => [when(row.ended_ms), accountLink(row.account_id), row.error_message, row.error_code, row.error_stage])} />`;
}
