/** A request that the line did not carry out, and whether asking again can help. */

// `unauthorized` passes too: the line closes with 4401 and comes back under a renewed token.
const PASSING_CODES = ["rate_limited", "unavailable", "internal", "unauthorized", "line_lost"];
const RETRY_MS = 2_000;

export class LineError extends Error {
  /** @param {string} code @param {string} message @param {number} [retryAfter] seconds */
  constructor(code, message, retryAfter) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  get isPassing() {
    return PASSING_CODES.includes(this.code);
  }

  /** How long to wait before the same is asked again, in milliseconds. */
  get pauseMs() {
    return (this.retryAfter ?? 0) * 1000 || RETRY_MS;
  }
}
