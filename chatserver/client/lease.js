/** How long an admin may still be silent in a session that they hold. No DOM, no clock. */

export const WARN_SECONDS = 60;

/** @typedef {{words: string, left: number}} Warning `left` in seconds, 0 once it is over */

export class Leases {
  /** @param {number} seconds how long a lease lasts after the last act */
  constructor(seconds) {
    this.seconds = seconds;
    /** @type {Map<string, number>} epoch milliseconds of the last act in each session */
    this.acted = new Map();
  }

  /** @param {string} session @param {number} now epoch milliseconds */
  acts(session, now) {
    this.acted.set(session, now);
  }

  /** @param {string} session */
  forget(session) {
    this.acted.delete(session);
  }

  /** Seconds that are left; those of a session in which nothing was done yet are a whole lease from now on.
   * @param {string} session @param {number} now */
  left(session, now) {
    if (!this.acted.has(session)) this.acted.set(session, now);
    return Math.max(0, Math.ceil(this.seconds - (now - (this.acted.get(session) ?? now)) / 1000));
  }

  /** @param {string} session @param {number} now @returns {Warning | null} what to say, if it is time */
  warning(session, now) {
    const left = this.left(session, now);
    // A short lease would warn all the time.
    if (left > Math.min(WARN_SECONDS, this.seconds / 2)) return null;
    // The words stay the same while the seconds run: they are read aloud.
    if (left > 0) return { words: "You have been silent here for a while; soon the conversation is free for others.", left };
    return { words: "You have been silent here for long: any admin may take over now, and the assistant goes on when the seeker writes.", left };
  }
}
