/** The conversations that an admin has open at once: each folded on its own, with what came while it was not looked at. */

import { empty, reduce } from "./state.js";

export const OPEN_MAX = 8;

/** @typedef {import("./state.js").State} State @typedef {{state: State, news: number}} Open */

export class Desk {
  /** @param {import("./kept.js").Kept} storage outlives a reload, not the tab @param {string} me */
  constructor(storage, me) {
    this.storage = storage;
    this.me = me;
    /** @type {Map<string, Open>} in the order in which they were opened */
    this.open = new Map();
    this.current = "";
  }

  /** @returns {State} */
  get state() {
    return this.open.get(this.current)?.state ?? empty();
  }

  /** Turns to a session, which is open from now on. @param {string} session
   * @returns {string | null} the one that had to make room: the oldest that is not held, else the oldest */
  turnTo(session) {
    this.current = session;
    const there = this.open.get(session);
    if (there) {
      there.news = 0;
      return null;
    }
    const crowded = this.open.size >= OPEN_MAX ? this.spare() : null;
    if (crowded) this.open.delete(crowded);
    this.open.set(session, { state: empty(), news: 0 });
    return crowded;
  }

  spare() {
    const all = [...this.open];
    return (all.find(([, { state }]) => !isHeld(state, this.me)) ?? all[0])[0];
  }

  /** The sessions that are held, the one that is looked at among them. @returns {string[]} */
  held() {
    return [...this.open].filter(([, { state }]) => isHeld(state, this.me)).map(([session]) => session);
  }

  /** @param {string} session @returns {string} the one to turn to, "" where none is open */
  close(session) {
    const order = [...this.open.keys()];
    const place = order.indexOf(session);
    this.open.delete(session);
    if (this.current !== session) return this.current;
    return order[place + 1] ?? order[place - 1] ?? "";
  }

  remember() {
    this.storage.setItem(`open:${this.me}`, [...this.open.keys()].join(" "));
  }

  /** @returns {string[]} what was open before a reload, in its order */
  remembered() {
    return this.storage.getItem(`open:${this.me}`)?.split(" ").filter(Boolean) ?? [];
  }

  /** @param {string} session @returns {number | null} */
  seq(session) {
    const there = this.open.get(session);
    return there?.state.session ? there.state.seq : null;
  }

  /** @param {any} frame @returns {string | null} the session that it changed */
  hear(frame) {
    const session = frame.type === "joined" ? frame.session.id : frame.session;
    const there = this.open.get(session);
    if (!there) return null;
    const before = there.state;
    there.state = reduce(before, frame);
    if (there.state === before) return null;
    if (session !== this.current && before.session && isNews(frame)) there.news += 1;
    return session;
  }
}

/** @param {State} state @param {string} me */
export function isHeld(state, me) {
  return state.session?.status === "active_human" && state.session.admin?.id === me;
}

/** @param {any} frame */
function isNews(frame) {
  return frame.type === "message" && frame.role === "user";
}
