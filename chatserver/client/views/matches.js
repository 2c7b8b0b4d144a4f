/** The jobs that fit the resume, best first. */

import { button, el, fill } from "../dom.js";
import { matchCard } from "./jobs.js";

const SHOWN = 10;

export class MatchesView {
  /** @param {import("../api.js").Api} api @param {(job: string) => any} ask @param {(match: any) => any} open */
  constructor(api, ask, open) {
    this.api = api;
    this.ask = ask;
    this.open = open;
    this.list = el("div", { class: "stack", "data-testid": "matches", "aria-live": "polite" });
    this.title = el("h2", { id: "matches-title" }, "Jobs that fit");
    this.element = el("section", { "aria-labelledby": "matches-title" }, this.title, this.list);
  }

  /** @param {boolean} hasResume without one the newest come */
  async load(hasResume) {
    this.title.textContent = hasResume ? "Jobs that fit" : "New jobs";
    if (!this.list.childElementCount) fill(this.list, el("p", { class: "quiet" }, "Looking for jobs…"));
    try {
      const page = await this.api.get("/api/matches", { limit: SHOWN });
      fill(this.list, page.items.length
        ? page.items.map((/** @type {any} */ match) => matchCard(match, this.ask, "You", () => this.open(match)))
        : el("p", { class: "quiet" }, hasResume
          ? "No open job fits just now. New ones are looked for every day."
          : "No jobs to show yet. They appear once your resume has been read."));
    } catch (error) {
      fill(this.list, el("p", { class: "problem" }, String(/** @type {Error} */ (error).message)),
        button("Try again", () => this.load(hasResume), { class: "soft" }));
    }
  }
}
