/** What an admin sees of a seeker beside the conversation: the resume, the jobs that were named, the best matches. */

import { el, fill } from "../dom.js";
import { matchCard, sourceCard } from "./jobs.js";

const MATCHES_SHOWN = 5;

export class SeekerSide {
  /** @param {HTMLElement} element @param {import("../api.js").Api} api */
  constructor(element, api) {
    this.element = element;
    this.api = api;
    this.user = "";
    this.refs = "";
    this.resume = el("div", { "data-testid": "resume" });
    this.jobs = el("div", { class: "sources", "data-testid": "sources" });
    this.matches = el("div", { "data-testid": "matches" });
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    const user = state.session?.user;
    if (!user) return;
    if (user.id !== this.user) {
      this.user = user.id;
      this.refs = "";
      fill(this.element,
        el("section", { class: "card", "aria-labelledby": "resume-title" },
          el("h2", { id: "resume-title" }, `Resume of ${user.name}`), this.resume),
        el("section", { "aria-labelledby": "jobs-title" }, el("h2", { id: "jobs-title" }, "Jobs in this conversation"), this.jobs),
        el("section", { "aria-labelledby": "matches-title" }, el("h2", { id: "matches-title" }, "Jobs that fit"), this.matches));
      void this.load(user.id);
      void this.loadMatches(user.id, user.name);
    }
    const sources = Object.values(state.sources).sort((one, other) => Number(one.ref.slice(1)) - Number(other.ref.slice(1)));
    const refs = `${state.session?.id} ${sources.map((one) => one.ref + one.status).join()}`;
    if (refs === this.refs) return;
    this.refs = refs;
    fill(this.jobs, sources.length
      ? sources.map((source) => sourceCard(source, user.name))
      : el("p", { class: "quiet" }, "None has been named yet."));
  }

  /** @param {string} user @param {string} name */
  async loadMatches(user, name) {
    fill(this.matches, el("p", { class: "quiet" }, "Reading…"));
    try {
      const page = await this.api.get(`/api/users/${user}/matches`, { limit: MATCHES_SHOWN });
      if (user !== this.user) return;
      fill(this.matches, page.items.length
        ? page.items.map((/** @type {any} */ match) => matchCard(match, null, name))
        : el("p", { class: "quiet" }, "There is no open job yet."));
    } catch (error) {
      if (user === this.user) fill(this.matches, el("p", { class: "quiet" }, /** @type {Error} */ (error).message));
    }
  }

  /** @param {string} user */
  async load(user) {
    fill(this.resume, el("p", { class: "quiet" }, "Reading…"));
    try {
      const found = await this.api.get(`/api/users/${user}/resume`);
      if (user !== this.user) return;
      fill(this.resume,
        found.file_name ? el("p", { class: "quiet" }, found.file_name) : null,
        found.titles?.length ? el("p", {}, found.titles.join(", ")) : null,
        found.skills?.length ? el("div", { class: "skills have" }, el("ul", { "aria-label": "Skills" },
          found.skills.map((/** @type {string} */ skill) => el("li", {}, skill)))) : null,
        el("details", {}, el("summary", {}, "Whole text"), el("p", { class: "verbatim resume-text" }, found.text)));
    } catch (error) {
      const problem = /** @type {any} */ (error);
      if (user !== this.user) return;
      fill(this.resume, el("p", { class: "quiet" }, problem.status === 404 ? "There is no resume yet." : problem.message));
    }
  }
}
