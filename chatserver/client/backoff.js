/** How long a line waits before it is tried again. No clock, no DOM. */

const FIRST_MS = 500;
const MOST_MS = 30_000;

export class Backoff {
  constructor() {
    this.attempts = 0;
    /** @type {number | null} milliseconds that the server asked for */
    this.asked = null;
  }

  /** A line that was welcomed may end at once, again and again; only one that went on for a while begins anew. */
  settle() {
    this.attempts = 0;
    this.asked = null;
  }

  /** Where the server has named no pause: longer each time, and never all clients at once. @param {boolean} isMoving the
   * node goes away, and another one is there already @returns {number} milliseconds */
  next(isMoving) {
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** this.attempts);
    const pause = this.asked ?? (isMoving && !this.attempts ? FIRST_MS * Math.random() : most * (0.5 + Math.random() / 2));
    this.asked = null;
    this.attempts += 1;
    return pause;
  }
}
