// The key under which something is paid: the same while the same is asked again, so that a lost answer costs nothing. It
// survives a reload of the page.

import { useMemo } from "/web/vendor/preact.js";
import { randomId } from "../api.js";

/**
 * @param {string} what it is that is paid, such as the film of a photo
 * @returns {{ key: (asked: unknown) => string, done: () => void }} done: the next one is another one, even if it says the same
 */
export function useOnce(what) {
  return useMemo(() => {
    const place = `lensora-once ${what}`;
    const key = (/** @type {unknown} */ asked) => {
      const says = JSON.stringify(asked);
      const [before, id] = JSON.parse(sessionStorage.getItem(place) || '["", ""]');
      if (before === says) return id;
      const fresh = randomId();
      sessionStorage.setItem(place, JSON.stringify([says, fresh]));
      return fresh;
    };
    return { key, done: () => sessionStorage.removeItem(place) };
  }, [what]);
}
