// Whether the studio's server answers. One place knows; the page says it, and what was loading goes on when it is back.

import { useEffect, useState } from "/web/vendor/preact.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 5000;
const BACK_SHOWN_MS = 3000;

/** @typedef {"fine" | "lost" | "back"} Reach */

/** @type {{ reach: Reach, epoch: number, probing: boolean }} */
const state = { reach: "fine", epoch: 0, probing: false };
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {Reach} reach */
function become(reach) {
  state.reach = reach;
  for (const listener of listeners) listener();
}

/** A request got no answer: say so, and ask the server until it answers. */
export async function lost() {
  if (state.reach !== "lost") become("lost");
  if (state.probing) return;
  state.probing = true;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (await answers()) break;
  }
  state.probing = false;
  state.epoch += 1;
  become("back");
  setTimeout(() => state.reach === "back" && become("fine"), BACK_SHOWN_MS);
}

async function answers() {
  try {
    return (await fetch("/readyz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** How the server is reached now; `epoch` grows each time that it is back. */
export function useConnection() {
  const [now, setNow] = useState({ reach: state.reach, epoch: state.epoch });
  useEffect(() => {
    const listener = () => setNow({ reach: state.reach, epoch: state.epoch });
    listeners.add(listener);
    listener();
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return now;
}

/** Resolves at once while the server is reached, else when it is back. */
export function whenBack() {
  if (state.reach !== "lost") return Promise.resolve();
  return new Promise((resolve) => {
    const listener = () => {
      if (state.reach === "lost") return;
      listeners.delete(listener);
      resolve(undefined);
    };
    listeners.add(listener);
  });
}
