/** The line to the server: hello, requests by `ref`, resumption, backoff and the outbox. No DOM. */

import { Backoff } from "./backoff.js";
import { Delivery } from "./delivery.js";
import { LineError } from "./refusal.js";

/**
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "signed_out" | "ended"} LineState
 * @typedef {{state: LineState, retryAt: number | null, isTold: boolean, message: string | null, lost: boolean}} LineStatus
 *   `lost` says that there was a line before; `retryAt` is in epoch milliseconds, and `isTold` that the server named it.
 * @typedef {{session?: string, job?: string, new?: string}} Wish
 * @typedef {{resolve: (frame: any) => void, reject: (error: LineError) => void}} Pending
 */

const CONNECT_MS = 10_000;
const HEARTBEATS_MISSED = 2.5;
const GOING_AWAY = [1001, 1012];
const TOO_MANY = 4429;
const OUT_OF_DATE = [1002, 1009, 4400];

export class Line {
  /**
   * @param {object} options
   * @param {string} options.url
   * @param {(renew: boolean) => Promise<string | null>} options.token null where nobody is signed in
   * @param {import("./outbox.js").Outbox} options.outbox
   * @param {(frame: any) => void} options.onFrame
   * @param {(status: LineStatus) => void} options.onStatus
   */
  constructor({ url, token, outbox, onFrame, onStatus }) {
    this.url = url;
    this.token = token;
    this.outbox = outbox;
    this.delivery = new Delivery(outbox, (type, fields) => this.request(type, fields));
    this.onFrame = onFrame;
    this.onStatus = onStatus;
    /** @type {LineStatus} */
    this.status = { state: "idle", retryAt: null, isTold: false, message: null, lost: false };
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<string, Pending>} */
    this.pending = new Map();
    /** @type {Map<string, () => number | null>} */
    this.rooms = new Map();
    /** @type {Set<string>} what this very line has joined */
    this.joined = new Set();
    /** @type {{wish: Wish, after: () => number | null, pending: Pending}[]} */
    this.wishes = [];
    this.refs = 0;
    this.backoff = new Backoff();
    this.renew = false;
    this.heartbeatMs = CONNECT_MS;
    this.timer = 0;
    this.watchdog = 0;
  }

  async open() {
    clearTimeout(this.timer);
    if (this.socket || this.status.state === "connecting") return;
    this.tell("connecting");
    /** @type {string | null} */
    let token;
    try {
      token = await this.token(this.renew);
    } catch {
      return this.later("The sign-in service does not answer.");
    }
    if (!token) return this.tell("signed_out", "Sign in again to go on.");
    if (this.socket || /** @type {LineState} */ (this.status.state) !== "connecting") return;
    const socket = (this.socket = new WebSocket(this.url));
    socket.onopen = () => this.say({ type: "hello", token });
    socket.onmessage = (message) => this.hear(socket, JSON.parse(message.data));
    socket.onclose = (closed) => this.drop(socket, closed.code, closed.reason);
    this.watch(CONNECT_MS);
  }

  /** Ends the line for good; what is unsent stays in the outbox. */
  close() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.release();
    socket?.close();
    this.tell("idle");
  }

  /** The network came back, or somebody cannot wait; sooner than the server said it would refuse again. */
  nudge() {
    if (this.status.state === "waiting" && !this.status.isTold) void this.open();
  }

  /** The network went away: what the socket says of itself comes minutes late. */
  cut() {
    if (this.socket) this.drop(this.socket, 1006, "");
  }

  /** @param {string} type @param {object} [fields] @returns {Promise<any>} rejects with a `LineError` */
  request(type, fields = {}) {
    if (this.status.state !== "open") {
      return Promise.reject(new LineError("line_lost", "There is no connection just now; try again in a moment."));
    }
    return new Promise((resolve, reject) => this.ask(type, fields, { resolve, reject }));
  }

  /** Without waiting for an answer; lost where there is no line. @param {string} type @param {object} fields */
  mention(type, fields) {
    if (this.status.state === "open") this.say({ type, ...fields });
  }

  /** Joins now or as soon as there is a line, and again on every new line.
   * @param {Wish} wish @param {() => number | null} after the last `seq` that is known
   * @returns {Promise<any>} the `joined` frame */
  join(wish, after) {
    return new Promise((resolve, reject) => {
      this.wishes.push({ wish, after, pending: { resolve, reject } });
      if (this.status.state === "open") this.rejoin();
    });
  }

  /** Text was missed: joining once more brings it. @param {string} session */
  catchUp(session) {
    if (this.rooms.has(session) && this.joined.delete(session)) this.rejoin();
  }

  /** @param {string} session */
  leave(session) {
    this.joined.delete(session);
    if (this.rooms.delete(session)) this.mention("leave", { session });
  }

  /** Leaves every session but this one. @param {string} session */
  keepOnly(session) {
    for (const other of [...this.rooms.keys()]) if (other !== session) this.leave(other);
  }

  /** @param {string} session @param {string} content */
  post(session, content) {
    const unsent = this.outbox.add(session, content);
    void this.delivery.flush(session);
    return unsent;
  }

  /** The connection lives on under a renewed token. @param {string} token */
  renewed(token) {
    this.request("auth", { token }).catch(() => {});
  }

  /** @param {string} type @param {object} fields @param {Pending} pending */
  ask(type, fields, pending) {
    const ref = `r${(this.refs += 1)}`;
    this.pending.set(ref, pending);
    this.say({ type, ref, ...fields });
  }

  /** @param {object} frame */
  say(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** @param {WebSocket} socket @param {any} frame */
  hear(socket, frame) {
    if (socket !== this.socket) return;
    this.watch(this.heartbeatMs);
    if (frame.type === "welcome") {
      this.renew = false;
      this.heartbeatMs = frame.heartbeat_seconds * 1000 * HEARTBEATS_MISSED;
      this.watch(this.heartbeatMs);
      this.tell("open");
    } else if (frame.type === "reconnect") {
      this.backoff.asked = frame.after_ms;
    } else if (frame.type === "error" && frame.retry_after !== undefined && !frame.ref) {
      this.backoff.asked = frame.retry_after * 1000;
    } else if (frame.type === "heartbeat") this.backoff.settle();
    const pending = this.pending.get(frame.ref);
    this.pending.delete(frame.ref);
    if (frame.type === "error" && pending) {
      pending.reject(new LineError(frame.code, frame.message, frame.retry_after));
    } else {
      if (frame.type === "error" && this.status.state === "connecting") this.status.message = frame.message;
      this.onFrame(frame);
      pending?.resolve(frame);
    }
    if (frame.type !== "welcome") return;
    this.rejoin();
    this.delivery.all();
  }

  rejoin() {
    const wishes = this.wishes.splice(0);
    for (const [session, after] of this.rooms) {
      if (this.joined.has(session)) continue;
      const pending = { resolve: () => {}, reject: (/** @type {LineError} */ error) => this.lose(session, error) };
      wishes.push({ wish: { session }, after, pending });
    }
    for (const { wish, after, pending } of wishes) this.enter(wish, after, pending);
  }

  /** A room that could not be entered again: asked for later, or given up where the answer is final.
   * @param {string} session @param {LineError} error */
  lose(session, error) {
    this.joined.delete(session);
    if (!error.isPassing) this.rooms.delete(session);
    else setTimeout(() => this.status.state === "open" && this.rejoin(), error.pauseMs);
  }

  /** @param {Wish} wish @param {() => number | null} after @param {Pending} pending */
  enter(wish, after, pending) {
    const session = wish.session;
    if (session) this.joined.add(session);
    const seq = after();
    this.ask("join", seq === null ? wish : { ...wish, after: seq }, {
      resolve: (frame) => {
        // Left before it was entered: the server has not heard of that yet.
        if (session && !this.joined.has(session)) {
          this.mention("leave", { session });
          return pending.resolve(frame);
        }
        this.joined.add(frame.session.id);
        this.rooms.set(frame.session.id, after);
        pending.resolve(frame);
        void this.delivery.flush(frame.session.id);
      },
      reject: (error) => {
        if (session) this.joined.delete(session);
        if (error.code !== "line_lost") pending.reject(error);
        else if (!session || !this.rooms.has(session)) this.wishes.push({ wish, after, pending });
      },
    });
  }

  /** @param {number} quietMs */
  watch(quietMs) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.cut(), quietMs);
  }

  release() {
    clearTimeout(this.watchdog);
    if (this.socket) this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket = null;
    this.joined.clear();
    const pending = [...this.pending.values()];
    this.pending.clear();
    for (const one of pending) one.reject(new LineError("line_lost", "The connection was lost; try again."));
  }

  /** @param {WebSocket} socket @param {number} code @param {string} reason */
  drop(socket, code, reason) {
    if (socket !== this.socket) return;
    const said = this.status.message;
    const opened = this.status.state === "open";
    // The state changes first: what is rejected below must not be asked again on a dead line.
    this.status = { ...this.status, state: "waiting" };
    this.release();
    socket.close();
    if (code === 4403) return this.tell("ended", reason || said || "You may not be here any more.");
    if (OUT_OF_DATE.includes(code)) return this.tell("ended", "This page is out of date; reload it.");
    // A refusal that ended nothing may have named a pause, too; it is none for a line that is lost.
    if (code !== TOO_MANY && !GOING_AWAY.includes(code)) this.backoff.asked = null;
    if (code === 4401) {
      if (this.renew) return this.tell("signed_out", reason || said || "Sign in again to go on.");
      this.renew = true;
      this.backoff.asked = 0;
    }
    this.later(said, GOING_AWAY.includes(code) && opened);
  }

  /** @param {string | null} message @param {boolean} [isMoving] */
  later(message, isMoving = false) {
    const isTold = Boolean(this.backoff.asked);
    const pause = this.backoff.next(isMoving);
    this.tell("waiting", message, { retryAt: Date.now() + pause, isTold });
    this.timer = setTimeout(() => void this.open(), pause);
  }

  /** @param {LineState} state @param {string | null} [message] @param {{retryAt?: number | null, isTold?: boolean}} [when] */
  tell(state, message = null, { retryAt = null, isTold = false } = {}) {
    const lost = state !== "open" && state !== "idle" && (this.status.lost || this.backoff.attempts > 0);
    this.status = { state, message, retryAt, isTold, lost };
    this.onStatus(this.status);
  }
}
