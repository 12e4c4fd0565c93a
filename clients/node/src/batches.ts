import { segment } from "./checks.js";
import type { CallOptions } from "./client.js";
import type {
  Batch,
  BatchCancellation,
  BatchPage,
  BatchQuote,
  BatchQuoteRequest,
  BatchRequest,
  BatchTicket,
  JobStatus,
} from "./types.js";

/** A batch, by its id, its ticket or one of its states. */
export type AnyBatch = string | Pick<Batch, "batch_id">;

/** What a client lends its batches: requests, the wait for a state's end, and files. */
export interface Calls {
  post<T>(path: string, body: unknown, options: CallOptions, idempotent: boolean): Promise<T>;
  get<T>(
    path: string,
    options: { waitS?: number | undefined; signal?: AbortSignal | undefined; moment?: number | undefined },
  ): Promise<T>;
  remove(path: string): Promise<void>;
  follow<T extends { status: JobStatus }>(
    name: string,
    read: (waitS: number | undefined, moment: number | undefined) => Promise<T>,
    options: { onProgress?: (state: T) => void; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<T>;
  save(url: string, path: string): Promise<void>;
}

const PATH = "/v1/studio/batches";

/** Films of many photos at once: ordered, followed, and taken as one archive. */
export class Batches {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Order a film of each item, at most 200. All are charged at once; each price comes back if its film fails. */
  async create(request: BatchRequest, options: CallOptions = {}): Promise<BatchTicket> {
    return this.#calls.post<BatchTicket>(PATH, request, options, true);
  }

  /** What a batch would cost; with `photos`, their number, before anything is uploaded. Free. */
  async quote(request: BatchQuoteRequest, options: Pick<CallOptions, "signal"> = {}): Promise<BatchQuote> {
    return this.#calls.post<BatchQuote>("/v1/studio/quote/batch", request, options, false);
  }

  /** Its state; with `waitS` (1 to 60) the server answers when a film has ended or the time is over. */
  async get(batch: AnyBatch, options: { waitS?: number; signal?: AbortSignal } = {}): Promise<Batch> {
    return this.#calls.get<Batch>(pathOf(batch), options);
  }

  /** The batches of this key, newest first, without their items. */
  async list(options: { cursor?: string; limit?: number } = {}): Promise<BatchPage> {
    const given = Object.entries(options).map(([name, value]) => [name, String(value)]);
    return this.#calls.get<BatchPage>(given.length ? `${PATH}?${new URLSearchParams(given)}` : PATH, {});
  }

  /** Wait until every film has ended. A server that is away for a minute is waited for. */
  async wait(
    batch: AnyBatch,
    options: { onProgress?: (state: Batch) => void; timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<Batch> {
    const read = (waitS: number | undefined, moment: number | undefined) =>
      this.#calls.get<Batch>(pathOf(batch), { waitS, signal: options.signal, moment });
    return this.#calls.follow(`Batch ${idOf(batch)}`, read, options);
  }

  /** Stop every film that has not ended, and get their credits back. */
  async cancel(batch: AnyBatch, options: Pick<CallOptions, "signal"> = {}): Promise<BatchCancellation> {
    return this.#calls.post<BatchCancellation>(`${pathOf(batch)}/cancel`, undefined, options, false);
  }

  /** Delete a batch that has ended, with all its films. */
  async delete(batch: AnyBatch): Promise<void> {
    return this.#calls.remove(pathOf(batch));
  }

  /** Save every film that is ready as one ZIP. Node only. Answers the path. */
  async archive(batch: AnyBatch, path: string): Promise<string> {
    await this.#calls.save((await this.get(batch)).archive_url, path);
    return path;
  }
}

function pathOf(batch: AnyBatch): string {
  return `${PATH}/${segment("batch_id", idOf(batch))}`;
}

function idOf(batch: AnyBatch): string {
  return typeof batch === "string" ? batch : batch.batch_id;
}
