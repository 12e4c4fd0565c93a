// One account: balance and grants, keys, its use by day, its newest movements and jobs.

import { html, useState } from "/web/vendor/preact.js";
import { randomId } from "../../studio/api.js";
import { Question } from "../../studio/parts/question.js";
import { Notice } from "../../studio/parts/notice.js";
import { useAnswer } from "../parts/load.js";
import { Table, signed, when } from "../parts/table.js";
import { JobTable } from "./jobs.js";

/** @param {{ api: import("../api.js").Api, id: string, onProblem: (problem: any) => void }} properties */
export function AccountScreen({ api, id, onProblem }) {
  const path = `accounts/${encodeURIComponent(id)}`;
  const { value, error, again } = useAnswer(api, path, onProblem);
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [amount, setAmount] = useState("100");
  const [memo, setMemo] = useState("");
  const [reference, setReference] = useState(randomId);
  const [name, setName] = useState("");
  const [test, setTest] = useState(false);
  const [secret, setSecret] = useState("");
  const act = async (/** @type {() => Promise<void>} */ what) => {
    setProblem(null);
    try {
      await what();
      await again();
    } catch (wrong) {
      setProblem(wrong);
      onProblem(wrong);
    }
  };
  const detail = /** @type {import("../api.js").Detail | null} */ (value);
  if (!detail) return html`<h1>${id}</h1><${Notice} error=${error} />${!error && html`<p role="status">Loading…</p>`}`;
  const { account, keys, ledger, usage } = detail;
  const most = Math.max(1, ...usage.days.map((day) => day.charged));
  const grant = (/** @type {Event} */ event) => {
    event.preventDefault();
    act(async () => {
      await api.call(`${path}/grants`, { amount: Number(amount), memo, reference });
      setReference(randomId()); // one that is sent twice is granted once
      setMemo("");
    });
  };
  const makeKey = (/** @type {Event} */ event) => {
    event.preventDefault();
    act(async () => {
      setSecret((await api.call(`${path}/keys`, { name, test })).api_key);
      setName("");
    });
  };
  return html`<h1>${account.account_id}</h1><${Notice} error=${error || problem} onClose=${() => setProblem(null)} />
    <dl class="figures"><div><dt>Balance</dt><dd>${account.balance.toLocaleString()}</dd></div>
      <div><dt>State</dt><dd>${account.frozen ? "frozen" : "open"}</dd></div><div><dt>Since</dt><dd>${when(account.created_ms)}</dd></div></dl>
    <button type="button" class="quiet" onClick=${() => act(() => api.call(`${path}/freeze`, { frozen: !account.frozen }))}>${account.frozen ? "Let it spend again" : "Freeze it"}</button>
    <h2>Grant</h2>
    <form class="line" onSubmit=${grant}>
      <span class="pair"><label for="amount">Credits</label><input type="number" id="amount" step="1" required value=${amount} onInput=${(/** @type {any} */ event) => setAmount(event.target.value)} /></span>
      <span class="pair"><label for="memo">Note</label><input type="text" id="memo" maxlength="120" value=${memo} onInput=${(/** @type {any} */ event) => setMemo(event.target.value)} /></span>
      <button class="primary">Grant</button></form>
    <h2>Keys</h2>
    ${secret && html`<${Notice} kind="warm" text="This is the whole key. It is shown this once." onClose=${() => setSecret("")}><code class="secret">${secret}</code><//>`}
    <${Table} label="Keys" heads=${["Key", "Name", "Kind", "Made", "State", "Revoke"]} empty="It has no key yet."
      rows=${keys.map((key) => [html`<code>${key.hint}…</code>`, key.name, key.test ? "test" : "live", when(key.created_ms), key.revoked_ms ? `revoked ${when(key.revoked_ms)}` : "works",
        key.revoked_ms ? "" : html`<${Revoke} hint=${key.hint} onRevoke=${() => act(() => api.call(`${path}/keys/${key.key_id}/revoke`, {}))} />`])} />
    <form class="line" onSubmit=${makeKey}>
      <span class="pair"><label for="key-name">New key for</label><input type="text" id="key-name" maxlength="120" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></span>
      <label class="check"><input type="checkbox" checked=${test} onChange=${() => setTest(!test)} /><span>Test key</span></label>
      <button class="primary">Make a key</button></form>
    <h2>Use by day</h2>
    ${!usage.whole && html`<p class="hint">There were too many movements to add them all up.</p>`}
    <${Table} label="Use by day" heads=${["Day (UTC)", "Charged", "Share", "Charges", "Paid back", "Refunds", "Granted"]} empty="Nothing in 30 days."
      rows=${usage.days.map((day) => [day.day, day.charged.toLocaleString(), html`<meter min="0" max=${most} value=${day.charged} aria-label=${`Charged on ${day.day}`}></meter>`,
        day.charges, day.refunded.toLocaleString(), day.refunds, day.granted.toLocaleString()])} />
    <h2>Newest movements</h2>
    <${Table} label="Newest movements" heads=${["When", "Kind", "Amount", "Balance", "About", "Note"]} empty="None yet."
      rows=${ledger.map((entry) => [when(entry.at_ms), entry.kind, signed(entry.amount), entry.balance.toLocaleString(), entry.reference, entry.memo])} />
    <h2>Jobs</h2>
    <${JobTable} api=${api} query=${`account=${encodeURIComponent(id)}`} onProblem=${onProblem} />`;
}

/** @param {{ hint: string, onRevoke: () => void }} properties */
function Revoke({ hint, onRevoke }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return html`<button type="button" class="quiet" aria-label=${`Revoke ${hint}…`} onClick=${() => setAsked(true)}>Revoke</button>`;
  return html`<${Question} class="row" label=${`Revoke ${hint}…?`}><button type="button" class="danger" onClick=${onRevoke}>Revoke ${hint}… for good</button>
    <button type="button" class="quiet" onClick=${() => setAsked(false)}>Keep it</button><//>`;
}
