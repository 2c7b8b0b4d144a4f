/** Who has which session open, as far as has been said lately: a node that died says no goodbye. No DOM, no clock. */

/** @typedef {{user: {id: string, name: string, role?: string}, until: number}} Onlooker `until` in epoch milliseconds */

export class Onlookers {
  constructor() {
    /** @type {Map<string, Map<string, Onlooker>>} */
    this.here = new Map();
  }

  /** @param {any} frame a `presence` @param {number} now epoch milliseconds */
  hear(frame, now) {
    const there = this.here.get(frame.session) ?? new Map();
    this.here.set(frame.session, there);
    if (frame.on) there.set(frame.user.id, { user: frame.user, until: now + (frame.seconds ?? 0) * 1000 });
    else there.delete(frame.user.id);
  }

  /** @param {string} session @param {number} now @returns {Onlooker["user"][]} */
  of(session, now) {
    return [...(this.here.get(session)?.values() ?? [])].filter((one) => one.until > now).map((one) => one.user);
  }

  /** @param {string} session */
  forget(session) {
    this.here.delete(session);
  }
}
