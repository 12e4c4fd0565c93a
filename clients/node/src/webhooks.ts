import { createHmac, timingSafeEqual } from "node:crypto";

import { LensoraError } from "./errors.js";
import type { BatchEnded, JobEvent } from "./types.js";

/** Older or newer messages are refused, so that nobody can send an old one again. */
const TOLERANCE_S = 300;

export interface VerifyOptions {
  /** Unix seconds; the default is the clock's. */
  now?: number;
  /** How far the message's time may be from now. */
  toleranceS?: number;
}

/**
 * The event of a webhook that our own server signed (Standard Webhooks, version 1). An address that is told of batches too
 * asks for `verifyWebhook<JobEvent | BatchEnded>`, and looks at `type`.
 *
 * @param secret of `GET /v1/account/webhook-secret`
 * @param headers of the request, as Node's `request.headers` or as `Headers`
 * @param body the request's body as it came: not parsed and written again
 * @throws LensoraError with code `unauthorized`
 */
export function verifyWebhook<Event extends JobEvent | BatchEnded = JobEvent>(
  secret: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  body: string | Uint8Array,
  options: VerifyOptions = {},
): Event {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  if (!id || !timestamp || !signatures || !/^[0-9]{1,15}$/.test(timestamp)) {
    throw refused("The webhook lacks a header of Standard Webhooks.");
  }
  const now = options.now ?? Date.now() / 1000;
  if (Math.abs(now - Number(timestamp)) > (options.toleranceS ?? TOLERANCE_S)) {
    throw refused("The webhook's time is too far from now.");
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  // Anybody can sign with an empty one.
  if (key.length === 0) throw refused("The secret is empty.");
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes).digest();
  const fits = signatures.split(" ").some((part) => {
    const [version, signature] = part.split(",", 2);
    const given = Buffer.from(signature ?? "", "base64");
    return version === "v1" && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
  if (!fits) throw refused("The webhook's signature does not fit its body.");
  return JSON.parse(bytes.toString()) as Event;
}

function header(headers: Headers | Record<string, string | string[] | undefined>, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return Array.isArray(found) ? found[0] : found;
}

function refused(message: string): LensoraError {
  return new LensoraError(message, "unauthorized", 0);
}
