// What this browser keeps: the key, the theme, for each photo what was chosen for it, and the batch that is put together.

/** @typedef {import("./types.js").Draft} Draft */

const KEY = "lensora-api-key";
const THEME = "lensora-theme";
const DRAFTS = "lensora-drafts";
const MOST_DRAFTS = 20;
const MANY = "lensora-many";
const LEFT_OUT = "lensora-left-out";
const MOST_LEFT_OUT = 20;
/** A little less than a session lives. */
const SESSION_MS = 23 * 3_600_000;

/** The key: from the address where it brings one (`#key=`), else the one that was kept. */
export function rememberedKey() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) {
    history.replaceState(null, "", location.pathname);
    localStorage.setItem(KEY, given);
  }
  return given || localStorage.getItem(KEY) || "";
}

/** @param {string} key */
export function rememberKey(key) {
  if (key) localStorage.setItem(KEY, key);
  else localStorage.removeItem(KEY);
}

export const THEMES = ["auto", "light", "dark"];

export function rememberedTheme() {
  const theme = localStorage.getItem(THEME) || "auto";
  return THEMES.includes(theme) ? theme : "auto";
}

/** @param {string} theme */
export function useTheme(theme) {
  localStorage.setItem(THEME, theme);
  document.documentElement.dataset.theme = theme;
}

/** @returns {Draft} */
export function newDraft() {
  return {
    choice: { index: 0, box: null, points: [] },
    cutout: null,
    setting: { kind: "prompt", prompt: "on a marble countertop with soft natural light", url: "", color: "#e4efed", backplate: null },
    film: { camera: "turntable", aspect: "1:1", size: 768, seconds: 4, fps: 24, formats: [], height: "" },
    brand: "",
  };
}

/** @returns {[string, Draft][]} */
function drafts() {
  try {
    const kept = JSON.parse(localStorage.getItem(DRAFTS) || "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** What was chosen for a photo. @param {string} sessionId @returns {Draft} */
export function draftOf(sessionId) {
  const found = drafts().find(([id]) => id === sessionId);
  const fresh = newDraft();
  return found ? { ...fresh, ...found[1], film: { ...fresh.film, ...found[1].film }, setting: { ...fresh.setting, ...found[1].setting } } : fresh;
}

/** @param {string} sessionId @param {Draft} draft */
export function keepDraft(sessionId, draft) {
  const others = drafts().filter(([id]) => id !== sessionId);
  localStorage.setItem(DRAFTS, JSON.stringify([[sessionId, draft], ...others].slice(0, MOST_DRAFTS)));
}

/** @template T @param {string} name @param {T} otherwise @returns {T} */
function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name) || "null") ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** The batch that is put together: of its photos those that were uploaded. @returns {import("./types.js").Many} */
export function manyKept() {
  const { setting, film } = newDraft();
  const found = kept(MANY, /** @type {any} */ ({}));
  const fresh = (/** @type {any} */ photo) => Date.now() - photo.at < SESSION_MS;
  const photos = (found.photos || []).filter(fresh).map((/** @type {any} */ photo) => ({ ...photo, file: null, state: "ready", wrong: "" }));
  return { photos, setting: { ...setting, ...found.setting }, film: { ...film, ...found.film }, brand: found.brand || "", sent: found.sent || "" };
}

/** @param {import("./types.js").Many} many */
export function keepMany({ photos, setting, film, brand, sent }) {
  const before = new Map((kept(MANY, /** @type {any} */ ({})).photos || []).map((/** @type {any} */ photo) => [photo.key, photo.at]));
  const ready = photos.filter((photo) => photo.state === "ready");
  const plain = ready.map(({ key, name, url, sessionId, label }) => ({
    key, name, url: url.startsWith("blob:") ? "" : url, sessionId, label, at: before.get(key) || Date.now(),
  }));
  localStorage.setItem(MANY, JSON.stringify({ photos: plain, setting, film, brand, sent }));
}

/** @typedef {{ name: string, wrong: string }} LeftOut a file that could not be part of a batch, and why */

/** @param {string} batchId @returns {LeftOut[]} */
export function leftOut(batchId) {
  const found = kept(LEFT_OUT, /** @type {[string, LeftOut[]][]} */ ([])).find(([id]) => id === batchId);
  return found ? found[1] : [];
}

/** @param {string} batchId @param {LeftOut[]} files */
export function keepLeftOut(batchId, files) {
  if (!files.length) return;
  const others = kept(LEFT_OUT, /** @type {[string, LeftOut[]][]} */ ([]));
  localStorage.setItem(LEFT_OUT, JSON.stringify([[batchId, files], ...others].slice(0, MOST_LEFT_OUT)));
}
