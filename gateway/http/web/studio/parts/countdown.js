// How long it still takes: said by the server now and then, counted down between.

import { html, useEffect, useState } from "/web/vendor/preact.js";
import { left } from "../words.js";

const TICK_MS = 1000;

/** @param {{ seconds?: number | null, state: unknown }} properties state: the answer that said so; a new one begins anew */
export function Countdown({ seconds, state }) {
  const [at, setAt] = useState(Date.now);
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    setAt(Date.now());
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [state]);
  return html`<span>${seconds ? left(seconds, (now - at) / 1000) : ""}</span>`;
}
