// Showing a film to others: its owner switches a public page on and off.

import { html, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { Notice } from "./notice.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").Share} Share */

/** @type {[number, string][]} */
const TIMES = [[24, "a day"], [168, "a week"], [720, "30 days"]];

/** @param {{ job: Job }} properties */
export function ShareFilm({ job }) {
  const owner = useOwner();
  const [share, setShare] = useState(/** @type {Share | null} */ (job.share ?? null));
  const [hours, setHours] = useState(168);
  const [downloads, setDownloads] = useState(job.share?.downloads ?? true);
  const [listed, setListed] = useState(job.share?.listed ?? false);
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const path = `/v1/studio/jobs/${job.job_id}/share`;
  const work = async (/** @type {() => Promise<void>} */ what) => {
    setBusy(true);
    setError(null);
    setTold("");
    try {
      await what();
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const turnOn = () => work(async () => setShare(await owner.api?.post(path, { hours, downloads, listed })));
  const turnOff = () => work(async () => {
    await owner.api?.call("DELETE", path);
    setShare(null);
    setTold("The link shows nothing any more.");
  });
  const copy = (/** @type {string} */ id, /** @type {string} */ text) => work(async () => {
    setTold((await copied(id, text)) ? "Copied." : "It is marked: copy it with the keyboard or by a long press.");
  });
  const over = share !== null && Date.parse(share.expires_at) < Date.now();
  const frame = share ? `<iframe src="${share.embed_url}" width="480" height="900" style="border:0" allow="xr-spatial-tracking; fullscreen" title="Product film"></iframe>` : "";
  return html`<details class="more">
    <summary>Share it <small>${over ? "its time is over" : share ? "on" : "a link for everybody"}</small></summary>
    <div>
      ${share && !over && html`<${Link} id="share-url" label="Link" text=${share.share_url} onCopy=${copy} />
        <${Link} id="share-frame" label="For your own page" text=${frame} onCopy=${copy} />
        <p class="hint">Works until ${when(share.expires_at)}.</p>`}
      ${over && html`<${Notice} kind="warm" text=${`The link showed the film until ${when(share.expires_at)}; now it shows nothing. A new link is another one.`} />`}
      <label class="field" for="share-hours">Works for <select id="share-hours" value=${hours} onChange=${(/** @type {any} */ event) => setHours(Number(event.target.value))}>
        ${TIMES.map(([value, words]) => html`<option key=${value} value=${value} selected=${value === hours}>${words}</option>`)}</select></label>
      <label class="check"><input type="checkbox" checked=${downloads} onChange=${() => setDownloads(!downloads)} /><span>Others may take the files</span></label>
      <label class="check"><input type="checkbox" checked=${listed} onChange=${() => setListed(!listed)} /><span>Search engines may list it</span></label>
      <${Notice} error=${error} onClose=${() => setError(null)} />
      <${Notice} kind="plain" text=${told} />
      <div class="row">
        <button type="button" class="primary" disabled=${busy} onClick=${turnOn}>${share && !over ? "Change it" : over ? "Make a new link" : "Make a link"}</button>
        ${share && !over && html`<button type="button" class="quiet" disabled=${busy} onClick=${turnOff}>Stop sharing</button>`}
      </div>
    </div>
  </details>`;
}

/** A moment as people write it. @param {string} moment RFC 3339 */
const when = (moment) => new Date(moment).toLocaleString("en", { dateStyle: "long", timeStyle: "short" });

/**
 * Whether a text could be put where it can be pasted from. Browsers let a page do so only where it came by https or from
 * this machine: elsewhere the field is marked, and the older way is tried.
 *
 * @param {string} id of the field
 * @param {string} text
 */
async function copied(id, text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  /** @type {HTMLInputElement} */ (document.getElementById(id)).select();
  return document.execCommand("copy");
}

/** @param {{ id: string, label: string, text: string, onCopy: (id: string, text: string) => void }} properties */
function Link({ id, label, text, onCopy }) {
  return html`<label class="field" for=${id}>${label}</label>
    <div class="share-link"><input id=${id} type="text" readonly value=${text} onFocus=${(/** @type {any} */ event) => event.target.select()} />
      <button type="button" class="quiet" onClick=${() => onCopy(id, text)} aria-label=${`Copy: ${label}`}>Copy</button></div>`;
}
