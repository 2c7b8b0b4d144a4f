/** The lobby as a list: who waits comes first, with how long; arrows move, Enter opens. */

import { button, el, fill } from "../dom.js";
import { FILTERS } from "../lobby.js";
import { moment, standing, waited } from "../words.js";

/** @typedef {import("../lobby.js").Summary} Summary */

const CLOCK_MS = 15_000;

export class LobbyView {
  /** @param {(session: string) => void} open @param {string} me the viewer's id */
  constructor(open, me) {
    this.open = open;
    this.me = me;
    this.filter = "all";
    this.drawn = "";
    /** @type {Summary[]} */
    this.sessions = [];
    this.current = "";
    this.list = el("ul", { class: "lobby", "aria-label": "Conversations", "data-testid": "lobby" });
    this.empty = el("p", { class: "quiet" }, "Nothing here.");
    this.filters = el("div", { class: "filters", role: "group", "aria-label": "Which conversations" });
    this.element = el("div", { class: "stack" }, this.filters, this.list, this.empty);
    this.list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.move(event));
    setInterval(() => this.draw(), CLOCK_MS);
  }

  /** @param {Summary[]} sessions @param {string} current */
  show(sessions, current) {
    this.sessions = sessions;
    this.current = current;
    this.draw();
  }

  draw() {
    const shown = this.sessions.filter((one) => FILTERS[this.filter][1](one, this.me));
    const key = this.filter + this.current + JSON.stringify(this.sessions) + Math.floor(Date.now() / CLOCK_MS);
    if (key === this.drawn) return;
    this.drawn = key;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.session;
    this.empty.hidden = shown.length > 0;
    this.drawFilters();
    fill(this.list, shown.map((one) => el("li", {}, this.entry(one))));
    if (focused) this.list.querySelector(`[data-session="${focused}"]`)?.focus();
  }

  drawFilters() {
    const held = this.filters.contains(document.activeElement);
    fill(this.filters, Object.entries(FILTERS).map(([name, [label, isShown]]) =>
      button(`${label} ${this.sessions.filter((one) => isShown(one, this.me)).length}`, () => {
        this.filter = name;
        this.draw();
      }, { class: "plain", "aria-pressed": String(name === this.filter) })));
    if (held) this.filters.querySelector("[aria-pressed=true]")?.focus();
  }

  /** The next or the previous entry gets the focus. @param {number} step */
  step(step) {
    const entries = [...this.list.querySelectorAll("button")];
    const at = entries.indexOf(/** @type {any} */ (document.activeElement));
    const from = at >= 0 ? at : entries.findIndex((one) => one.dataset.session === this.current);
    entries[Math.min(entries.length - 1, Math.max(0, from + step))]?.focus();
  }

  /** @param {Summary} one */
  entry(one) {
    const made = el("button", {
      type: "button", class: `entry${one.waiting_since ? " waits" : ""}${one.urgent_since ? " urgent" : ""}`, "data-testid": "lobby-entry",
      "data-session": one.id, "data-status": one.status, "aria-current": one.id === this.current ? "true" : null,
    },
      el("span", { class: "name" }, one.user.name),
      one.urgent_since ? el("span", { class: "danger" }, "Urgent: may be in danger") : null,
      one.unread > 0 ? el("span", { class: "unread", title: `${one.unread} unanswered` }, one.unread) : null,
      el("span", { class: "when" }, moment(one.updated_at)),
      el("span", { class: "state" }, one.waiting_since ? `waiting ${waited(one.waiting_since)}` : standing(one),
        one.lease_over ? ", who is away" : ""),
      one.reason ? el("span", { class: "reason" }, one.reason) : null,
      el("span", { class: "last" }, one.last ?? ""));
    made.addEventListener("click", () => this.open(one.id));
    return made;
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.step(step);
  }
}
