// The operator's calls. The token stays in this tab: it is gone when the tab is closed.

import { Problem } from "../studio/problem.js";

const TOKEN = "lensora-admin-token";

/** @typedef {{ account_id: string, name: string, balance: number, frozen: boolean, created_ms: number, limits: Record<string, number> }} Account */
/** @typedef {{ key_id: string, name: string, hint: string, test: boolean, created_ms: number, revoked_ms: number }} Key */
/** @typedef {{ entry_id: string, kind: string, amount: number, balance: number, reference: string, memo: string, at_ms: number }} Entry */
/** @typedef {{ day: string, charged: number, refunded: number, granted: number, charges: number, refunds: number }} Day */
/**
 * @typedef {{ job_id: string, account_id: string, key_id: string, status: string, step: string, progress: number, price: number,
 *   refunded: number, attempts: number, created_ms: number, started_ms: number, ended_ms: number,
 *   error_message: string, error_code: string, error_stage: string }} Row
 */
/** @typedef {{ waiting: number, running: number, oldest_ms: number, median_s: number, accounts: { account_id: string, waiting: number, running: number }[] }} Queue */
/** @typedef {{ account: Account, keys: Key[], ledger: Entry[], usage: { days: Day[], whole: boolean } }} Detail */

export const rememberedToken = () => sessionStorage.getItem(TOKEN) || "";

/** @param {string} token */
export function rememberToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export class Api {
  /** @param {string} token */
  constructor(token) {
    this.token = token;
  }

  /**
   * @param {string} path
   * @param {unknown} [value] posted where it is given
   * @returns {Promise<any>}
   */
  async call(path, value) {
    const posted = value === undefined ? {} : { method: "POST", body: JSON.stringify(value) };
    let response;
    try {
      response = await fetch(`/admin/api/${path}`, { ...posted, headers: { Authorization: `Bearer ${this.token}` } });
    } catch {
      throw new Problem(0, { detail: "The server does not answer.", code: "unreachable" });
    }
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response.json();
  }
}
