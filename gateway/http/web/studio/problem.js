// An answer that is no success, and when the same may be asked again.

import { whenBack } from "./connection.js";

/** A plain word at the beginning gets its capital; the name of a field with a dot keeps its own. @param {string} text */
const sentence = (text) => (/^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text);

/**
 * What the API says to a program, as the studio says it to a person: code, what is replaced, and what by.
 *
 * @type {[string, RegExp, string][]}
 */
const SAID = [
  ["session_not_found", /^.+$/s, "This photo is no longer kept: choose it again."],
  ["cutout_not_found", /^.+$/s, "This cutout is no longer kept: make another one by a box or points."],
  ["too_many_views", /^This session/, "This photo"],
  [
    "subject_unlike",
    /^view (?:front|back) .+$/s,
    "From that side the thing would be about as wide and high as in your photo, and here it is not. Turn this photo upright, choose another side, or draw the box around the thing first.",
  ],
  ["insufficient_credits", /; \/\w+ needs/, "; this needs"],
  ["invalid_background", /^background\.backplate_id .+$/s, "The picture for the background is no longer kept: upload it again."],
  ["invalid_request", /^brand ['"](.*)['"] is not saved .+$/s, "The brand “$1” has been deleted: choose another one, or none."],
  ["idempotency_in_progress", /^.+$/s, "The same is still being worked on: try again in a few seconds."],
];

/** @param {string} code @param {string} detail */
function inOurWords(code, detail) {
  const found = SAID.find(([of, pattern]) => of === code && pattern.test(detail));
  return found ? detail.replace(found[1], found[2]) : detail;
}

/** An answer that is no success: `code` for programs, `message` for people. */
export class Problem extends Error {
  /**
   * @param {number} status of HTTP; 0 where nothing answered
   * @param {{ detail?: string, title?: string, code?: string, request_id?: string }} body
   */
  constructor(status, body) {
    super(sentence(inOurWords(body.code || "", body.detail || "") || body.title || `The server answered with status ${status}.`));
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
