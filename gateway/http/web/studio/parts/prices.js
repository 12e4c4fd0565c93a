// What each file of a film costs, and how large it is likely to be: the server's own table, asked as choices change.

import { useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";

const PAUSE_MS = 250;

/** @typedef {{ name: string, credits: number, expected_bytes: number }} Row */

/** Rows by the file's name; empty until they are known. @param {import("../types.js").Film} film @returns {Map<string, Row>} */
export function usePrices(film) {
  const owner = useOwner();
  const [rows, setRows] = useState(/** @type {Map<string, Row>} */ (new Map()));
  useEffect(() => {
    const { api } = owner;
    if (!api) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      api.prices(film, controller.signal).then(
        (prices) => setRows(new Map(prices.outputs.map((row) => [row.name, row]))),
        () => setRows(new Map()), // the price of the whole order says what is wrong
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [owner.api, film.size, film.aspect, film.fps, film.seconds]);
  return rows;
}
