// A photo on its way to the studio: chosen, dropped or pasted on any screen. A photo that is not taken changes nothing.

import { createContext, html, useCallback, useContext, useEffect, useMemo, useRef, useState } from "/web/vendor/preact.js";
import { useOwner } from "../account.js";
import { randomId } from "../api.js";
import { useConnection } from "../connection.js";
import { go, usePlace } from "../routes.js";
import { wrongWith } from "../words.js";
import { dropped, isMany } from "./files.js";
import { useMany } from "./many.js";
import { Notice } from "./notice.js";

/**
 * @typedef {object} Upload
 * @property {File | null} file on its way, or waiting for a key
 * @property {string} url to show it by
 * @property {boolean} busy
 * @property {any} error
 * @property {(file: File) => void} send
 * @property {() => void} clear
 */

/** Where many photos are put together. */
const MANY = "/studio/batches/new";

const Context = createContext(/** @type {Upload | null} */ (null));

/** @returns {Upload} */
export function useUpload() {
  return /** @type {Upload} */ (useContext(Context));
}

/** @param {{ children?: any }} properties */
export function UploadProvider({ children }) {
  const owner = useOwner();
  const many = useMany();
  const { epoch } = useConnection();
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const url = useMemo(() => (file ? URL.createObjectURL(file) : ""), [file]);
  const running = useRef(/** @type {AbortController | null} */ (null));
  // The same photo, sent again because no answer came, is paid once.
  const sent = useRef(/** @type {WeakMap<File, string>} */ (new WeakMap()));
  useEffect(() => () => URL.revokeObjectURL(url), [url]);

  const clear = useCallback(() => {
    running.current?.abort();
    setFile(null);
    setError(null);
    setBusy(false);
  }, []);

  const onceFor = (/** @type {File} */ given) => {
    const key = sent.current.get(given) || randomId();
    sent.current.set(given, key);
    return key;
  };
  const send = useCallback((/** @type {File} */ given) => {
    const wrong = wrongWith(given);
    setError(wrong ? new Error(wrong) : null);
    if (wrong) return;
    setFile(given);
    if (!owner.api) return;
    const controller = new AbortController();
    running.current?.abort();
    running.current = controller;
    setBusy(true);
    owner.api.init(given, controller.signal, onceFor(given)).then(
      (session) => {
        setBusy(false);
        setFile(null);
        sent.current.delete(given);
        go(`/studio/sessions/${session.session_id}`);
        owner.refresh();
      },
      (problem) => {
        if (controller.signal.aborted) return;
        owner.check(problem);
        setBusy(false);
        setError(problem);
      },
    );
  }, [owner.api]);

  useEffect(() => {
    // A photo that waited for a key goes on with it.
    if (owner.api && file && !busy && !error) send(file);
  }, [owner.api]);
  useEffect(() => {
    // One that got no answer goes on when the server is back.
    if (file && !busy && error && error.status === 0) send(file);
  }, [epoch]);

  useEffect(() => {
    const over = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      document.documentElement.classList.toggle("dragging", event.type !== "dragleave" || Boolean(event.relatedTarget));
    };
    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      document.documentElement.classList.remove("dragging");
      const transfer = event.dataTransfer;
      if (!transfer) return;
      if (isMany(transfer) || location.pathname === MANY) {
        dropped(transfer).then(many.add);
        if (location.pathname !== MANY) go(MANY);
      } else if (transfer.files[0]) send(transfer.files[0]);
    };
    const paste = (/** @type {ClipboardEvent} */ event) => {
      const pasted = [...(event.clipboardData?.files || [])].find((entry) => entry.type.startsWith("image/"));
      if (!pasted || !event.clipboardData) return;
      if (location.pathname === MANY) dropped(event.clipboardData).then(many.add);
      else send(pasted);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", over);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", over);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, [send, many.add]);

  return html`<${Context.Provider} value=${{ file, url, busy, error, send, clear }}>${children}<//>`;
}

/** On every screen but the first, which shows it large: what becomes of a photo that was dropped or pasted here. */
export function UploadBar() {
  const { busy, error, clear } = useUpload();
  const place = usePlace();
  if (place.screen === "start" || (!busy && !error)) return null;
  return html`<div class="upload-bar">
    ${busy && html`<${Notice} kind="plain" text="Looking at your photo…" onClose=${clear} />`}
    <${Notice} error=${error} onClose=${clear}><p>What you have here stays as it is.</p><//>
  </div>`;
}

/** @param {{ class?: string, children?: any }} properties */
export function PhotoButton({ class: classes = "button primary", children }) {
  const { send } = useUpload();
  const pick = (/** @type {any} */ event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (file) send(file);
  };
  return html`<label class=${classes}><input type="file" accept="image/jpeg,image/png,image/webp" class="sr-only" onChange=${pick} />${children}</label>`;
}
