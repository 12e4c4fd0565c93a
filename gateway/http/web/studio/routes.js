// Addresses: which screen a path shows, and going there without loading the page anew.

import { useEffect, useState } from "/web/vendor/preact.js";

const MOVED = "lensora:moved";
const ID = "([0-9a-fA-F-]{36})";
/** @type {[string, RegExp][]} */
const SCREENS = [
  ["start", /^\/$/],
  ["jobs", /^\/studio\/?$/],
  ["brands", /^\/studio\/brands\/?$/],
  ["many", /^\/studio\/batches\/new$/],
  ["batches", /^\/studio\/batches\/?$/],
  ["batch", new RegExp(`^/studio/batches/${ID}$`)],
  ["session", new RegExp(`^/studio/sessions/${ID}$`)],
  ["job", new RegExp(`^/studio/jobs/${ID}$`)],
];

/** @typedef {{ screen: string, id: string }} Place */

/** The screen of a path. @param {string} path @returns {Place} */
export function placeOf(path) {
  for (const [screen, pattern] of SCREENS) {
    const match = pattern.exec(path);
    if (match) return { screen, id: match[1] || "" };
  }
  return { screen: "nowhere", id: "" };
}

let moves = 0;

/** How often the person has gone from one screen to another since the page was loaded. */
export const moved = () => moves;

/** What had the focus is gone with its screen: the next screen's heading takes it. */
function leave() {
  moves += 1;
  /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
  window.scrollTo(0, 0);
}

/** Go to a path of the studio. @param {string} path @param {{ replace?: boolean }} [how] */
export function go(path, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  leave();
  window.dispatchEvent(new Event(MOVED));
}

/** The place that the address names, also after Back and Forward. */
export function usePlace() {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const arrived = () => setPath(location.pathname);
    const returned = () => {
      leave();
      arrived();
    };
    window.addEventListener(MOVED, arrived);
    window.addEventListener("popstate", returned);
    return () => {
      window.removeEventListener(MOVED, arrived);
      window.removeEventListener("popstate", returned);
    };
  }, []);
  return { ...placeOf(path), path };
}

/** For a link's onClick: go there in place, unless a new tab or window is asked for. @param {MouseEvent} event */
export function follow(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(/** @type {HTMLAnchorElement} */ (event.currentTarget).getAttribute("href") || "/");
}
