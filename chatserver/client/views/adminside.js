/** The admin's side: whether seekers may expect them, how they want to be told, the search and the lobby. */

import { el, fill } from "../dom.js";
import { tab } from "../kept.js";
import { LobbyView } from "./lobby.js";

const SEARCH_PAUSE_MS = 250;

/** @typedef {{choose: (session: string) => void, search: (words: string) => void, available: (on: boolean) => Promise<any>}} Acts */

export class AdminSide {
  /** @param {HTMLElement} element @param {string} me @param {import("../notices.js").Notices} notices @param {Acts} acts */
  constructor(element, me, notices, acts) {
    this.acts = acts;
    this.timer = 0;
    this.lobby = new LobbyView(acts.choose, me);
    this.search = el("input", { type: "search", "aria-label": "Search conversations", placeholder: "Search by name or words", "data-testid": "search" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => acts.search(this.search.value.trim()), SEARCH_PAUSE_MS);
    });
    this.search.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.lobby.step(0);
    });
    this.refused = el("p", { class: "problem", role: "alert" });
    this.toggle = el("input", { type: "checkbox", role: "switch", id: "available", "data-testid": "available" });
    this.toggle.checked = tab.getItem("available") === "yes";
    this.toggle.addEventListener("change", () => this.setAvailable());
    fill(element,
      el("label", { class: "switch", for: "available" }, this.toggle, el("span", {}, "Seekers may expect me")),
      el("details", { "data-testid": "wishes" }, el("summary", {}, "Tell me when somebody waits"),
        el("p", { class: "quiet" }, "The title of this page always says it."),
        this.wish(notices, "browser", "By a notice of the browser"), this.wish(notices, "sound", "By a sound too"), this.refused),
      this.search,
      el("section", { "aria-labelledby": "lobby-title" }, el("h2", { id: "lobby-title" }, "Lobby"), this.lobby.element));
  }

  /** @param {import("../notices.js").Notices} notices @param {"sound" | "browser"} kind @param {string} label */
  wish(notices, kind, label) {
    const box = el("input", { type: "checkbox", role: "switch", id: `notice-${kind}` });
    box.checked = notices.isOn(kind);
    box.addEventListener("change", async () => {
      const wanted = box.checked;
      box.checked = await notices.turn(kind, wanted);
      this.refused.textContent = wanted && !box.checked ? "Your browser shows no notices of this page; allow them in its settings for this site." : "";
    });
    return el("label", { class: "switch", for: `notice-${kind}` }, box, el("span", {}, label));
  }

  async setAvailable() {
    const on = this.toggle.checked;
    tab.setItem("available", on ? "yes" : "no");
    if (await this.acts.available(on)) return;
    this.toggle.checked = !on;
    tab.setItem("available", on ? "no" : "yes");
  }

  /** @param {import("../lobby.js").Summary[]} sessions @param {string} current @param {string} sought */
  show(sessions, current, sought) {
    this.lobby.show(sessions, current, sought);
  }

  focusCurrent() {
    this.lobby.list.querySelector("[aria-current=true]")?.focus();
  }
}
