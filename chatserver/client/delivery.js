/** Sends what is unsent: of each session one after the other, each under its id until it is confirmed. No DOM. */

/** @typedef {import("./refusal.js").LineError} LineError */

export class Delivery {
  /** @param {import("./outbox.js").Outbox} outbox
   * @param {(type: string, fields: object) => Promise<any>} request rejects with a `LineError`, at once without a line */
  constructor(outbox, request) {
    this.outbox = outbox;
    this.request = request;
    /** @type {Set<string>} */
    this.running = new Set();
  }

  all() {
    for (const session of new Set(this.outbox.items.map((unsent) => unsent.session))) void this.flush(session);
  }

  /** @param {string} session */
  async flush(session) {
    if (this.running.has(session)) return;
    this.running.add(session);
    try {
      for (let unsent = this.outbox.next(session); unsent; unsent = this.outbox.next(session)) {
        await this.request("post", { session, id: unsent.id, content: unsent.content });
        this.outbox.remove(unsent.id);
      }
    } catch (error) {
      this.refused(session, /** @type {LineError} */ (error));
    } finally {
      this.running.delete(session);
    }
  }

  /** @param {string} session @param {LineError} error */
  refused(session, error) {
    if (error.code === "line_lost") return;
    this.outbox.refuse(session, error);
    setTimeout(() => void this.flush(session), error.isPassing ? error.pauseMs : 0);
  }
}
