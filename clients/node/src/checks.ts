/** What no request can hold is refused before one is sent. */
import { randomUUID } from "node:crypto";

import { LensoraError } from "./errors.js";

const MAX_KEY_CHARACTERS = 255;

/** A base URL as requests begin with it. */
export function baseOf(given: string): string {
  const base = given.trim().replace(/\/+$/, "");
  try {
    if (/^https?:\/\/[^\s?#]+$/i.test(base) && new URL(base).host) return base;
  } catch {
    // Nor can it be asked.
  }
  const wanted = "http:// or https:// with a host, such as http://127.0.0.1:8000";
  throw new TypeError(`baseUrl must be ${wanted}, not ${JSON.stringify(given)}.`);
}

/** An API key without the white space that files and variables put around it; one that is none is not told. */
export function apiKeyOf(given: string): string {
  const key = given.trim();
  if (/^[!-~]+$/.test(key)) return key;
  throw new LensoraError("The API key is empty, or has a character that no key has.", "unauthorized", 401);
}

/** The header by which a repeat is known; a key of our own where the caller has none. */
export function once(idempotencyKey: string | undefined): Record<string, string> {
  const key = idempotencyKey ?? randomUUID();
  if (key.length > MAX_KEY_CHARACTERS || !/^[ -~]+$/.test(key)) {
    const shown = key.length > MAX_KEY_CHARACTERS ? String(key.length) : JSON.stringify(key);
    const wanted = `1 to ${MAX_KEY_CHARACTERS} printable ASCII characters`;
    throw new LensoraError(`idempotencyKey must have ${wanted}, not ${shown}.`, "invalid_request", 400);
  }
  return { "Idempotency-Key": key };
}

/** A name or an id as one segment of a path. */
export function segment(field: string, text: string): string {
  if (!["", ".", ".."].includes(text)) return encodeURIComponent(text);
  throw new LensoraError(`${field} must be a name or an id, not ${JSON.stringify(text)}.`, "invalid_request", 400);
}
