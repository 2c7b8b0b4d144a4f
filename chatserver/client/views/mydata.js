/** What is kept of a person, in their own hands: a copy of it, and its end. */

import { button, el, fill } from "../dom.js";
import { counted } from "../words.js";
import { modal } from "./dialog.js";
import { save } from "./download.js";

const WORD = "DELETE";
const FILE = "ottobon-jobs-export.json";

export class MyData {
  /**
   * @param {import("../api.js").Api} api
   * @param {() => Promise<void>} erase
   * @param {Element} consent who else may have something of it
   */
  constructor(api, erase, consent) {
    this.api = api;
    this.erase = erase;
    this.problem = el("p", { class: "problem", role: "alert", hidden: true });
    this.element = el("section", { "aria-labelledby": "data-title", "data-testid": "my-data" },
      el("h2", { id: "data-title" }, "Your data"),
      el("p", { class: "quiet" }, "Your resume, your conversations and what was found in them belong to you."),
      consent,
      el("div", { class: "row" },
        button("Download a copy", () => this.guarded(() => this.download()), { class: "soft" }),
        button("Delete everything", () => this.ask(), { class: "plain" })),
      this.problem);
  }

  async download() {
    const all = await this.api.get("/api/me/export");
    save(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" }), FILE);
  }

  /** A word has to be written: what is gone does not come back. */
  ask() {
    const field = el("input", { type: "text", id: "delete-word", autocomplete: "off", "aria-describedby": "delete-what" });
    const go = el("button", { type: "submit", class: "primary danger" }, "Delete everything");
    const dialog = modal({ class: "card ask", "aria-labelledby": "delete-title", "data-testid": "delete-dialog" },
      el("form", { method: "dialog" },
        el("h2", { id: "delete-title" }, "Delete everything?"),
        el("p", { id: "delete-what" }, "Your resume, its file, all conversations and your account go, now and for good. Download a copy first if you want one."),
        el("label", { for: "delete-word" }, `Write ${WORD} to go on`), field,
        el("div", { class: "row" }, button("Keep my data", () => dialog.close(), { class: "soft" }), go)));
    dialog.querySelector("form")?.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (field.value.trim().toUpperCase() !== WORD) return field.focus();
      dialog.close();
      void this.guarded(this.erase);
    });
    field.focus();
  }

  /** @param {() => Promise<any>} act */
  async guarded(act) {
    this.problem.hidden = true;
    try {
      await act();
    } catch (error) {
      this.problem.textContent = /** @type {Error} */ (error).message;
      this.problem.hidden = false;
    }
  }
}

/** What went, and what remains elsewhere. @param {any} receipt @param {() => void} done */
export function receiptCard(receipt, done) {
  const card = el("div", { class: "card sign-in", "data-testid": "receipt" });
  fill(card,
    el("h1", { tabindex: "-1" }, "Your data has been deleted"),
    el("p", {}, `${counted(receipt.sessions, "conversation")} with ${counted(receipt.messages, "message")}${receipt.resume ? ", your resume and its file" : ""}, and your account.`),
    el("h2", {}, "What remains elsewhere"),
    el("ul", {}, receipt.remains.map((/** @type {string} */ sentence) => el("li", {}, sentence))),
    button("Done", done, { class: "soft" }));
  return card;
}
