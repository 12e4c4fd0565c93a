// An answer that is no success, and when the same may be asked again.

import { whenBack } from "./connection.js";

/** A plain word at the beginning gets its capital; the name of a field with a dot keeps its own. @param {string} text */
const sentence = (text) => (/^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text);

/** An answer that is no success: `code` for programs, `message` for people. */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP; 0 where nothing answered
   * @param {{ detail?: string, title?: string, code?: string, request_id?: string }} body
   */
  constructor(status, body) {
    super(sentence(body.detail || body.title || `The server answered with status ${status}.`));
    this.status = status;
    this.code = body.code || "";
    this.requestId = body.request_id || "";
  }

  /** Whether the file that was sent is at fault: sent again, it is refused again. */
  get ofFile() {
    return this.code === "invalid_image" || this.code === "invalid_request";
  }

  /** Whether the same call may succeed a little later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Resolves when what had no success may be tried again: at once after a server that was away, which is asked for all the
 * time, else a while later.
 *
 * @param {unknown} problem
 * @param {number} ms
 */
export async function again(problem, ms) {
  await whenBack();
  if (!(problem instanceof Problem) || problem.status) await pause(ms);
}
