/** The lobby as a list: who waits comes first, with how long; arrows move, Enter opens. */

import { button, el, fill } from "../dom.js";
import { FILTERS, steady } from "../lobby.js";
import { moment, plain, standing, waited } from "../words.js";
import { Rows } from "./rows.js";

/** @typedef {import("../lobby.js").Summary} Summary */

const CLOCK_MS = 15_000;
const HOLD_MS = 4_000;

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
    this.sought = "";
    this.held = 0;
    this.pressed = false;
    this.list = el("ul", { class: "lobby", "aria-label": "Conversations", "data-testid": "lobby" });
    this.rows = new Rows(this.list, (one) => this.item(one), (item, one) => this.entry(item, one));
    this.empty = el("p", { class: "quiet", role: "status" });
    this.filters = el("div", { class: "filters", role: "group", "aria-label": "Which conversations" });
    this.buttons = Object.keys(FILTERS).map((name) => button("", () => this.choose(name), { class: "plain" }));
    fill(this.filters, this.buttons);
    this.element = el("div", { class: "stack" }, this.filters, this.list, this.empty);
    this.list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.move(event));
    for (const act of ["pointermove", "keydown"]) this.list.addEventListener(act, () => this.hold());
    this.list.addEventListener("pointerdown", () => this.press(true));
    for (const act of ["pointerup", "pointercancel"]) document.addEventListener(act, () => this.pressed && this.press(false));
    this.list.addEventListener("pointerleave", () => this.pressed || this.release());
    setInterval(() => this.draw(), CLOCK_MS);
  }

  /** Nothing moves under a pointer or between two keys; one that only rests there holds nothing up for long. */
  hold() {
    clearTimeout(this.held);
    this.held = setTimeout(() => (this.pressed ? this.hold() : this.release()), HOLD_MS);
  }

  /** @param {boolean} on */
  press(on) {
    this.pressed = on;
    this.hold();
  }

  release() {
    clearTimeout(this.held);
    this.held = 0;
    this.draw();
  }

  /** @param {Summary[]} sessions @param {string} current @param {string} sought the words that were looked for */
  show(sessions, current, sought) {
    this.sessions = sessions;
    this.current = current;
    this.sought = sought;
    this.draw();
  }

  /** @param {string} filter */
  choose(filter) {
    this.filter = filter;
    this.release();
  }

  draw() {
    const order = this.held ? this.entries().map((one) => one.dataset.session ?? "") : null;
    const key = this.filter + this.current + this.sought + JSON.stringify([this.sessions, order]) + Math.floor(Date.now() / CLOCK_MS);
    if (key === this.drawn) return;
    this.drawn = key;
    const fits = FILTERS[this.filter][1];
    const shown = steady(this.sessions, order).filter((one) => fits(one, this.me) || order?.includes(one.id));
    this.drawFilters();
    this.rows.show(shown, (one) => JSON.stringify([one, one.id === this.current, one.waiting_since && waited(one.waiting_since), moment(one.updated_at)]));
    this.empty.textContent = shown.length ? "" : this.nothing();
  }

  nothing() {
    if (this.sought) return "Nothing was found; try fewer words, or another filter.";
    return {
      all: "No conversation yet. Who writes stands here at once.", waiting: "Nobody waits for a person.",
      mine: "You hold no conversation. Open one and take it over.", unread: "Everybody has been answered.",
    }[this.filter] ?? "";
  }

  drawFilters() {
    Object.entries(FILTERS).forEach(([name, [label, isShown]], nth) => {
      const count = this.sessions.filter((one) => isShown(one, this.me)).length;
      fill(this.buttons[nth], label, count ? el("span", { class: "quiet" }, ` ${count}`) : null);
      this.buttons[nth].setAttribute("aria-pressed", String(name === this.filter));
    });
  }

  entries() {
    return [...this.list.querySelectorAll("button")];
  }

  /** The next or the previous entry gets the focus. @param {number} step */
  step(step) {
    const entries = this.entries();
    const at = entries.indexOf(/** @type {any} */ (document.activeElement));
    const from = at >= 0 ? at : entries.findIndex((one) => one.dataset.session === this.current);
    entries[Math.min(entries.length - 1, Math.max(0, from + step))]?.focus();
    this.hold();
  }

  /** @param {Summary} one */
  item(one) {
    const made = el("button", { type: "button", "data-testid": "lobby-entry", "data-session": one.id });
    made.addEventListener("click", () => this.open(one.id));
    return el("li", {}, made);
  }

  /** @param {HTMLElement} item @param {Summary} one */
  entry(item, one) {
    const made = /** @type {HTMLElement} */ (item.firstElementChild);
    const mine = one.status === "active_human" && one.admin?.id === this.me;
    const urgent = one.urgent_since && one.status !== "closed";
    const state = one.waiting_since ? `waiting ${waited(one.waiting_since)}` : mine ? "with you" : standing(one);
    made.className = `entry${one.waiting_since ? " waits" : ""}${urgent ? " urgent" : ""}`;
    made.dataset.status = one.status;
    if (one.id === this.current) made.setAttribute("aria-current", "true");
    else made.removeAttribute("aria-current");
    fill(made,
      el("span", { class: "name" }, one.user.name),
      one.unread > 0 ? el("span", { class: "unread" }, one.unread, el("span", { class: "visually-hidden" }, " unanswered")) : null,
      el("span", { class: "when" }, moment(one.updated_at)),
      urgent ? el("span", { class: "danger" }, "Urgent: may be in danger") : null,
      el("span", { class: "state" }, state, one.lease_over ? (mine ? ", silent for long" : ", who is away") : ""),
      // Always three lines: what changes above must not push what is below.
      one.reason ? el("span", { class: "reason" }, one.reason) : el("span", { class: "last" }, plain(one.last ?? "")));
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.step(step);
  }
}
