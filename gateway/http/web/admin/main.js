// The operator's page: the token, the way around, and the screen that the address names after its #.

import { html, render, useEffect, useMemo, useState } from "/web/vendor/preact.js";
import { Notice } from "../studio/parts/notice.js";
import { rememberedTheme, useTheme } from "../studio/memory.js";
import { Api, rememberedToken, rememberToken } from "./api.js";
import { AccountScreen } from "./screens/account.js";
import { AccountsScreen } from "./screens/accounts.js";
import { JobsScreen } from "./screens/jobs.js";
import { OverviewScreen } from "./screens/overview.js";

/** @type {[string, string][]} */
const PLACES = [["", "Queue"], ["accounts", "Accounts"], ["jobs", "Jobs"], ["failures", "Failures"], ["refunds", "Refunds"]];

function usePlace() {
  const [place, setPlace] = useState(() => location.hash.slice(1));
  useEffect(() => {
    const moved = () => setPlace(location.hash.slice(1));
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  return place;
}

/** @param {{ onToken: (token: string) => void, refused: string }} properties */
function TokenForm({ onToken, refused }) {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await new Api(token.trim()).call("overview");
      onToken(token.trim());
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<section class="card narrow"><h1>Operator</h1>
    <form onSubmit=${submit}>
      <label for="token">Operator's token</label>
      <input type="password" id="token" autocomplete="off" spellcheck=${false} required value=${token}
        onInput=${(/** @type {any} */ event) => setToken(event.target.value)} />
      <p class="hint">It is what <code>LENSORA_ADMIN_TOKEN</code> says. It stays in this tab.</p>
      <${Notice} error=${error} text=${error ? "" : refused} />
      <button class="primary wide" disabled=${busy}>${busy ? "Looking…" : "Open"}</button>
    </form></section>`;
}

/** @param {{ api: Api, place: string, onProblem: (problem: any) => void }} properties */
function Screen({ api, place, onProblem }) {
  if (place.startsWith("accounts/")) {
    const id = decodeURIComponent(place.slice("accounts/".length));
    return html`<${AccountScreen} key=${id} api=${api} id=${id} onProblem=${onProblem} />`;
  }
  if (place === "accounts") return html`<${AccountsScreen} api=${api} onProblem=${onProblem} />`;
  if (place === "jobs") return html`<${JobsScreen} key="jobs" api=${api} title="Jobs" query="" onProblem=${onProblem} />`;
  if (place === "failures") return html`<${JobsScreen} key="failures" api=${api} title="Failures" query="status=failed" onProblem=${onProblem} />`;
  if (place === "refunds") return html`<${JobsScreen} key="refunds" api=${api} title="Refunds" query="refunded=true" onProblem=${onProblem} />`;
  return html`<${OverviewScreen} api=${api} onProblem=${onProblem} />`;
}

function Admin() {
  const [token, setToken] = useState(rememberedToken);
  const [refused, setRefused] = useState("");
  const api = useMemo(() => (token ? new Api(token) : null), [token]);
  const place = usePlace();
  const use = (/** @type {string} */ given) => {
    rememberToken(given);
    setRefused("");
    setToken(given);
  };
  const problem = (/** @type {any} */ error) => {
    if (error.status !== 401) return;
    rememberToken("");
    setToken("");
    setRefused("The token is not taken any more.");
  };
  const here = place.split("/")[0];
  return html`
    <header class="bar"><a class="brand" href="/admin" aria-label="Operator"><img src="/web/icon.svg" alt="" width="28" height="28" /><span>Operator</span></a>
      ${api && html`<nav aria-label="Operator">${PLACES.map(([name, word]) => html`<a key=${name} href=${`#${name}`} aria-current=${here === name ? "page" : undefined}>${word}</a>`)}</nav>
      <div class="tools"><button type="button" class="quiet" onClick=${() => use("")}>Close</button></div>`}</header>
    <main id="content">${api ? html`<${Screen} api=${api} place=${place} onProblem=${problem} />` : html`<${TokenForm} onToken=${use} refused=${refused} />`}</main>`;
}

useTheme(rememberedTheme());
render(html`<${Admin} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
