// The brand of a film: a name that stands for background, shape, camera, logo and end colour.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { follow } from "../routes.js";

/** @typedef {import("../types.js").Brand} Brand */
/** @typedef {import("../types.js").Setting} Setting */
/** @typedef {import("../types.js").Film} Film */

/** This key's brands; null until they are known. @returns {Brand[] | null} */
export function useBrands() {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [brands, setBrands] = useState(/** @type {Brand[] | null} */ (null));
  useEffect(() => {
    owner.api?.brands().then((answer) => setBrands(answer.brands), owner.check);
  }, [owner.api, epoch]);
  return brands;
}

/** @param {{ name: string, brands: Brand[] | null, onChange: (name: string) => void }} properties */
export function BrandChoice({ name, brands, onChange }) {
  const names = (brands || []).map((brand) => brand.name);
  const gone = name && brands && !names.includes(name);
  return html`<div class="brand-choice">
    <label for="brand">Brand</label>
    <div class="brand-row">
      <select id="brand" value=${name} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
        <option value="" selected=${!name}>None</option>
        ${(gone || (name && !brands) ? [...names, name] : names).map((each) => html`<option key=${each} value=${each} selected=${each === name}>${each}</option>`)}
      </select>
      <a class="button quiet" href="/studio/brands" onClick=${follow}>${names.length ? "Brands" : "Make a brand"}</a>
    </div>
    ${gone && html`<p class="hint" role="status">The brand ${name} has been deleted: choose another one, or none.</p>`}
  </div>`;
}

/**
 * What becomes of the choices when a brand is picked: its own take their place, and can still be changed.
 *
 * @param {Brand | null} brand
 * @param {Setting} setting
 * @param {Film} film
 */
export function branded(brand, setting, film) {
  const free = setting.kind === "brand" ? { ...setting, kind: /** @type {const} */ ("prompt") } : setting;
  return {
    setting: brand?.background ? { ...setting, kind: /** @type {const} */ ("brand") } : free,
    film: { ...film, aspect: brand?.aspect || film.aspect, camera: brand?.camera_preset || film.camera },
  };
}

/** A brand's background in words. @param {Brand} brand */
export function backgroundWords(brand) {
  const background = brand.background;
  if (!background) return "as each film says";
  if (background.type === "prompt") return `“${background.prompt}”`;
  if (background.type === "color") return `the colour ${background.value}`;
  return background.type === "image" ? "its own picture" : "white";
}
