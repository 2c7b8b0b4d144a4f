/** The seeker's conversations, newest first: what was said last, what is unread, and a search through all of them. */

import { button, el, fill } from "../dom.js";
import { moment, plain, standing } from "../words.js";

const PAGE = 20;
const PAGE_MOST = 100;
const RETRY_MS = 4_000;
const SEARCH_PAUSE_MS = 250;

export class PastView {
  /** @param {import("../api.js").Api} api @param {(session: string) => any} choose @param {(unread: number) => void} counted */
  constructor(api, choose, counted) {
    this.api = api;
    this.choose = choose;
    this.counted = counted;
    this.timer = 0;
    this.current = "";
    this.words = "";
    /** @type {string | null} */
    this.next = null;
    /** @type {any[]} */
    this.items = [];
    this.search = el("input", { type: "search", "aria-label": "Search your conversations", placeholder: "Search", "data-testid": "past-search" });
    this.list = el("div", { class: "stack tight", "data-testid": "past" });
    this.said = el("p", { class: "quiet", role: "status" });
    this.more = button("Show more", () => this.load(this.next), { class: "plain", hidden: true });
    this.element = el("section", { "aria-labelledby": "past-title" },
      el("h2", { id: "past-title" }, "Your conversations"), this.search, this.said, this.list, this.more);
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), SEARCH_PAUSE_MS);
    });
  }

  /** @param {string | null} cursor null for the newest */
  async load(cursor = null) {
    clearTimeout(this.timer);
    const words = (this.words = this.search.value.trim());
    try {
      // Read anew it is as long as it was: somebody may look at its end.
      const limit = cursor ? PAGE : Math.min(PAGE_MOST, Math.max(PAGE, this.items.length));
      const page = await this.api.get("/api/sessions", { limit, q: words, cursor });
      if (words !== this.words) return;
      this.items = cursor ? [...this.items, ...page.items] : page.items;
      this.next = page.next;
      this.draw();
    } catch {
      // A list that could not be read is asked for again; the conversation does not depend on it.
      this.timer = setTimeout(() => this.load(cursor), RETRY_MS);
    }
  }

  /** @param {string} session the one that is open */
  here(session) {
    if (session === this.current) return;
    this.current = session;
    this.draw();
  }

  /** @param {string} session */
  read(session) {
    this.items = this.items.map((one) => (one.id === session ? { ...one, unread: 0 } : one));
    this.draw();
  }

  draw() {
    this.more.hidden = !this.next;
    this.said.textContent = this.items.length || !this.words ? "" : "Nothing was found; try fewer words.";
    if (!this.words) this.counted(this.items.filter((one) => one.unread && one.id !== this.current).length);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.session;
    fill(this.list, this.items.map((one) => this.entry(one)));
    if (focused && document.activeElement === document.body) this.list.querySelector(`[data-session="${focused}"]`)?.focus();
  }

  /** @param {any} one */
  entry(one) {
    const here = one.id === this.current;
    const unread = here ? 0 : one.unread;
    const made = button("", () => this.choose(one.id), { class: "past", "aria-current": here ? "true" : null, "data-session": one.id });
    fill(made,
      el("span", { class: "last", dir: "auto" }, one.last ? plain(one.last) : "Nothing was said yet"),
      unread ? el("span", { class: "unread", "data-testid": "unread" }, unread, el("span", { class: "visually-hidden" }, " unread")) : null,
      el("span", { class: "quiet" }, `${moment(one.updated_at)} · ${standing(one)}`));
    return made;
  }
}
