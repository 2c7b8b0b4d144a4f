/** The open conversations as a row of buttons, with what came in those that nobody looks at. */

import { button, el, fill } from "../dom.js";
import { Rows } from "./rows.js";

export class Tabs {
  /** @param {(session: string) => void} choose @param {(session: string) => void} close */
  constructor(choose, close) {
    this.choose = choose;
    this.close = close;
    this.element = el("nav", { class: "tabs", "aria-label": "Open conversations", "data-testid": "tabs" });
    this.rows = new Rows(this.element, (one) => this.tab(one), (tab, one) => this.fill(tab, one));
  }

  /** @param {import("../desk.js").Desk} desk @param {string} me @param {string[]} ending sessions that are held and nearly lost */
  show(desk, me, ending) {
    const shown = [...desk.open].filter(([, open]) => open.state.session).map(([id, open], nth) => {
      const info = /** @type {import("../state.js").SessionInfo} */ (open.state.session);
      return {
        id, place: nth + 1, name: info.user.name, news: open.news, current: id === desk.current,
        mine: info.status === "active_human" && info.admin?.id === me, ends: ending.includes(id),
      };
    });
    this.element.hidden = shown.length < 2;
    this.rows.show(shown, JSON.stringify);
  }

  /** @param {{id: string, name: string}} one */
  tab(one) {
    return el("span", { class: "tab" },
      button("", () => this.choose(one.id), { "data-tab": one.id, "data-testid": "tab" }),
      el("span", { class: "marks" }),
      button("×", () => this.close(one.id), { class: "plain", "aria-label": `Put ${one.name} away` }));
  }

  /** @param {HTMLElement} tab @param {any} one */
  fill(tab, one) {
    const [name, marks, close] = /** @type {any[]} */ ([...tab.children]);
    fill(name, el("span", { class: "quiet" }, `${one.place} `), one.name);
    name.className = one.mine ? "mine" : "";
    if (one.current) name.setAttribute("aria-current", "true");
    else name.removeAttribute("aria-current");
    fill(marks,
      one.news ? el("span", { class: "unread", "data-testid": "news" }, one.news, el("span", { class: "visually-hidden" }, " new")) : null,
      one.ends ? el("span", { class: "tag", "data-testid": "ends" }, "silent for long") : null);
    close.hidden = !one.current;
  }
}
