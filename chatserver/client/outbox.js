/** Messages that were written and not yet confirmed, under ids of their own, kept so that a reload loses none. */

/** @typedef {{session: string, id: string, content: string, at: string, failed?: string, held?: string}} Unsent
 *   `failed` and `held` say why: the one is not sent again by itself, the other is. */

export class Outbox {
  /**
   * @param {Pick<Storage, "getItem" | "setItem">} storage
   * @param {string} key differs between users: nobody's words are ever sent in another one's name
   */
  constructor(storage, key) {
    this.storage = storage;
    this.key = key;
    /** @type {() => void} */
    this.onChange = () => {};
    /** @type {Unsent[]} */
    this.items = read(storage, key);
  }

  /** @param {string} session */
  of(session) {
    return this.items.filter((one) => one.session === session);
  }

  /** The one to be sent next. @param {string} session @returns {Unsent | undefined} */
  next(session) {
    return this.items.find((one) => one.session === session && !one.failed);
  }

  /** @param {string} session @param {string} content @returns {Unsent} */
  add(session, content) {
    const unsent = { session, id: crypto.randomUUID(), content, at: new Date().toISOString() };
    this.keep([...this.items, unsent]);
    return unsent;
  }

  /** Out of it, to be written anew. @param {string} id @returns {string | null} what was written */
  takeBack(id) {
    const unsent = this.items.find((one) => one.id === id);
    this.remove(id);
    return unsent?.content ?? null;
  }

  /** @param {string} id */
  remove(id) {
    this.keep(this.items.filter((one) => one.id !== id));
  }

  /** What was sent last was not taken; where asking again can help, it is sent again by itself.
   * @param {string} session @param {import("./refusal.js").LineError} error */
  refuse(session, error) {
    const refused = this.next(session);
    const why = { [error.isPassing ? "held" : "failed"]: error.message };
    this.keep(this.items.map((one) => (one === refused ? { ...one, ...why } : one)));
  }

  /** @param {Unsent[]} items */
  keep(items) {
    this.items = items;
    try {
      this.storage.setItem(this.key, JSON.stringify(items));
    } catch {
      // A full or forbidden storage costs the reload, not the message.
    }
    this.onChange();
  }
}

/** @param {Pick<Storage, "getItem" | "setItem">} storage @param {string} key @returns {Unsent[]} */
function read(storage, key) {
  try {
    const items = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(items) ? items.map(({ held, ...one }) => one) : [];
  } catch {
    return [];
  }
}
