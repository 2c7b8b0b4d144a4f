/** What an admin sees of a seeker beside the conversation: the resume, the jobs named, the best matches, the history. */

import { button, el, fill } from "../dom.js";
import { moment, plain, standing } from "../words.js";
import { matchCard, sourceCard } from "./jobs.js";

const MATCHES_SHOWN = 5;
const PAST_SHOWN = 20;

/** One seeker's: read once, not at every turn of the page, since each look at a resume is written down. */
class Panel {
  /** @param {{id: string, name: string}} user @param {import("../api.js").Api} api @param {(session: string) => void} choose */
  constructor(user, api, choose) {
    this.user = user;
    this.api = api;
    this.choose = choose;
    this.refs = "";
    this.session = "";
    this.resume = el("div", { "data-testid": "resume" });
    this.jobs = el("div", { class: "sources", "data-testid": "sources" });
    this.matches = el("div", { class: "stack", "data-testid": "matches" });
    this.past = el("div", { class: "stack tight", "data-testid": "history" });
    this.element = el("div", { class: "panel" },
      el("section", { class: "card", "aria-labelledby": "resume-title" },
        el("div", { class: "panel-head" }, el("h2", { id: "resume-title" }, `Resume of ${user.name}`),
          button("Read again", () => this.load(), { class: "plain", "aria-label": "Read resume, matches and history again" })),
        this.resume),
      el("section", { "aria-labelledby": "history-title" }, el("h2", { id: "history-title" }, "Other conversations"), this.past),
      el("section", { "aria-labelledby": "jobs-title" }, el("h2", { id: "jobs-title" }, "Jobs in this conversation"), this.jobs),
      el("section", { "aria-labelledby": "matches-title" }, el("h2", { id: "matches-title" }, "Jobs that fit"), this.matches));
    void this.read();
  }

  load() {
    return Promise.all([this.read(), this.loadPast()]);
  }

  async read() {
    const { user, api } = this;
    await Promise.all([
      put(this.resume, () => api.get(`/api/users/${user.id}/resume`), resumeOf, "There is no resume yet."),
      put(this.matches, () => api.get(`/api/users/${user.id}/matches`, { limit: MATCHES_SHOWN }), (page) => (page.items.length
        ? page.items.map((/** @type {any} */ match) => matchCard(match, null, user.name)) : [quiet("There is no open job yet.")])),
    ]);
  }

  loadPast() {
    return put(this.past, () => this.api.get("/api/sessions", { user: this.user.id, limit: PAST_SHOWN }), (page) => {
      const others = page.items.filter((/** @type {any} */ one) => one.id !== this.session);
      if (!others.length) return [quiet("This is the first.")];
      return others.map((/** @type {any} */ one) => {
        const made = button("", () => this.choose(one.id), { class: "past", "data-session": one.id });
        fill(made, el("span", { class: "last" }, one.last ? plain(one.last) : "Nothing was said"),
          el("span", { class: "quiet" }, `${moment(one.updated_at)} · ${standing(one)}`));
        return made;
      });
    });
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    const id = state.session?.id ?? "";
    if (id !== this.session) {
      this.session = id;
      void this.loadPast();
    }
    const sources = Object.values(state.sources).sort((one, other) => Number(one.ref.slice(1)) - Number(other.ref.slice(1)));
    const refs = `${id} ${sources.map((one) => one.ref + one.status).join()}`;
    if (refs === this.refs) return;
    this.refs = refs;
    fill(this.jobs, sources.length
      ? sources.map((source) => sourceCard(source, this.user.name)) : quiet("None has been named yet."));
  }
}

export class SeekerSide {
  /** @param {HTMLElement} element @param {import("../api.js").Api} api @param {(session: string) => void} choose */
  constructor(element, api, choose) {
    this.element = element;
    this.api = api;
    this.choose = choose;
    /** @type {Map<string, Panel>} */
    this.panels = new Map();
  }

  /** @param {import("../state.js").State} state */
  show(state) {
    const user = state.session?.user;
    if (!user) return;
    const panel = this.panels.get(user.id) ?? new Panel(user, this.api, this.choose);
    this.panels.set(user.id, panel);
    if (panel.element.parentElement !== this.element) fill(this.element, panel.element);
    panel.show(state);
  }

  /** Keeps the panels of those who are still in front. @param {Set<string>} users */
  keep(users) {
    for (const id of [...this.panels.keys()]) if (!users.has(id)) this.panels.delete(id);
  }
}

/** @param {HTMLElement} place @param {() => Promise<any>} read @param {(found: any) => any[]} show
 * @param {string} [nothing] where there is none */
async function put(place, read, show, nothing) {
  if (!place.childElementCount) fill(place, quiet("Reading…"));
  try {
    fill(place, show(await read()));
  } catch (error) {
    const problem = /** @type {any} */ (error);
    if (nothing && problem.status === 404) fill(place, quiet(nothing));
    else fill(place, el("p", { class: "problem" }, problem.message), button("Try again", () => put(place, read, show, nothing), { class: "soft" }));
  }
}

/** @param {any} found */
function resumeOf(found) {
  return [
    found.file_name ? quiet(found.file_name) : null,
    found.titles?.length ? el("p", {}, found.titles.join(", ")) : null,
    found.skills?.length ? el("div", { class: "skills have" }, el("ul", { "aria-label": "Skills" },
      found.skills.map((/** @type {string} */ skill) => el("li", {}, skill)))) : null,
    el("details", {}, el("summary", {}, "Whole text"), el("p", { class: "verbatim resume-text" }, found.text)),
  ];
}

/** @param {string} sentence */
function quiet(sentence) {
  return el("p", { class: "quiet" }, sentence);
}
