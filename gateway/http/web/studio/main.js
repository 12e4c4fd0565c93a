// The studio: a frame with the way around, and the screen that the address names.

import { html, render, useEffect } from "/web/vendor/preact.js";
import { Heading } from "./parts/heading.js";
import { OwnerProvider, useOwner } from "./account.js";
import { Frame } from "./parts/frame.js";
import { KeyForm } from "./parts/key.js";
import { ManyProvider } from "./parts/many.js";
import { UploadProvider } from "./parts/upload.js";
import { rememberedTheme, useTheme } from "./memory.js";
import { usePlace } from "./routes.js";
import { BrandsScreen } from "./screens/brands.js";
import { BatchScreen } from "./screens/batch.js";
import { BatchesScreen } from "./screens/batches.js";
import { JobScreen } from "./screens/job.js";
import { JobsScreen } from "./screens/jobs.js";
import { ManyScreen } from "./screens/many.js";
import { SessionScreen } from "./screens/session.js";
import { StartScreen } from "./screens/start.js";

/** @type {Record<string, string>} */
const TITLES = {
  start: "New film", many: "Many photos", batch: "Your films", batches: "Batches", session: "Your photo", job: "Your film", jobs: "My films",
  brands: "Brands", nowhere: "Not found",
};

function Screen() {
  const place = usePlace();
  const owner = useOwner();
  useEffect(() => {
    document.title = `${TITLES[place.screen]} · Lensora Studio`;
  }, [place.screen]);

  if (place.screen === "start") return html`<${StartScreen} />`;
  if (place.screen === "nowhere") {
    return html`<section class="card narrow"><${Heading}>There is nothing here<//>
      <p>This address belongs to no screen of the studio.</p><a class="button primary" href="/">Make a film</a></section>`;
  }
  if (!owner.api) {
    return html`<section class="card narrow"><${Heading}>A key opens this page<//><${KeyForm} /></section>`;
  }
  if (place.screen === "jobs") return html`<${JobsScreen} key=${owner.api.key} />`;
  if (place.screen === "brands") return html`<${BrandsScreen} key=${owner.api.key} />`;
  if (place.screen === "many") return html`<${ManyScreen} />`;
  if (place.screen === "batches") return html`<${BatchesScreen} key=${owner.api.key} />`;
  // Another key sees other things: what was found, or not, under the one before is asked for anew.
  const one = `${place.id} ${owner.api.key}`;
  if (place.screen === "batch") return html`<${BatchScreen} key=${one} id=${place.id} />`;
  if (place.screen === "session") return html`<${SessionScreen} key=${one} id=${place.id} />`;
  return html`<${JobScreen} key=${one} id=${place.id} />`;
}

function Studio() {
  return html`<${OwnerProvider}><${ManyProvider}><${UploadProvider}><${Frame}><${Screen} /><//><//><//><//>`;
}

useTheme(rememberedTheme());
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
render(html`<${Studio} />`, root);
