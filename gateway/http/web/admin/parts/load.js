// What a screen asks of the server: once, and again when told to.

import { useCallback, useEffect, useState } from "/web/vendor/preact.js";

/**
 * @template T
 * @param {import("../api.js").Api} api
 * @param {string} path
 * @param {(problem: any) => void} onProblem
 * @param {number} [everyMs] asked again so often while the page is looked at; 0 for once
 * @returns {{ value: T | null, error: any, again: () => Promise<void> }}
 */
export function useAnswer(api, path, onProblem, everyMs = 0) {
  const [value, setValue] = useState(/** @type {T | null} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const again = useCallback(async () => {
    try {
      setValue(await api.call(path));
      setError(null);
    } catch (problem) {
      setError(problem);
      onProblem(problem);
    }
  }, [api, path]);
  useEffect(() => {
    again();
    if (!everyMs) return undefined;
    const timer = setInterval(() => document.hidden || again(), everyMs);
    return () => clearInterval(timer);
  }, [again, everyMs]);
  return { value, error, again };
}
