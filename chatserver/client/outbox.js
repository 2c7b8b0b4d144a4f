/** Messages that were written and not yet confirmed, under ids of their own, kept so that a reload loses none. */

/** @typedef {{session: string, id: string, content: string, at: string, failed?: string}} Unsent */

export class Outbox {
  /**
   * @param {Storage} storage
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

  /** @param {string} id */
  remove(id) {
    this.keep(this.items.filter((one) => one.id !== id));
  }

  /** It will not be sent again by itself: the sentence says why. @param {string} id @param {string} sentence */
  fail(id, sentence) {
    this.keep(this.items.map((one) => (one.id === id ? { ...one, failed: sentence } : one)));
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

/** @param {Storage} storage @param {string} key @returns {Unsent[]} */
function read(storage, key) {
  try {
    const items = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(items) ? items : [];
  } catch {
    return [];
  }
}
