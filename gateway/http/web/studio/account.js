// Whose key this page uses, what it may spend, and who may ask for another one.

import { createContext, html, useCallback, useContext, useEffect, useMemo, useState } from "/web/vendor/preact.js";
import { Api } from "./api.js";
import { useConnection } from "./connection.js";
import { rememberKey, rememberedKey } from "./memory.js";

/** @typedef {import("./types.js").Account} Account */

/**
 * @typedef {object} Owner
 * @property {Api | null} api null while there is no key
 * @property {Account | null} account null until it is read
 * @property {string} refused why the key is not taken; empty while it is
 * @property {(key: string) => Promise<void>} use raises what is wrong with a key
 * @property {() => void} forget
 * @property {() => Promise<void>} refresh
 * @property {(error: unknown) => void} check looks whether an error means that the key is not taken
 */

const Context = createContext(/** @type {Owner | null} */ (null));

/** @returns {Owner} */
export function useOwner() {
  return /** @type {Owner} */ (useContext(Context));
}

/** @param {{ children?: any }} properties */
export function OwnerProvider({ children }) {
  const [key, setKey] = useState(rememberedKey);
  const [account, setAccount] = useState(/** @type {Account | null} */ (null));
  const [refused, setRefused] = useState("");
  const { epoch } = useConnection();
  const api = useMemo(() => (key ? new Api(key) : null), [key]);

  const check = useCallback((/** @type {any} */ error) => {
    if (error && error.code === "unauthorized") setRefused("This key is unknown or has been revoked.");
  }, []);
  const refresh = useCallback(async () => {
    if (!api) return;
    try {
      setAccount(await api.account());
      setRefused("");
    } catch (error) {
      check(error);
    }
  }, [api, check]);
  const use = useCallback(async (/** @type {string} */ given) => {
    const answer = await new Api(given).account();
    rememberKey(given);
    setRefused("");
    setAccount(answer);
    setKey(given);
  }, []);
  const forget = useCallback(() => {
    rememberKey("");
    setAccount(null);
    setRefused("");
    setKey("");
  }, []);

  useEffect(() => {
    refresh();
  }, [refresh, epoch]);

  const owner = { api: refused ? null : api, account, refused, use, forget, refresh, check };
  return html`<${Context.Provider} value=${owner}>${children}<//>`;
}
