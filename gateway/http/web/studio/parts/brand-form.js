// Making or changing a brand.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { newDraft } from "../memory.js";
import { bytes, CAMERAS } from "../words.js";
import { ColourField, isColour } from "./colour.js";
import { Notice } from "./notice.js";
import { SettingChoice, backgroundOf, unsettled } from "./setting.js";

/** @typedef {import("../types.js").Brand} Brand */
/** @typedef {import("../types.js").Setting} Setting */

const SHAPES = ["1:1", "4:5", "9:16", "16:9"];
const CORNERS = [["top_left", "Top left"], ["top_right", "Top right"], ["bottom_left", "Bottom left"], ["bottom_right", "Bottom right"]];
const MOST_BYTES = 2_000_000;
const FREE = "Each film's";

/** A name as the API takes it. @param {string} text */
const slug = (text) => text.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);

/** @param {Brand | null} brand @returns {Setting} */
function settingOf(brand) {
  const { setting } = newDraft();
  const background = brand?.background;
  if (!background) return { ...setting, kind: "brand" };
  const picture = background.backplate_id && brand.picture_url ? { id: background.backplate_id, url: brand.picture_url } : null;
  return {
    ...setting,
    kind: background.type,
    prompt: background.prompt || setting.prompt,
    color: background.value || setting.color,
    url: background.url || "",
    backplate: picture,
  };
}

/**
 * @param {{ brand: Brand | null, names: string[], onSaved: () => void, onClose: () => void }} properties
 *   brand: null for a new one
 *   names: of the brands that are there
 */
export function BrandForm({ brand, names, onSaved, onClose }) {
  const owner = useOwner();
  const [name, setName] = useState(brand?.name || "");
  const [setting, setSetting] = useState(() => settingOf(brand));
  const [aspect, setAspect] = useState(brand?.aspect || "");
  const [camera, setCamera] = useState(brand?.camera_preset || "");
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [shown, setShown] = useState(brand?.logo?.logo_url || "");
  const [corner, setCorner] = useState(/** @type {string} */ (brand?.logo?.corner || "bottom_right"));
  const [size, setSize] = useState(brand?.logo?.size || 0.18);
  const [ends, setEnds] = useState(Boolean(brand?.end_color));
  const [color, setColor] = useState(brand?.end_color || "#1f5c57");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!file) return undefined;
    const address = URL.createObjectURL(file);
    setShown(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  const pick = (/** @type {any} */ event) => {
    const [given] = event.target.files;
    event.target.value = "";
    if (!given) return;
    const wrong = given.type !== "image/png" ? `${given.name} is not a PNG: a logo needs one, so that it can be clear around its shape.`
      : given.size > MOST_BYTES ? `${given.name} has ${bytes(given.size)}; a logo may have at most 2 MB.` : "";
    setError(wrong ? new Error(wrong) : null);
    if (!wrong) setFile(given);
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const choices = {
      background: backgroundOf(setting),
      ...(aspect ? { aspect } : {}),
      ...(camera ? { camera_preset: camera } : {}),
      ...(shown ? { logo: { corner, size } } : {}),
      ...(ends ? { end_color: color } : {}),
    };
    try {
      await owner.api?.saveBrand(slug(name), choices, file);
      onSaved();
    } catch (problem) {
      owner.check(problem);
      setError(problem);
      setBusy(false);
    }
  };
  const ready = slug(name) !== "" && !unsettled(setting) && (!ends || isColour(color));
  return html`<form class="brand-form" onSubmit=${submit}>
    <label for="brand-name">Name</label>
    <input type="text" id="brand-name" value=${name} maxlength="40" required disabled=${Boolean(brand)} autocomplete="off"
      onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
    ${name.trim() && html`<${NameHint} name=${name} taken=${!brand && names.includes(slug(name))} />`}
    <${SettingChoice} setting=${setting} onChange=${setSetting} clear=${false} brand=${[FREE, "Each film says its own."]} />
    <div class="fields">
      <label class="field" for="brand-shape">Shape
        <select id="brand-shape" value=${aspect} onChange=${(/** @type {any} */ event) => setAspect(event.target.value)}>
          <option value="">${FREE}</option>${SHAPES.map((each) => html`<option key=${each} value=${each} selected=${each === aspect}>${each}</option>`)}
        </select></label>
      <label class="field" for="brand-camera">Camera
        <select id="brand-camera" value=${camera} onChange=${(/** @type {any} */ event) => setCamera(event.target.value)}>
          <option value="">${FREE}</option>${Object.entries(CAMERAS).map(([each, word]) => html`<option key=${each} value=${each} selected=${each === camera}>${word}</option>`)}
        </select></label>
    </div>
    <fieldset><legend>Logo</legend>
      <div class="logo-row">
        <label class="button quiet"><input type="file" accept="image/png" class="sr-only" aria-label="Logo, a PNG" onChange=${pick} />${shown ? "Another logo" : "Choose a PNG"}</label>
        ${shown && html`<button type="button" class="quiet" onClick=${() => { setFile(null); setShown(""); }}>No logo</button>`}
      </div>
      ${shown && html`<div class="fields">
        <label class="field" for="logo-corner">Corner
          <select id="logo-corner" value=${corner} onChange=${(/** @type {any} */ event) => setCorner(event.target.value)}>
            ${CORNERS.map(([each, word]) => html`<option key=${each} value=${each} selected=${each === corner}>${word}</option>`)}
          </select></label>
        <label class="field" for="logo-size">Size: ${Math.round(size * 100)} % of the shorter side
          <input type="range" id="logo-size" min="0.05" max="0.5" step="0.01" value=${size} onInput=${(/** @type {any} */ event) => setSize(Number(event.target.value))} /></label>
      </div>
      <div class="brand-frame" style=${{ aspectRatio: (aspect || "1:1").replace(":", " / ") }}>
        <img class=${`at-${corner.replace("_", "-")}`} style=${sizeIn(aspect, size)} src=${shown} alt="The logo in its corner" /></div>`}
    </fieldset>
    <label class="check"><input type="checkbox" checked=${ends} onChange=${() => setEnds(!ends)} /><span>The film ends in a colour</span></label>
    ${ends && html`<${ColourField} label="End colour" value=${color} onChange=${setColor} />
      <p class="hint">A turntable then no longer loops without a seam.</p>`}
    <${Notice} error=${error} onClose=${() => setError(null)} />
    <div class="row"><button class="primary" disabled=${busy || !ready}>${busy ? "Saving…" : "Save the brand"}</button>
      <button type="button" class="quiet" onClick=${onClose}>Not now</button></div>
  </form>`;
}

/** What becomes of a name, where that is not plain. @param {{ name: string, taken: boolean }} properties */
function NameHint({ name, taken }) {
  const kept = slug(name);
  if (!kept) return html`<p class="hint" role="status">A brand's name is made of the letters a to z and digits.</p>`;
  if (taken) return html`<p class="hint" role="status">There is a brand “${kept}”: this one takes its place.</p>`;
  return kept === name ? null : html`<p class="hint">It is saved as “${kept}”.</p>`;
}

/** A logo's box in the frame of the preview. @param {string} aspect @param {number} size */
function sizeIn(aspect, size) {
  const [across, down] = (aspect || "1:1").split(":").map(Number);
  const short = Math.min(across, down);
  return { maxWidth: `${(100 * size * short) / across}%`, maxHeight: `${(100 * size * short) / down}%` };
}
