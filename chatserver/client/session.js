/** Who is signed in in this tab: a token from a link, from the development issuer or from Supabase, renewed in time. */

import { tab } from "./kept.js";

const TOKEN = "token";
const REFRESH = "refresh_token";
const UNTIL = "token_until";
const RENEW_BEFORE_MS = 60_000;
const RENEW_RETRY_MS = 10_000;
const TIMEOUT_MS = 20_000;
const TIMER_MOST_MS = 2 ** 31 - 1;

/** @typedef {{kind: "development"} | {kind: "supabase", url: string, publishable_key: string | null}} SignInConfig */

/** The sign-in was refused; the message says why. */
export class SignInRefused extends Error {}

export class Session {
  /** @param {SignInConfig} config @param {import("./kept.js").Kept} storage */
  constructor(config, storage = tab) {
    this.config = config;
    this.storage = storage;
    /** @type {(token: string) => void} */
    this.onRenewed = () => {};
    this.timer = 0;
    /** @type {Promise<string | null> | null} */
    this.renewing = null;
    this.takeFromLink();
    this.plan();
  }

  /** A link's token is for this tab alone, and must not stay in the address or the history. */
  takeFromLink() {
    const linked = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!linked) return;
    this.keep(linked, null, expiry(linked));
    history.replaceState(null, "", location.pathname + location.search);
  }

  /** @returns {string | null} */
  get token() {
    return this.storage.getItem(TOKEN);
  }

  /** The user's id as the token bears it; what is kept in the tab is kept under it. */
  get subject() {
    return String(claims(this.token).sub ?? "nobody");
  }

  /** Epoch milliseconds by this machine's clock, which may be wrong. */
  get until() {
    return Number(this.storage.getItem(UNTIL) ?? expiry(this.token));
  }

  /** A token to use now; null where somebody has to sign in. @param {boolean} renew the last one was refused */
  async current(renew = false) {
    const token = this.token;
    if (!token) return null;
    if (renew || this.until <= Date.now()) return this.renew();
    return token;
  }

  /** @param {string} email @param {string} password unused by the development issuer */
  async signIn(email, password) {
    if (this.config.kind === "development") {
      const given = await posted("/auth/dev", { email });
      this.keep(given.token, null, untilOf(given.token));
    } else {
      await this.ask("password", { email, password });
    }
    this.plan();
  }

  signOut() {
    clearTimeout(this.timer);
    this.storage.clear();
  }

  /** The token's end is known, so it is renewed before. */
  plan() {
    clearTimeout(this.timer);
    if (!this.storage.getItem(REFRESH) || !this.token) return;
    const pause = Math.max(RENEW_RETRY_MS, this.until - Date.now() - RENEW_BEFORE_MS);
    this.timer = setTimeout(() => this.renew().catch(() => this.plan()), Math.min(pause, TIMER_MOST_MS));
  }

  /** One renewal at a time: a refresh token serves once. @returns {Promise<string | null>} */
  renew() {
    this.renewing ??= this.renewOnce().finally(() => (this.renewing = null));
    return this.renewing;
  }

  async renewOnce() {
    const refresh = this.storage.getItem(REFRESH);
    if (!refresh || this.config.kind !== "supabase") return null;
    try {
      await this.ask("refresh_token", { refresh_token: refresh });
    } catch (error) {
      if (!(error instanceof SignInRefused)) throw error;
      this.storage.removeItem(REFRESH);
      return null;
    }
    this.plan();
    const token = /** @type {string} */ (this.token);
    this.onRenewed(token);
    return token;
  }

  /** @param {string} grant @param {object} body */
  async ask(grant, body) {
    if (this.config.kind !== "supabase") return;
    const key = this.config.publishable_key;
    if (!key) throw new SignInRefused("Sign-in by e-mail is not set up here; ask the operator for a link.");
    const url = `${this.config.url.replace(/\/$/, "")}/auth/v1/token?grant_type=${grant}`;
    const given = await posted(url, body, { apikey: key });
    this.keep(given.access_token, given.refresh_token, untilOf(given.access_token));
  }

  /** @param {string} token @param {string | null} refresh @param {number} until epoch milliseconds */
  keep(token, refresh, until) {
    // Another user's unsent messages and drafts stay out of this one's tab.
    if (this.token && claims(this.token).sub !== claims(token).sub) this.storage.clear();
    this.storage.setItem(TOKEN, token);
    this.storage.setItem(UNTIL, String(until));
    if (refresh) this.storage.setItem(REFRESH, refresh);
    else this.storage.removeItem(REFRESH);
  }
}

/** What a token says of itself; unverified, so only good for keeping time and things apart.
 * @param {string | null} token @returns {{sub?: string, exp?: number, iat?: number}} */
function claims(token) {
  try {
    const part = (token ?? "").split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(part));
  } catch {
    return {};
  }
}

/** Of a token that was issued this moment: it lives as long as it says, whatever the clock of this machine shows.
 * @param {string} token @returns {number} epoch milliseconds */
function untilOf(token) {
  const { exp, iat } = claims(token);
  return typeof exp === "number" && typeof iat === "number" ? Date.now() + (exp - iat) * 1000 : expiry(token);
}

/** @param {string | null} token epoch milliseconds */
function expiry(token) {
  const end = claims(token).exp;
  return typeof end === "number" ? end * 1000 : Infinity;
}

/** @param {string} url @param {object} body @param {Record<string, string>} [headers] @returns {Promise<any>} */
async function posted(url, body, headers = {}) {
  const answer = await fetch(url, {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new Error("The sign-in service cannot be reached; check your connection and try again.");
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  const why = said.detail ?? said.error_description ?? said.msg ?? said.message;
  if (answer.status < 500 && answer.status !== 429) {
    throw new SignInRefused(String(why ?? "The sign-in was refused; check what you entered."));
  }
  throw new Error(String(why ?? "The sign-in service does not answer; try again in a moment."));
}
