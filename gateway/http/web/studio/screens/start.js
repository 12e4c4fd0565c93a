// The first screen: a photo in.

import { html, useState } from "/web/vendor/preact.js";
import { Heading } from "../parts/heading.js";
import { useOwner } from "../account.js";
import { KeyForm } from "../parts/key.js";
import { Notice } from "../parts/notice.js";
import { PhotoButton, useUpload } from "../parts/upload.js";
import { follow } from "../routes.js";

const SAMPLE = "/web/sample.jpg";

export function StartScreen() {
  const owner = useOwner();
  const upload = useUpload();
  return html`<div class="split">
    <section class="stage card" aria-label="Your photo">
      ${upload.file ? html`<${Sent} />` : html`<${DropZone} />`}
    </section>
    <section class="card panel">
      <${Heading}>One photo in, a product film out<//>
      ${owner.api
        ? html`<p>Pick the object, choose a scene and a camera move. You get a film, a 3D model, a still and a cutout.</p>
          <ol class="how">
            <li><b>Find</b> what is in the photo <small>5 credits</small></li>
            <li><b>Cut out</b> the subject and build its new scene</li>
            <li><b>Model</b> it in 3D from that one photo</li>
            <li><b>Film</b> it with a camera move <small>75 credits</small></li>
          </ol>
          <p class="hint">Whatever does not complete is paid back in full.</p>`
        : html`<${KeyForm} />`}
    </section>
  </div>`;
}

function DropZone() {
  const { send, error } = useUpload();
  const [trouble, setTrouble] = useState(/** @type {any} */ (null));
  const sample = async () => {
    setTrouble(null);
    try {
      const response = await fetch(SAMPLE);
      if (!response.ok) throw new Error("The sample photo could not be loaded.");
      send(new File([await response.blob()], "coffee.jpg", { type: "image/jpeg" }));
    } catch {
      setTrouble(new Error("The sample photo could not be loaded. Is the studio's server running?"));
    }
  };
  return html`<div class="dropzone">
    <svg viewBox="0 0 64 64" width="72" height="72" aria-hidden="true"><path d="M10 20h10l4-6h16l4 6h10v30H10z" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round"/><circle cx="32" cy="34" r="9" fill="none" stroke="currentColor" stroke-width="2"/></svg>
    <p class="lead">A photo of your product</p>
    <p>Drop it here, paste it, or choose it: JPEG, PNG or WebP, up to 20 MB.</p>
    <${Notice} error=${error || trouble} />
    <div class="row center">
      <${PhotoButton}>Choose a photo<//>
      <button type="button" class="quiet" onClick=${sample}>Try with a cup of coffee</button>
      <a class="button quiet" href="/studio/batches/new" onClick=${follow}>Many photos at once</a>
    </div>
  </div>`;
}

function Sent() {
  const owner = useOwner();
  const { url, busy, error, clear, send, file } = useUpload();
  return html`<div class="sent">
    <div class="picture"><img src=${url} alt="Your photo" />${busy && html`<div class="scan"></div>`}</div>
    <p role="status">${busy ? "Looking for what is in the photo…" : owner.api ? "" : "Your photo waits here. It goes on as soon as there is a key."}</p>
    <${Notice} error=${error} />
    <div class="row center">
      ${error?.ofFile && html`<${PhotoButton}>Choose another photo<//>`}
      ${error && !error.ofFile && file && html`<button type="button" class="primary" onClick=${() => send(file)}>Try again</button>`}
      <button type="button" class="quiet" onClick=${clear}>${busy ? "Stop" : error?.ofFile ? "Take it out" : "Another photo"}</button>
    </div>
  </div>`;
}
