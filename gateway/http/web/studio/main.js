// The studio: a frame with the way around, and the screen that the address names.

import { html, render, useEffect, useRef } from "/web/vendor/preact.js";
import { OwnerProvider, useOwner } from "./account.js";
import { Frame } from "./parts/frame.js";
import { Notice } from "./parts/notice.js";
import { KeyForm } from "./parts/key.js";
import { UploadProvider } from "./parts/upload.js";
import { rememberedTheme, useTheme } from "./memory.js";
import { usePlace } from "./routes.js";
import { JobScreen } from "./screens/job.js";
import { JobsScreen } from "./screens/jobs.js";
import { SessionScreen } from "./screens/session.js";
import { StartScreen } from "./screens/start.js";

/** @type {Record<string, string>} */
const TITLES = { start: "New film", session: "Your photo", job: "Your film", jobs: "My films", nowhere: "Not found" };

function Screen() {
  const place = usePlace();
  const owner = useOwner();
  const first = useRef(true);
  useEffect(() => {
    document.title = `${TITLES[place.screen]} · Lensora Studio`;
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    const heading = /** @type {HTMLElement | null} */ (document.querySelector("main h1"));
    heading?.focus({ preventScroll: true });
  }, [place.path]);

  if (place.screen === "start") return html`<${StartScreen} />`;
  if (place.screen === "nowhere") {
    return html`<section class="card narrow"><h1 tabindex="-1">There is nothing here</h1>
      <p>This address belongs to no screen of the studio.</p><a class="button primary" href="/">Make a film</a></section>`;
  }
  if (!owner.api) {
    return html`<section class="card narrow"><h1 tabindex="-1">A key opens this page</h1><${KeyForm} /></section>`;
  }
  if (place.screen === "jobs") return html`<${JobsScreen} key=${owner.api.key} />`;
  if (place.screen === "session") return html`<${SessionScreen} key=${place.id} id=${place.id} />`;
  return html`<${JobScreen} key=${place.id} id=${place.id} />`;
}

function Studio() {
  return html`<${OwnerProvider}><${UploadProvider}><${Frame}><${Screen} /><//><//><//>`;
}

/** Errors of scripts are shown too: nothing here ends in a page that only stands still. */
window.addEventListener("error", (event) => console.error(event.error ?? event.message));

useTheme(rememberedTheme());
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Studio} />`, root);
export { Notice };
