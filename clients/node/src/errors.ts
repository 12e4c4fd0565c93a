import type { Problem } from "./types.js";

/** An answer that is not a success, or none at all. Programs branch on `code`. */
export class LensoraError extends Error {
  /** Stable, such as `insufficient_credits`; `unreachable` where no answer came. */
  readonly code: string;
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /** Name it when you ask for help. */
  readonly requestId: string | undefined;
  /** Seconds after which a retry makes sense, where the server says so. */
  readonly retryAfterS: number | undefined;

  constructor(message: string, code: string, status: number, requestId?: string, retryAfterS?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "LensoraError";
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfterS = retryAfterS;
  }

  /** True when the same call may succeed later. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502 || this.code === "idempotency_in_progress";
  }
}

/** The error of an answer. */
export async function errorOf(response: Response): Promise<LensoraError> {
  const problem = await problemOf(response);
  const retryAfter = Number(response.headers.get("retry-after") ?? NaN);
  return new LensoraError(
    problem?.detail ?? `The server answered with status ${response.status}.`,
    problem?.code ?? (response.status >= 502 ? "unavailable" : "internal"),
    response.status,
    problem?.request_id ?? response.headers.get("x-request-id") ?? undefined,
    Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined,
  );
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  const text = await response.text().catch(() => ""); // an answer that breaks off still has its status
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return undefined;
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return undefined;
  }
}
