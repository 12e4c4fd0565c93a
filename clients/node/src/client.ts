import { Batches } from "./batches.js";
import { apiKeyOf, baseOf, once, segment } from "./checks.js";
import { errorOf, LensoraError } from "./errors.js";
import { eventsOf } from "./events.js";
import { fileNameOf, save } from "./files.js";
import { pause, until } from "./time.js";
import type {
  Account,
  Background,
  Backplate,
  Brand,
  BrandChoices,
  BrandList,
  Cancellation,
  Cutout,
  CutoutRequest,
  Job,
  JobPage,
  JobStatus,
  JobTicket,
  LedgerPage,
  Photo,
  Prices,
  Quote,
  RenderRequest,
  Result,
  Session,
  Share,
  ShareRequest,
  TransformRequest,
  View,
  ViewChange,
  ViewSide,
} from "./types.js";

export interface ClientOptions {
  /** Such as `http://127.0.0.1:8000`. */
  baseUrl: string;
  /** Sent to `baseUrl` only; links to files open without it. */
  apiKey: string;
  /** Another way to send, for tests. */
  fetch?: typeof fetch;
}

export interface CallOptions {
  /** A key of your own, so that a repeat of this call does and charges nothing. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface ViewOptions {
  /** The side that the photo shows; say it: without, the photo is used only where its side is clear. */
  view?: ViewSide;
  /** Which of the session's objects it shows; any of them where it is not given. */
  objectIndex?: number;
  /** A box of your own around the subject in this photo: fractions of the upright image. */
  bbox?: [number, number, number, number];
  /** Places of this photo that belong to the subject, and places that do not. */
  points?: { x: number; y: number; keep: boolean }[];
}

export interface WaitOptions {
  /** Called with each new state, the last one included. */
  onProgress?: (result: Result) => void;
  /** Milliseconds to wait at most. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_S = 20;
/** How long the server holds each poll of `wait`: short enough for proxies that cut off after 30 s. */
const HOLD_S = 20;
/** An answer that is held to the end of the time comes within this after it. */
const HELD_OVER_MS = 2_000;
/** A gateway that is restarted or upgraded is back within this. */
const PATIENCE_MS = 60_000;
const ENDS: readonly JobStatus[] = ["completed", "failed", "canceled"];

/** True when the job will not change any more. */
export function hasEnded(result: Pick<Result, "status">): boolean {
  return ENDS.includes(result.status);
}

/** What a person types as a background: `remove`, a URL, or a description of a scene. */
export function backgroundOf(words: string): Background {
  const text = words.trim();
  if (text.toLowerCase() === "remove") return { type: "remove" };
  if (/^#[0-9a-f]{6}$/i.test(text)) return { type: "color", value: text };
  return /^https?:\/\//i.test(text) ? { type: "image", url: text } : { type: "prompt", prompt: words };
}

/** Talks to one installation with one API key. */
export class Lensora {
  readonly #baseUrl: string;
  readonly #apiKey: string;
  readonly #fetch: typeof fetch;
  /** Films of many photos at once. */
  readonly batches: Batches;

  constructor(options: ClientOptions) {
    this.#baseUrl = baseOf(options.baseUrl);
    this.#apiKey = apiKeyOf(options.apiKey);
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.batches = new Batches({
      post: (path, body, given, idempotent) => this.#post(path, body, given, idempotent),
      get: (path, { waitS, signal, moment }) => this.#json("GET", path, { headers: preference(waitS), signal, moment }),
      remove: async (path) => this.#delete(path),
      follow: (name, read, given) => this.#follow(name, read, given),
      save: (url, path) => this.#save(url, path),
    });
  }

  /** Upload a photo and find the things in it. 5 credits. */
  async init(photo: Photo, options: CallOptions & { maxObjects?: number } = {}): Promise<Session> {
    const form = new FormData();
    form.append("image", await blobOf(photo), nameOf(photo));
    if (options.maxObjects !== undefined) form.append("max_objects", String(options.maxObjects));
    return this.#post<Session>("/v1/studio/init", form, options);
  }

  /** Add a further photo of the subject, up to five, so that the model is true on more sides. 2 credits. */
  async addView(session: string | Pick<Session, "session_id">, photo: Photo, options: CallOptions & ViewOptions = {}): Promise<View> {
    const form = new FormData();
    form.append("image", await blobOf(photo), nameOf(photo));
    if (options.view !== undefined) form.append("view", options.view);
    if (options.objectIndex !== undefined) form.append("object_index", String(options.objectIndex));
    if (options.bbox !== undefined) form.append("bbox", JSON.stringify(options.bbox));
    if (options.points !== undefined) form.append("points", JSON.stringify(options.points));
    return this.#post<View>(viewsPath(session), form, options);
  }

  /** Add a film of the subject turning once, from the front on, in place of photos of its sides. 10 credits. */
  async addTurn(
    session: string | Pick<Session, "session_id">,
    video: Photo,
    options: CallOptions & Pick<ViewOptions, "objectIndex"> = {},
  ): Promise<View> {
    const form = new FormData();
    form.append("video", await blobOf(video), nameOf(video));
    if (options.objectIndex !== undefined) form.append("object_index", String(options.objectIndex));
    return this.#post<View>(`${sessionPath(session)}/turn`, form, options);
  }

  /** The further photos of a session, in the order in which they were added. */
  async views(session: string | Pick<Session, "session_id">, options: Pick<CallOptions, "signal"> = {}): Promise<View[]> {
    return (await this.#json<{ views: View[] }>("GET", viewsPath(session), { signal: options.signal })).views;
  }

  /** Correct a further photo's side, box or points; `view: null` is a side that nobody knows. Free. */
  async changeView(view: Pick<View, "session_id" | "view_id">, changes: ViewChange, options: Pick<CallOptions, "signal"> = {}): Promise<View> {
    const headers = { "Content-Type": "application/json" };
    const path = `${viewsPath(view)}/${segment("view_id", view.view_id)}`;
    return this.#json<View>("PATCH", path, { headers, body: JSON.stringify(changes), signal: options.signal });
  }

  /** Take a further photo out of the session; nothing comes back. */
  async deleteView(view: Pick<View, "session_id" | "view_id">, options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    await this.#delete(`${viewsPath(view)}/${segment("view_id", view.view_id)}`, options.signal);
  }

  /** Make the cutout alone, to look at before the film. 5 credits. */
  async cutout(request: CutoutRequest, options: CallOptions = {}): Promise<Cutout> {
    return this.#post<Cutout>("/v1/studio/cutout", request, options);
  }

  /** What a job with these choices would cost, and how long it would take. Free. */
  async quote(request: TransformRequest, options: Pick<CallOptions, "signal"> = {}): Promise<Quote> {
    return this.#post<Quote>("/v1/studio/quote", request, options, false);
  }

  /** Start a job. 75 credits, returned if it does not complete. */
  async transform(request: TransformRequest, options: CallOptions = {}): Promise<JobTicket> {
    return this.#post<JobTicket>("/v1/studio/transform", request, options);
  }

  /** Film a finished job's model again, with another camera or background. */
  async render(job: Job, request: RenderRequest, options: CallOptions = {}): Promise<JobTicket> {
    return this.#post<JobTicket>(`/v1/studio/jobs/${idOf(job)}/render`, request, options);
  }

  /** Stop a job and get its credits back; a job that has ended stays as it is. */
  async cancel(job: Job, options: Pick<CallOptions, "signal"> = {}): Promise<Cancellation> {
    return this.#post<Cancellation>(`/v1/studio/jobs/${idOf(job)}/cancel`, undefined, options, false);
  }

  /** Delete a job that has ended, and its files. */
  async delete(job: Job, options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    await this.#delete(`/v1/studio/jobs/${idOf(job)}`, options.signal);
  }

  /** Upload a background picture, kept for a day: `{ type: "image", backplate_id }`. Free. */
  async backplate(picture: Photo, options: Pick<CallOptions, "signal"> = {}): Promise<Backplate> {
    const form = new FormData();
    form.append("image", await blobOf(picture), nameOf(picture));
    return this.#post<Backplate>("/v1/studio/backplates", form, options, false);
  }

  /** Show a completed job to whoever has the link, or change how. */
  async share(job: Job, request: ShareRequest = {}, options: Pick<CallOptions, "signal"> = {}): Promise<Share> {
    return this.#post<Share>(`/v1/studio/jobs/${idOf(job)}/share`, request, options, false);
  }

  /** Take the link back. */
  async unshare(job: Job, options: Pick<CallOptions, "signal"> = {}): Promise<void> {
    await this.#delete(`/v1/studio/jobs/${idOf(job)}/share`, options.signal);
  }

  /** What calls and files cost, and how large files usually are, for a film like this. Free. */
  async prices(film: { size?: number; aspect?: string; fps?: number; seconds?: number } = {}): Promise<Prices> {
    return this.#json<Prices>("GET", `/v1/studio/prices${queryOf(film)}`, {});
  }

  /** Save choices under a name, in place of a brand of that name; `logo` is a PNG. Free. */
  async saveBrand(name: string, brand: BrandChoices, logo?: Photo): Promise<Brand> {
    const form = new FormData();
    form.append("name", name);
    form.append("brand", JSON.stringify(brand));
    if (logo !== undefined) form.append("logo", await blobOf(logo), nameOf(logo));
    return this.#post<Brand>("/v1/studio/brands", form, {}, false);
  }

  /** Every brand of this key. */
  async brands(): Promise<BrandList> {
    return this.#json<BrandList>("GET", "/v1/studio/brands", {});
  }

  /** One brand. */
  async brand(name: string): Promise<Brand> {
    return this.#json<Brand>("GET", `/v1/studio/brands/${segment("name", name)}`, {});
  }

  /** Delete a brand; jobs that were ordered with it are not touched. */
  async deleteBrand(name: string): Promise<void> {
    await this.#delete(`/v1/studio/brands/${segment("name", name)}`);
  }

  /** A session that is kept: what `init` answered, for nothing. */
  async session(sessionId: string, options: Pick<CallOptions, "signal"> = {}): Promise<Session> {
    return this.#json<Session>("GET", `/v1/studio/sessions/${segment("session_id", sessionId)}`, { signal: options.signal });
  }

  /** The job's state; with `waitS` (1 to 60) the server answers when it changes or the time is over. */
  async result(job: Job, options: { waitS?: number; signal?: AbortSignal } = {}): Promise<Result> {
    const headers = preference(options.waitS);
    return this.#json<Result>("GET", `/v1/studio/result/${idOf(job)}`, { headers, signal: options.signal });
  }

  /** Wait until the job has ended, failed or not. A server that is away for a minute is waited for. */
  async wait(job: Job, options: WaitOptions = {}): Promise<Result> {
    const path = `/v1/studio/result/${idOf(job)}`;
    const read = (waitS: number | undefined, moment: number | undefined) =>
      this.#json<Result>("GET", path, { headers: preference(waitS), signal: options.signal, moment });
    return this.#follow(`Job ${idOf(job)}`, read, options);
  }

  /** The job's states as they change, up to its end; a broken connection is resumed. */
  async *stream(job: Job, options: { signal?: AbortSignal } = {}): AsyncGenerator<Result> {
    let lastId: string | undefined;
    let awaySince: number | undefined;
    for (;;) {
      try {
        const response = await this.#send("GET", `/v1/studio/result/${idOf(job)}/stream`, {
          headers: { Accept: "text/event-stream", ...(lastId === undefined ? {} : { "Last-Event-ID": lastId }) },
          signal: options.signal,
        });
        if (response.status === 204 || response.body === null) return;
        for await (const event of eventsOf(response.body)) {
          awaySince = undefined;
          lastId = event.id || lastId;
          const result = JSON.parse(event.data) as Result;
          yield result;
          if (hasEnded(result)) return;
        }
      } catch (error) {
        if (options.signal?.aborted) throw error;
        awaySince ??= Date.now();
        const lasting = error instanceof LensoraError && !error.retryable;
        if (lasting || Date.now() - awaySince > PATIENCE_MS) throw error;
      }
      await pause(1_000, options.signal);
    }
  }

  /** The jobs of this key, newest first. */
  async jobs(options: { status?: JobStatus; cursor?: string; limit?: number } = {}): Promise<JobPage> {
    return this.#json<JobPage>("GET", `/v1/studio/jobs${queryOf(options)}`, {});
  }

  /** Balance and limits. */
  async account(): Promise<Account> {
    return this.#json<Account>("GET", "/v1/account", {});
  }

  /** Movements of credits, newest first. */
  async ledger(options: { cursor?: string; limit?: number } = {}): Promise<LedgerPage> {
    return this.#json<LedgerPage>("GET", `/v1/account/ledger${queryOf(options)}`, {});
  }

  /** The secret that signs this account's webhooks. */
  async webhookSecret(): Promise<string> {
    return (await this.#json<{ secret: string }>("GET", "/v1/account/webhook-secret", {})).secret;
  }

  /** A new secret; the one before goes on signing beside it for a day. Sent once: a second rotation ends what receivers know. */
  async rotateWebhookSecret(): Promise<string> {
    const answer = await this.#send("POST", "/v1/account/webhook-secret/rotate", {});
    return (await this.#read<{ secret: string }>(answer)).secret;
  }

  /** Save every file of a finished job. Node only. Answers their paths by `mp4`, `glb`, `scene`, `removed_bg`, ... */
  async download(result: Result, folder: string): Promise<Record<string, string>> {
    if (!result.output) throw new TypeError("The job has no output: it has not completed.");
    const { mkdir } = await import("node:fs/promises");
    const { join } = await import("node:path");
    await mkdir(folder, { recursive: true });
    const paths: Record<string, string> = {};
    for (const [field, url] of Object.entries(result.output)) {
      if (typeof url !== "string" || !field.endsWith("_url")) continue;
      const name = field.replace(/_url$/, "");
      const path = join(folder, fileNameOf(url, name));
      await this.#save(url, path);
      paths[name] = path;
    }
    return paths;
  }

  async #follow<T extends { status: JobStatus }>(
    name: string,
    read: (waitS: number | undefined, moment: number | undefined) => Promise<T>,
    options: { onProgress?: (state: T) => void; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<T> {
    const started = Date.now();
    let shown: string | undefined;
    let awaySince: number | undefined;
    for (;;) {
      const leftS = options.timeoutMs === undefined ? HOLD_S : (options.timeoutMs - (Date.now() - started)) / 1000;
      let now: T;
      try {
        const holdS = shown === undefined ? undefined : Math.max(1, Math.min(HOLD_S, Math.round(leftS)));
        const moment = options.timeoutMs === undefined ? undefined : Date.now() + Math.max(0, leftS) * 1_000 + HELD_OVER_MS;
        now = await read(holdS, moment);
        awaySince = undefined;
      } catch (error) {
        awaySince ??= Date.now();
        const over = options.timeoutMs !== undefined && Date.now() - started >= options.timeoutMs;
        const lasting = !(error instanceof LensoraError) || !error.retryable || over || Date.now() - awaySince > PATIENCE_MS;
        if (lasting) throw error;
        await pause(1_000, options.signal);
        continue;
      }
      const state = JSON.stringify(now);
      if (state !== shown) options.onProgress?.(now);
      shown = state;
      if (hasEnded(now)) return now;
      if (options.timeoutMs !== undefined && Date.now() - started >= options.timeoutMs) {
        throw new LensoraError(`${name} is still ${now.status}.`, "deadline_exceeded", 0);
      }
    }
  }

  async #post<T>(path: string, body: unknown, options: CallOptions, idempotent = true): Promise<T> {
    const headers: Record<string, string> = idempotent ? once(options.idempotencyKey) : {};
    if (body instanceof FormData) return this.#json<T>("POST", path, { headers, body, signal: options.signal });
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    return this.#json<T>("POST", path, { headers, body: text, signal: options.signal });
  }

  async #json<T>(method: string, path: string, init: Sent): Promise<T> {
    const ask = async (signal: AbortSignal | undefined) =>
      this.#read<T>(await this.#send(method, path, { ...init, signal }), signal);
    const over = () => this.#unreachable(undefined);
    return this.#again(() => until(init.moment, init.signal, over, ask), init.signal, init.moment);
  }

  /** A repeat that finds nothing is the deletion whose answer was lost. */
  async #delete(path: string, signal?: AbortSignal): Promise<void> {
    let lost = false;
    return this.#again(async () => {
      try {
        await this.#send("DELETE", path, { signal });
      } catch (error) {
        if (lost && error instanceof LensoraError && error.status === 404) return;
        lost = error instanceof LensoraError && error.code === "unreachable";
        throw error;
      }
    }, signal);
  }

  async #save(url: string, path: string): Promise<void> {
    return this.#again(async () => {
      const response = await this.#reached(() => this.#fetch(url));
      if (!response.ok) throw await errorOf(response);
      await save(response, path, (cause) => this.#unreachable(cause));
    });
  }

  /** Nothing is tried again, and no pause begun, that would end after the moment. */
  async #again<T>(call: () => Promise<T>, signal?: AbortSignal, moment = Infinity): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof LensoraError) || !error.retryable || attempt >= MAX_TRIES) throw error;
        if (error.retryAfterS !== undefined && error.retryAfterS > LONGEST_PAUSE_S) throw error;
        const own = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
        const ms = error.retryAfterS === undefined ? own : error.retryAfterS * 1_000;
        if (Date.now() + ms >= moment) throw error;
        await pause(ms, signal);
      }
    }
  }

  async #send(method: string, path: string, init: Sent): Promise<Response> {
    const sent = () =>
      this.#fetch(`${this.#baseUrl}${path}`, {
        method,
        headers: { Authorization: `Bearer ${this.#apiKey}`, ...init.headers },
        ...(init.body === undefined ? {} : { body: init.body }),
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      });
    const response = await this.#reached(sent, init.signal);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /** The JSON of an answer, which may break off in its middle. */
  async #read<T>(response: Response, signal?: AbortSignal): Promise<T> {
    const text = await this.#reached(() => response.text(), signal);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new LensoraError("The server's answer is not JSON.", "internal", response.status, undefined, undefined, error);
    }
  }

  async #reached<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw signal?.aborted ? error : this.#unreachable(error);
    }
  }

  #unreachable(cause: unknown): LensoraError {
    return new LensoraError(`${this.#baseUrl} does not answer.`, "unreachable", 0, undefined, undefined, cause);
  }
}

interface Sent {
  headers?: Record<string, string>;
  body?: string | FormData | undefined;
  signal?: AbortSignal | undefined;
  /** Of `Date.now()`: the answer is not waited for longer, nor asked for again. */
  moment?: number | undefined;
}

function sessionPath(session: string | { session_id: string }): string {
  return `/v1/studio/sessions/${segment("session_id", typeof session === "string" ? session : session.session_id)}`;
}

function viewsPath(session: string | { session_id: string }): string {
  return `${sessionPath(session)}/views`;
}

function idOf(job: Job): string {
  return segment("job_id", typeof job === "string" ? job : job.job_id);
}

function preference(waitS: number | undefined): Record<string, string> {
  return waitS === undefined ? {} : { Prefer: `wait=${waitS}` };
}

function queryOf(options: Record<string, string | number | undefined>): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

async function blobOf(photo: Photo): Promise<Blob> {
  if (photo instanceof Blob) return photo;
  if (typeof photo !== "string") return new Blob([photo as BlobPart]);
  const { readFile } = await import("node:fs/promises");
  return new Blob([await readFile(photo)]);
}

function nameOf(photo: Photo): string {
  if (typeof photo === "string") return photo.split(/[\\/]/).pop() ?? "photo";
  return typeof File !== "undefined" && photo instanceof File ? photo.name : "photo";
}
