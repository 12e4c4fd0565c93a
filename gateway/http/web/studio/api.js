// The calls of the public API, as any program would make them.

import { lost, whenBack } from "./connection.js";
import { events } from "./events.js";
import { Problem, again, pause } from "./problem.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Order} Order */

const PAUSE_MS = 1000;
const BATCH_PAUSE_MS = 1000;
/** Further pause for each film of a batch: an answer about many costs more. */
const FILM_PAUSE_MS = 15;
const HIDDEN_PAUSE_MS = 10_000;
const ORDER_TRIES = 5;
const ORDER_PAUSE_MS = 2000;
/** What is not in a key and could not be sent as one: quotes that a letter made curly, a character that is not seen. */
const STRANGE = /[^\x20-\x7e]/u;
const UNSEEN = /[\p{C}\p{Z}]/u;

/** A random id; `randomUUID` exists only on https and localhost. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Api {
  /** @param {string} key */
  constructor(key) {
    this.key = key;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal }} [options]
   */
  async call(method, path, { body, headers = {}, signal } = {}) {
    const strange = STRANGE.exec(this.key);
    if (strange) {
      const what = UNSEEN.test(strange[0]) ? "character that cannot be seen" : strange[0];
      throw new Problem(401, { detail: `The API key is unknown: keys begin with lsk_, and have no ${what} in them.`, code: "unauthorized" });
    }
    let response;
    try {
      response = await fetch(path, { method, body, signal, headers: { Authorization: `Bearer ${this.key}`, ...headers } });
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") throw error;
      lost();
      throw new Problem(0, { detail: "The studio's server does not answer.", code: "unreachable" });
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response;
  }

  /**
   * @param {string} path
   * @param {AbortSignal} [signal]
   */
  async get(path, signal) {
    return (await this.call("GET", path, { signal })).json();
  }

  /**
   * @param {string} path
   * @param {unknown} value
   * @param {AbortSignal} [signal]
   * @param {string} [once] repeats under the same one do and cost nothing
   */
  async post(path, value, signal, once = randomId()) {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": once };
    return (await this.call("POST", path, { body: JSON.stringify(value), headers, signal })).json();
  }

  /**
   * An order, sent under one key until there is an answer: it is paid once, however often the server goes away.
   *
   * @param {string} path
   * @param {unknown} body
   * @param {string} once
   */
  async order(path, body, once) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.post(path, body, undefined, once);
      } catch (problem) {
        const unsettled = problem instanceof Problem && (problem.passing || problem.code === "idempotency_in_progress");
        if (!unsettled || tries === ORDER_TRIES) throw problem;
        await again(problem, ORDER_PAUSE_MS);
      }
    }
  }

  /**
   * @param {File} file
   * @param {AbortSignal} [signal]
   * @param {string} [once] as for ``post``
   * @returns {Promise<Session>}
   */
  async init(file, signal, once = randomId()) {
    const body = new FormData();
    body.append("image", file);
    body.append("max_objects", "6");
    const headers = { "Idempotency-Key": once };
    return (await this.call("POST", "/v1/studio/init", { body, headers, signal })).json();
  }

  /** Keep a picture to film in front of. @param {File} file @returns {Promise<import("./types.js").Backplate>} */
  async backplate(file) {
    const body = new FormData();
    body.append("image", file);
    return (await this.call("POST", "/v1/studio/backplates", { body })).json();
  }

  /** @returns {Promise<{ brands: import("./types.js").Brand[] }>} */
  brands() {
    return this.get("/v1/studio/brands");
  }

  /**
   * Save choices under a name. Without a file a brand's logo stays as it is.
   *
   * @param {string} name
   * @param {Record<string, unknown>} choices
   * @param {File | null} logo
   * @returns {Promise<import("./types.js").Brand>}
   */
  async saveBrand(name, choices, logo) {
    const body = new FormData();
    body.append("name", name);
    body.append("brand", JSON.stringify(choices));
    if (logo) body.append("logo", logo);
    return (await this.call("POST", "/v1/studio/brands", { body })).json();
  }

  /** @param {string} name */
  deleteBrand(name) {
    return this.call("DELETE", `/v1/studio/brands/${encodeURIComponent(name)}`);
  }

  /** @param {import("./types.js").Film} film @param {AbortSignal} [signal] @returns {Promise<import("./types.js").Prices>} */
  prices(film, signal) {
    const query = new URLSearchParams({ size: `${film.size}`, aspect: film.aspect, fps: `${film.fps}`, seconds: `${film.seconds}` });
    return this.get(`/v1/studio/prices?${query}`, signal);
  }

  /**
   * Add a further photo of the subject.
   *
   * @param {string} sessionId
   * @param {File} file
   * @param {{ objectIndex: number | null, bbox: number[] | null }} what index of the session's object; a box of the person's own
   * @returns {Promise<import("./types.js").View>}
   */
  async addView(sessionId, file, { objectIndex, bbox }) {
    const body = new FormData();
    body.append("image", file);
    if (objectIndex !== null) body.append("object_index", String(objectIndex));
    if (bbox) body.append("bbox", JSON.stringify(bbox));
    const headers = { "Idempotency-Key": randomId() };
    return (await this.call("POST", `/v1/studio/sessions/${sessionId}/views`, { body, headers })).json();
  }

  /**
   * Add a film of the subject turning.
   *
   * @param {string} sessionId
   * @param {File} file
   * @param {number | null} objectIndex
   * @returns {Promise<import("./types.js").View>}
   */
  async addTurn(sessionId, file, objectIndex) {
    const body = new FormData();
    body.append("video", file);
    if (objectIndex !== null) body.append("object_index", String(objectIndex));
    const headers = { "Idempotency-Key": randomId() };
    return (await this.call("POST", `/v1/studio/sessions/${sessionId}/turn`, { body, headers })).json();
  }

  /** @param {string} sessionId @returns {Promise<import("./types.js").View[]>} */
  async views(sessionId) {
    return (await this.get(`/v1/studio/sessions/${sessionId}/views`)).views;
  }

  /**
   * @param {import("./types.js").View} view
   * @param {Record<string, unknown>} changes
   * @returns {Promise<import("./types.js").View>}
   */
  async changeView(view, changes) {
    const headers = { "Content-Type": "application/json" };
    const path = `/v1/studio/sessions/${view.session_id}/views/${view.view_id}`;
    return (await this.call("PATCH", path, { body: JSON.stringify(changes), headers })).json();
  }

  /** @param {import("./types.js").View} view */
  deleteView(view) {
    return this.call("DELETE", `/v1/studio/sessions/${view.session_id}/views/${view.view_id}`);
  }

  /** @returns {Promise<import("./types.js").Account>} */
  account() {
    return this.get("/v1/account");
  }

  /** @param {string} id @returns {Promise<Session>} */
  session(id) {
    return this.get(`/v1/studio/sessions/${id}`);
  }

  /** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Job>} */
  job(id, signal) {
    return this.get(`/v1/studio/result/${id}`, signal);
  }

  /** @param {string} cursor @param {number} limit @returns {Promise<{ jobs: Job[], next_cursor: string | null }>} */
  jobs(cursor, limit) {
    return this.get(`/v1/studio/jobs?limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  }

  /** @param {string} id */
  remove(id) {
    return this.call("DELETE", `/v1/studio/jobs/${id}`);
  }

  /** @param {string} id */
  cancel(id) {
    return this.post(`/v1/studio/jobs/${id}/cancel`, {});
  }

  /**
   * Calls `onState` with each state of a job up to its last. A stream that breaks, falls silent, or meets a server that
   * is away is begun again where it was; only what trying again cannot mend is thrown.
   *
   * @param {string} id
   * @param {(job: Job) => void} onState
   * @param {AbortSignal} signal
   */
  async follow(id, onState, signal) {
    let lastId = "";
    while (!signal.aborted) {
      try {
        const response = await this.call("GET", `/v1/studio/result/${id}/stream`, {
          headers: lastId ? { "Last-Event-ID": lastId } : {},
          signal,
        });
        if (response.status === 204) return;
        for await (const event of events(response)) {
          lastId = event.id || lastId;
          const job = /** @type {Job} */ (JSON.parse(event.data));
          onState(job);
          if (ended(job)) return;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Problem && !error.passing) throw error;
        if (error instanceof Problem && error.status > 0) await pause(PAUSE_MS);
      }
      await whenBack();
      await pause(PAUSE_MS / 2);
    }
  }

  /**
   * Calls `onState` with each state of a batch up to its last; a server that is away is waited for, and only what trying
   * again cannot mend is thrown.
   *
   * @param {string} id
   * @param {(batch: import("./types.js").Batch) => void} onState
   * @param {AbortSignal} signal
   */
  async followBatch(id, onState, signal) {
    for (let films = 0; !signal.aborted; ) {
      try {
        const batch = await this.get(`/v1/studio/batches/${id}`, signal);
        films = batch.counts.total;
        onState(batch);
        if (ended(batch)) return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Problem && !error.passing) throw error;
        await again(error, BATCH_PAUSE_MS);
        continue;
      }
      await pause(document.hidden ? HIDDEN_PAUSE_MS : BATCH_PAUSE_MS + FILM_PAUSE_MS * films);
    }
  }
}

/** Whether a job, or a batch, will not change any more. @param {{ status: string }} job */
export function ended(job) {
  return ["completed", "failed", "canceled"].includes(job.status);
}
