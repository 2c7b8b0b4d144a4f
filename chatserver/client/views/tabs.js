/** The open conversations as a row of buttons, with what came in those that nobody looks at. */

import { button, el, fill } from "../dom.js";

export class Tabs {
  /** @param {(session: string) => void} choose @param {(session: string) => void} close */
  constructor(choose, close) {
    this.choose = choose;
    this.close = close;
    this.drawn = "";
    this.element = el("nav", { class: "tabs", "aria-label": "Open conversations", "data-testid": "tabs" });
  }

  /** @param {import("../desk.js").Desk} desk @param {string} me */
  show(desk, me) {
    const shown = [...desk.open].filter(([, open]) => open.state.session).map(([session, open]) => {
      const info = /** @type {import("../state.js").SessionInfo} */ (open.state.session);
      return { session, name: info.user.name, news: open.news, current: session === desk.current, mine: info.admin?.id === me };
    });
    const key = JSON.stringify(shown);
    if (key === this.drawn) return;
    this.drawn = key;
    this.element.hidden = shown.length < 2;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.tab;
    fill(this.element, shown.map((one, place) => el("span", { class: "tab" },
      button(`${place + 1} ${one.name}`, () => this.choose(one.session), {
        class: one.mine ? "mine" : "", "aria-current": one.current ? "true" : null, "data-tab": one.session, "data-testid": "tab",
      }),
      one.news ? el("span", { class: "unread", "data-testid": "news" }, one.news, el("span", { class: "visually-hidden" }, " new")) : null,
      one.current ? button("×", () => this.close(one.session), { class: "plain", "aria-label": `Put ${one.name} away` }) : null)));
    if (focused) this.element.querySelector(`[data-tab="${focused}"]`)?.focus();
  }
}
