/** How long an admin may still be silent in a session that they hold. No DOM, no clock. */

export const WARN_SECONDS = 60;

export class Leases {
  /** @param {number} seconds how long a lease lasts after the last word */
  constructor(seconds) {
    this.seconds = seconds;
    /** @type {Map<string, number>} epoch milliseconds of the last word in each session */
    this.spoken = new Map();
  }

  /** @param {string} session @param {number} now epoch milliseconds */
  speaks(session, now) {
    this.spoken.set(session, now);
  }

  /** Seconds that are left; those of a session that was never spoken in are a whole lease from now on.
   * @param {string} session @param {number} now */
  left(session, now) {
    if (!this.spoken.has(session)) this.spoken.set(session, now);
    return Math.round(this.seconds - (now - (this.spoken.get(session) ?? now)) / 1000);
  }

  /** @param {string} session @param {number} now @returns {string | null} what to say, if it is time */
  warning(session, now) {
    const left = this.left(session, now);
    // A short lease would warn all the time.
    if (left > Math.min(WARN_SECONDS, this.seconds / 2)) return null;
    if (left > 0) return `You have been silent here for a while. In ${left} s the assistant may go on where the seeker writes.`;
    return "You have been silent here for long: any admin may take over now, and the assistant goes on when the seeker writes.";
  }
}
