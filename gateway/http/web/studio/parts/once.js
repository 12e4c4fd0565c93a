// The key under which something is paid: the same while the same is asked again, so that a lost answer costs nothing.

import { useRef } from "/web/vendor/preact.js";
import { randomId } from "../api.js";

/** @returns {{ key: (asked: unknown) => string, done: () => void }} done: the next one is another one, even if it says the same */
export function useOnce() {
  const kept = useRef({ asked: "", id: "" });
  const key = (/** @type {unknown} */ asked) => {
    const says = JSON.stringify(asked);
    if (kept.current.asked !== says) kept.current = { asked: says, id: randomId() };
    return kept.current.id;
  };
  const done = () => {
    kept.current = { asked: "", id: "" };
  };
  return { key, done };
}
