/** Waiting for a person: the place in the queue, who is there, what to do meanwhile, and the way out. */

import { button, el, fill } from "../dom.js";
import { moment, queueSteps } from "../words.js";

const REFRESH_MS = 20_000;

/** @typedef {{open?: boolean, opens_at?: string, admins?: number, position?: number}} Queue */

export class PersonView {
  /** @param {() => Promise<Queue | null>} ask asks for a person, or how the queue stands for who waits already
   * @param {() => any} cancel */
  constructor(ask, cancel) {
    this.ask = ask;
    this.timer = 0;
    this.since = "";
    this.said = "";
    /** @type {Queue | null} */
    this.queue = null;
    this.lines = el("div", { class: "queue-lines", role: "status", "data-testid": "queue-lines" });
    this.element = el("section", { class: "notice queue", "aria-label": "Waiting for a person", "data-testid": "queue", hidden: true },
      this.lines, button("Cancel waiting", () => this.leave(cancel), { class: "plain" }));
  }

  /** Nobody looks at a number that has long changed. */
  async refresh() {
    clearTimeout(this.timer);
    const since = this.since;
    if (document.visibilityState === "visible") {
      const given = await this.ask().catch(() => null);
      if (since !== this.since) return;
      if (given) this.answered(given);
    }
    if (this.since) this.timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** Whoever asks how the queue stands while they leave it would be put back into it. @param {() => any} cancel */
  async leave(cancel) {
    clearTimeout(this.timer);
    if (!await cancel() && this.since) this.timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** @param {Queue} queue */
  answered(queue) {
    this.queue = queue;
    this.draw();
  }

  /** @param {string | undefined} since the moment from which somebody waits */
  show(since) {
    if ((since ?? "") === this.since) return;
    this.since = since ?? "";
    this.element.hidden = !since;
    if (!since) {
      this.queue = null;
      this.said = "";
      return clearTimeout(this.timer);
    }
    this.draw();
    void this.refresh();
  }

  draw() {
    const lines = this.queue ? queueSteps(this.queue) : [`You asked for a person at ${moment(this.since)}.`, "The assistant goes on until somebody joins."];
    // Said again only where it has changed: this is read aloud.
    if (lines.join("\n") === this.said) return;
    this.said = lines.join("\n");
    fill(this.lines, lines.map((line, place) => el("p", { class: place ? "quiet" : "queue-first" }, line)));
  }
}
