// The frame around every screen: the way around, the balance, the key, the theme, and whether the server is reached.

import { html, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { rememberedTheme, THEMES, useTheme } from "../memory.js";
import { follow, usePlace } from "../routes.js";
import { credits } from "../words.js";
import { KeyForm } from "./key.js";
import { UploadBar } from "./upload.js";

/** @type {Record<string, string>} */
const THEME_NAMES = { auto: "as the device", light: "light", dark: "dark" };

function ThemeButton() {
  const [theme, setTheme] = useState(rememberedTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const choose = () => {
    useTheme(next);
    setTheme(next);
  };
  return html`<button type="button" class="icon" onClick=${choose} title=${`Colours: ${THEME_NAMES[theme]}`}
    aria-label=${`Colours: ${THEME_NAMES[theme]}. Change to ${THEME_NAMES[next]}.`}>
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><circle cx="12" cy="12" r="8" fill="none" stroke="currentColor" stroke-width="2"/>
      ${theme !== "light" && html`<path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>`}
      ${theme === "dark" && html`<path d="M12 4a8 8 0 0 0 0 16z" fill="currentColor"/>`}</svg>
  </button>`;
}

/** @param {{ onClose: () => void }} properties */
function KeyDialog({ onClose }) {
  const owner = useOwner();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  // Closed, and not only taken away, a dialog gives the keyboard back to where it came from.
  const close = () => dialog.current?.close();
  const forget = () => {
    owner.forget();
    close();
  };
  return html`<dialog ref=${dialog} onClose=${onClose} aria-labelledby="key-title">
    <div class="between"><h2 id="key-title">Your API key</h2>
      <button type="button" class="icon" aria-label="Close" onClick=${close}>×</button></div>
    <${KeyForm} onDone=${close} />
    ${owner.api && html`<button type="button" class="quiet wide" onClick=${forget}>Forget the key in this browser</button>`}
  </dialog>`;
}

function Reach() {
  const { reach } = useConnection();
  if (reach === "fine") return html`<div role="status" aria-live="polite"></div>`;
  return html`<div class="reaching" role="status" aria-live="polite">
    <p class=${`reach ${reach}`}>${reach === "lost"
      ? "The studio's server does not answer. Nothing is lost: this page goes on by itself when it is back."
      : "The server is back."}</p>
  </div>`;
}

/** @param {{ children?: any }} properties */
export function Frame({ children }) {
  const owner = useOwner();
  const place = usePlace();
  const [asking, setAsking] = useState(false);
  const here = (/** @type {string} */ screen) => (place.screen === screen ? "page" : undefined);
  return html`
    <a class="skip" href="#content">To the content</a>
    <header class="bar">
      <a class="brand" href="/" aria-label="Lensora Studio" onClick=${follow}><img src="/web/icon.svg" alt="" width="28" height="28" /><span>Lensora Studio</span></a>
      <nav aria-label="Studio">
        <a href="/" onClick=${follow} aria-current=${here("start")}>New</a>
        <a href="/studio" onClick=${follow} aria-current=${here("jobs")}>My films</a>
        <a class="wide-only" href="/studio/brands" onClick=${follow} aria-current=${here("brands")}>Brands</a>
        <a class="wide-only" href="/docs">API</a>
      </nav>
      <div class="tools">
        ${owner.account && owner.api && html`<span class="balance" title="What the account has">${credits(owner.account.balance)}</span>`}
        <button type="button" class="icon" aria-label=${owner.api ? "Change the API key" : "Enter an API key"} title="API key" onClick=${() => setAsking(true)}>
          <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"><circle cx="8" cy="15" r="4"/><path d="M11 12l8-8m-4 4l3 3"/></svg>
        </button>
        <${ThemeButton} />
      </div>
    </header>
    <${Reach} />
    <${UploadBar} />
    <main id="content">${children}</main>
    ${asking && html`<${KeyDialog} onClose=${() => setAsking(false)} />`}`;
}
