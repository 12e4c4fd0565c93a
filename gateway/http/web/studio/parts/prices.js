// What each file of a film costs, and how large it is likely to be: the server's own table, asked as choices change.

import { useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { credits } from "../words.js";

const PAUSE_MS = 250;

/** @typedef {import("../types.js").Prices} Prices */

/** Null until they are known. @param {import("../types.js").Film} film @returns {Prices | null} */
export function usePrices(film) {
  const owner = useOwner();
  const [prices, setPrices] = useState(/** @type {Prices | null} */ (null));
  useEffect(() => {
    const { api } = owner;
    if (!api) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      // What is wrong, the price of the whole order says.
      api.prices(film, controller.signal).then(setPrices, () => setPrices(null));
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [owner.api, film.size, film.aspect, film.fps, film.seconds]);
  return prices;
}

/**
 * What filming a kept model again costs, in words: the server may ask for a little less where several films are made.
 *
 * @param {Prices} prices
 * @param {string[]} formats
 */
export function priceAgain(prices, formats) {
  const further = prices.outputs.filter((row) => formats.includes(row.name)).reduce((sum, row) => sum + row.credits, 0);
  return `${further ? "at most " : ""}${credits(prices.render + further)}`;
}
