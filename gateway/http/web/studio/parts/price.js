// What it costs and how long it takes, asked of the server while it is being chosen.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { useConnection } from "../connection.js";
import { credits, wait } from "../words.js";

const PAUSE_MS = 350;

/** @param {{ order: import("../types.js").Order | null, missing: string }} properties missing: what is to be said before there is a price */
export function Price({ order, missing }) {
  const owner = useOwner();
  const { epoch } = useConnection();
  const [quote, setQuote] = useState(/** @type {import("../types.js").Quote | null} */ (null));
  const [wrong, setWrong] = useState("");
  const asked = JSON.stringify(order);
  useEffect(() => {
    if (!owner.api || !order) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setQuote(await owner.api?.post("/v1/studio/quote", order, controller.signal));
        setWrong("");
      } catch (error) {
        if (controller.signal.aborted) return;
        setQuote(null);
        setWrong(/** @type {Error} */ (error).message);
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [asked, owner.api, epoch]);
  if (missing) return html`<p class="price" role="status">${missing}</p>`;
  if (wrong) return html`<p class="price wrong" role="status">${wrong}</p>`;
  if (!quote) return html`<p class="price" role="status">…</p>`;
  const short = quote.credits > quote.balance;
  return html`<p class=${short ? "price wrong" : "price"} role="status"><b>${credits(quote.credits)}</b>, ${wait(quote.estimated_seconds)}.
    ${short ? ` The account has ${credits(quote.balance)}: too little. Whoever runs the studio can grant more.` : " Paid back if it does not complete."}</p>`;
}
