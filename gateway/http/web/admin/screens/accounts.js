// Every account with its balance; making a new one.

import { html, useState } from "/web/vendor/preact.js";
import { Notice } from "../../studio/parts/notice.js";
import { useAnswer } from "../parts/load.js";
import { Table, accountLink, when } from "../parts/table.js";

/** @param {{ api: import("../api.js").Api, onProblem: (problem: any) => void }} properties */
export function AccountsScreen({ api, onProblem }) {
  const { value, error, again } = useAnswer(api, "accounts", onProblem);
  const [id, setId] = useState("");
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setProblem(null);
    try {
      await api.call("accounts", { account_id: id.trim() });
      setId("");
      await again();
    } catch (wrong) {
      setProblem(wrong);
      onProblem(wrong);
    }
  };
  const accounts = /** @type {import("../api.js").Account[]} */ (value ? /** @type {any} */ (value).accounts : []);
  return html`<h1>Accounts</h1><${Notice} error=${error} />
    <form class="line" onSubmit=${create}><label for="new-account">New account</label>
      <input type="text" id="new-account" value=${id} required maxlength="64" autocomplete="off" onInput=${(/** @type {any} */ event) => setId(event.target.value)} />
      <button class="primary">Create</button></form>
    <${Notice} error=${problem} onClose=${() => setProblem(null)} />
    <${Table} label="Accounts" heads=${["Account", "Balance", "State", "Running", "Live", "A minute", "Weight", "Since"]} empty=${value ? "There is none yet." : "Loading…"}
      rows=${accounts.map((each) => [accountLink(each.account_id), each.balance.toLocaleString(), each.frozen ? "frozen" : "open",
        each.limits.running_jobs, each.limits.live_jobs, each.limits.requests_per_minute, each.limits.weight, when(each.created_ms)])} />`;
}
