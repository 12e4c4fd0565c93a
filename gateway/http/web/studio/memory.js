// What this browser keeps: the key, the theme, and for each photo what was chosen for it.

/** @typedef {import("./types.js").Draft} Draft */

const KEY = "lensora-api-key";
const THEME = "lensora-theme";
const DRAFTS = "lensora-drafts";
const MOST_DRAFTS = 20;

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
