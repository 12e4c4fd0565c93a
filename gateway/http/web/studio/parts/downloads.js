// The files of a film, one by one or all.

import { html, useState } from "/web/vendor/preact.js";
import { Problem } from "../problem.js";
import { FILES } from "../words.js";
import { Notice } from "./notice.js";

/** Save the file of a link under its own name. @param {string} url */
async function save(url) {
  const response = await fetch(url).catch(() => {
    throw new Problem(0, { detail: "The file could not be fetched: the server does not answer." });
  });
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = address;
  link.download = decodeURIComponent(new URL(url).pathname.split("/").pop() || "file");
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** @param {{ output: Record<string, any>, onShow: (name: string) => void }} properties */
export function Downloads({ output }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const names = Object.keys(FILES).filter((name) => output[`${name}_url`]);
  const take = async (/** @type {string[]} */ wanted) => {
    setBusy(true);
    setError(null);
    try {
      for (const name of wanted) await save(output[`${name}_url`]);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return html`<div>
    <ul class="downloads">
      ${names.map((name) => html`<li key=${name}><a href=${output[`${name}_url`]} download="" onClick=${(/** @type {Event} */ event) => { event.preventDefault(); take([name]); }}>
        <span>${FILES[name][0]}</span><small>${FILES[name][1]}</small></a></li>`)}
    </ul>
    <${Notice} error=${error} onClose=${() => setError(null)} />
    <button type="button" class="primary wide" disabled=${busy} onClick=${() => take(names)}>${busy ? "Saving…" : "Download everything"}</button>
  </div>`;
}
