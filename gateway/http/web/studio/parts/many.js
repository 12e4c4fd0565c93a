// Many photos on their way to one batch. They stay while the person looks at other screens; what was uploaded survives a
// reload.

import { createContext, html, useCallback, useContext, useEffect, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { randomId } from "../api.js";
import { keepLeftOut, keepMany, manyKept } from "../memory.js";
import { again } from "../problem.js";
import { go } from "../routes.js";
import { MOST_PHOTOS } from "./files.js";

/** @typedef {import("../types.js").Many} Many */
/** @typedef {import("../types.js").ManyPhoto} ManyPhoto */

const AT_ONCE = 2;
const TRIES = 5;
const PAUSE_MS = 2000;

/**
 * @typedef {object} ManyPhotos
 * @property {Many} many
 * @property {"" | "looking" | "ordering"} busy
 * @property {any} error of the order
 * @property {boolean} full more than a batch may have were given
 * @property {(given: import("./files.js").Given[]) => void} add
 * @property {(key: string) => void} remove
 * @property {(part: Partial<Many>) => void} change
 * @property {(order: Record<string, unknown>) => void} order uploads what is not yet, then orders
 * @property {() => void} stop
 * @property {() => void} clear
 */

const Context = createContext(/** @type {ManyPhotos | null} */ (null));

/** @returns {ManyPhotos} */
export function useMany() {
  return /** @type {ManyPhotos} */ (useContext(Context));
}

/** @param {{ children?: any }} properties */
export function ManyProvider({ children }) {
  const owner = useOwner();
  const [many, setMany] = useState(manyKept);
  const [busy, setBusy] = useState(/** @type {"" | "looking" | "ordering"} */ (""));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [full, setFull] = useState(false);
  const running = useRef(/** @type {AbortController | null} */ (null));
  // What is true now, also between two drawings of the page.
  const now = useRef(many);
  useEffect(() => keepMany(many), [many]);

  useEffect(() => {
    // Photos that are on their way are only in this page: the browser asks before it is left.
    if (!busy) return undefined;
    const ask = (/** @type {Event} */ event) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [busy]);

  const put = useCallback((/** @type {Partial<Many>} */ part) => {
    now.current = { ...now.current, ...part };
    setMany(now.current);
  }, []);
  const update = useCallback((/** @type {string} */ key, /** @type {Partial<ManyPhoto>} */ part) => {
    put({ photos: now.current.photos.map((/** @type {ManyPhoto} */ photo) => (photo.key === key ? { ...photo, ...part } : photo)) });
  }, []);
  // Another order is not the one that may have been sent before, nor was anything wrong with it.
  const change = useCallback((/** @type {Partial<Many>} */ part) => {
    setError(null);
    put({ sent: "", ...part });
  }, []);
  const add = useCallback((/** @type {import("./files.js").Given[]} */ given) => {
    const before = now.current.photos;
    const room = MOST_PHOTOS - before.filter((photo) => photo.state !== "wrong").length;
    const fitting = given.slice(0, Math.max(0, room));
    setFull(fitting.length < given.length);
    const fresh = fitting.map(({ name, file, wrong }) => ({
      key: randomId(), name, file, url: file && !wrong ? URL.createObjectURL(file) : "",
      state: /** @type {ManyPhoto["state"]} */ (wrong ? "wrong" : "waiting"), wrong, sessionId: "", label: "",
    }));
    change({ photos: [...before, ...fresh] });
  }, []);
  const leave = useCallback((/** @type {(photo: ManyPhoto) => boolean} */ gone) => {
    for (const photo of now.current.photos) if (photo.file && gone(photo)) URL.revokeObjectURL(photo.url);
    setFull(false);
    change({ photos: now.current.photos.filter((photo) => !gone(photo)) });
  }, []);
  const remove = useCallback((/** @type {string} */ key) => leave((photo) => photo.key === key), []);
  const clear = useCallback(() => leave(() => true), []);
  const stop = useCallback(() => running.current?.abort(), []);

  const look = useCallback(async (/** @type {ManyPhoto} */ photo, /** @type {AbortSignal} */ signal) => {
    update(photo.key, { state: "looking", wrong: "" });
    for (let tries = 1; ; tries += 1) {
      try {
        // Under the photo's own key: where it is sent again because no answer came, it is paid once.
        const session = await /** @type {any} */ (owner.api).init(photo.file, signal, photo.key);
        return update(photo.key, { state: "ready", sessionId: session.session_id, label: session.objects[0].label, ...(photo.url ? {} : { url: session.source_url }) });
      } catch (problem) {
        const { message, code, passing: away, ofFile: own } = /** @type {any} */ (problem);
        const passing = away || code === "idempotency_in_progress";
        if (signal.aborted) return update(photo.key, { state: "waiting" });
        if (!passing || tries === TRIES) {
          // What may be mended (no credits, no server) is not the photo's fault: it can be tried again.
          update(photo.key, { state: own ? "wrong" : "waiting", wrong: message });
          if (!own) throw problem;
          return undefined;
        }
        await again(problem, PAUSE_MS);
      }
    }
  }, [owner.api]);

  const order = useCallback(async (/** @type {Record<string, unknown>} */ choices) => {
    const controller = new AbortController();
    running.current = controller;
    setError(null);
    setBusy("looking");
    try {
      const waiting = now.current.photos.filter((photo) => photo.state === "waiting" && photo.file);
      const line = async () => {
        for (let photo = waiting.shift(); photo && !controller.signal.aborted; photo = waiting.shift()) await look(photo, controller.signal);
      };
      const lines = await Promise.allSettled(Array.from({ length: AT_ONCE }, line));
      const broken = lines.find((one) => one.status === "rejected");
      if (controller.signal.aborted) return;
      if (broken) throw /** @type {PromiseRejectedResult} */ (broken).reason;
      const ready = now.current.photos.filter((photo) => photo.state === "ready");
      if (!ready.length) throw new Error("None of these files could be taken as a photo.");
      setBusy("ordering");
      const once = now.current.sent || randomId();
      put({ sent: once });
      const items = ready.map((photo) => ({ session_id: photo.sessionId, name: photo.name.slice(0, 120) }));
      const ticket = await /** @type {any} */ (owner.api).order("/v1/studio/batches", { ...choices, items }, once);
      keepLeftOut(ticket.batch_id, now.current.photos.filter((photo) => photo.state === "wrong").map(({ name, wrong }) => ({ name, wrong })));
      // What came while these were ordered is for the next batch.
      leave((photo) => photo.state !== "waiting");
      go(`/studio/batches/${ticket.batch_id}`);
    } catch (problem) {
      owner.check(problem);
      setError(problem);
    } finally {
      setBusy("");
      owner.refresh();
    }
  }, [owner.api, look]);

  return html`<${Context.Provider} value=${{ many, busy, error, full, add, remove, change, order, stop, clear }}>${children}<//>`;
}
