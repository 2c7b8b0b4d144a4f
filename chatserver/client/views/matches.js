/** The jobs that fit the resume, best first. */

import { button, el, fill } from "../dom.js";
import { counted } from "../words.js";
import { matchCard } from "./jobs.js";

const ASKED = 10;
/** The rest unfolds: what is below them must be found too. */
const SHOWN = 4;

export class MatchesView {
  /** @param {import("../api.js").Api} api @param {(job: string) => any} ask @param {(match: any) => any} open */
  constructor(api, ask, open) {
    this.api = api;
    this.ask = ask;
    this.open = open;
    this.list = el("div", { class: "stack", "data-testid": "matches" });
    // Not the list itself: all cards would be read aloud.
    this.said = el("p", { class: "visually-hidden", role: "status" });
    this.title = el("h2", { id: "matches-title" }, "Jobs that fit");
    this.element = el("section", { "aria-labelledby": "matches-title" }, this.title, this.said, this.list);
  }

  /** @param {boolean} hasResume without one the newest come */
  async load(hasResume) {
    this.title.textContent = hasResume ? "Jobs that fit" : "New jobs";
    if (!this.list.childElementCount) fill(this.list, el("p", { class: "quiet" }, "Looking for jobs…"));
    try {
      const page = await this.api.get("/api/matches", { limit: ASKED });
      this.said.textContent = page.items.length ? `${counted(page.items.length, "job")}: ${this.title.textContent}.` : "";
      fill(this.list, page.items.length
        ? this.cards(page.items)
        : el("p", { class: "quiet", role: "status" }, hasResume
          ? "No open job fits just now. New ones are looked for every day."
          : "No jobs to show yet. They appear once your resume has been read."));
    } catch (error) {
      fill(this.list, el("p", { class: "problem", role: "alert" }, String(/** @type {Error} */ (error).message)),
        button("Try again", () => this.load(hasResume), { class: "soft" }));
    }
  }

  /** @param {any[]} matches */
  cards(matches) {
    const made = matches.map((match) => matchCard(match, this.ask, "You", () => this.open(match)));
    const rest = made.slice(SHOWN);
    if (!rest.length) return made;
    const more = button(`Show ${rest.length} more`, () => {
      more.replaceWith(...rest);
      rest[0].querySelector("button")?.focus();
    }, { class: "soft" });
    return [...made.slice(0, SHOWN), more];
  }
}
