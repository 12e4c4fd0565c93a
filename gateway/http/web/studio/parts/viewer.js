// Film, model, still and cutout, one at a time.

import { html, useEffect, useRef, useState } from "/web/vendor/preact.js";

/** @type {[string, string][]} */
const TABS = [["mp4", "Film"], ["glb", "3D model"], ["scene", "Still"], ["removed_bg", "Cutout"]];

/**
 * @param {{ output: Record<string, any>, tab: string, onTab: (tab: string) => void }} properties
 */
export function Viewer({ output, tab, onTab }) {
  const tabs = useRef(/** @type {HTMLElement | null} */ (null));
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = (TABS.findIndex(([name]) => name === tab) + step + TABS.length) % TABS.length;
    onTab(TABS[place][0]);
    /** @type {HTMLElement} */ (tabs.current?.children[place]).focus();
  };
  return html`<div class="result">
    <div class="tabs" role="tablist" aria-label="What to look at" ref=${tabs} onKeyDown=${keys}>
      ${TABS.map(([name, title]) => html`<button type="button" key=${name} role="tab" id=${`tab-${name}`} aria-controls="view"
        aria-selected=${tab === name} tabindex=${tab === name ? 0 : -1} onClick=${() => onTab(name)}>${title}</button>`)}
    </div>
    <div class="view" id="view" role="tabpanel" aria-labelledby=${`tab-${tab}`} tabindex="0">
      <${Shown} key=${tab} name=${tab} url=${output[`${tab}_url`]} poster=${output.poster_url || output.scene_url} usdz=${output.usdz_url} />
    </div>
  </div>`;
}

/** @param {{ name: string, url: string, poster: string, usdz?: string }} properties */
function Shown({ name, url, poster, usdz }) {
  const [broken, setBroken] = useState(false);
  const fail = () => setBroken(true);
  if (broken) {
    return html`<div class="empty" role="alert"><p>This file cannot be shown now.</p>
      <button type="button" class="quiet" onClick=${() => setBroken(false)}>Try again</button></div>`;
  }
  if (name === "mp4") {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return html`<video src=${url} poster=${poster} controls loop muted playsinline autoplay=${!still} aria-label="The film" onError=${fail}></video>`;
  }
  if (name === "glb") return html`<${Model} url=${url} usdz=${usdz} />`;
  return html`<div class=${name === "removed_bg" ? "checker" : ""}><img src=${url} alt=${name === "scene" ? "The still" : "The cutout"} onError=${fail} /></div>`;
}

/** @param {{ url: string, usdz?: string }} properties usdz: for a room on an iPhone or iPad */
export function Model({ url, usdz }) {
  const [state, setState] = useState("loading");
  const viewer = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    import("/web/vendor/model-viewer.min.js").then(() => setState((before) => (before === "loading" ? "ready" : before)), () => setState("missing"));
  }, []);
  useEffect(() => {
    const failed = () => setState("broken");
    viewer.current?.addEventListener("error", failed);
    return () => viewer.current?.removeEventListener("error", failed);
  }, [state]);
  if (state === "loading") return html`<div class="empty"><p role="status">Loading the 3D view…</p></div>`;
  if (state !== "ready") return html`<div class="empty" role="alert"><p>The 3D view does not work in this browser. The GLB opens in Blender, Windows 3D Viewer and any glTF viewer.</p></div>`;
  return html`<model-viewer ref=${viewer} src=${url} ios-src=${usdz} ar ar-modes="webxr scene-viewer quick-look" camera-controls auto-rotate shadow-intensity="0.6" touch-action="pan-y"
    alt="The 3D model; turn it by dragging or with the arrow keys"></model-viewer>`;
}
