/** The canned answers as a list to choose from, to add to and to take from. */

import { button, el, fill } from "../dom.js";
import { TEXT_MAX } from "../canned.js";

export class CannedBox {
  /** @param {import("../canned.js").CannedAnswers} answers @param {(text: string) => void} use */
  constructor(answers, use) {
    this.answers = answers;
    this.use = use;
    this.list = el("ul", { class: "canned" });
    this.name = el("input", { type: "text", maxlength: 60, "aria-label": "Name of the canned answer", placeholder: "Name" });
    this.text = el("textarea", { rows: 3, maxlength: TEXT_MAX, "aria-label": "Text of the canned answer", placeholder: "Text with {seeker}, {me}, {job}, {company}" });
    this.problem = el("p", { class: "problem", role: "alert" });
    const form = el("form", { class: "stack" }, this.name, this.text, this.problem, el("button", { type: "submit", class: "soft" }, "Keep it"));
    form.addEventListener("submit", (/** @type {Event} */ event) => this.keep(event));
    this.element = el("details", { class: "canned-box", "data-testid": "canned" },
      el("summary", {}, "Canned answers"), this.list, el("details", {}, el("summary", {}, "Add or change one"), form));
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.element.open = false;
    });
    this.draw();
  }

  open() {
    this.element.open = true;
    this.list.querySelector("button")?.focus();
  }

  draw() {
    fill(this.list, this.answers.all().map((one) => el("li", {},
      button(one.name, () => {
        this.element.open = false;
        this.use(one.text);
      }, { class: "soft", title: one.text }),
      button("Remove", () => {
        this.answers.remove(one.name);
        this.draw();
      }, { class: "plain", "aria-label": `Remove ${one.name}` }))));
  }

  /** @param {Event} event */
  keep(event) {
    event.preventDefault();
    this.problem.textContent = this.answers.keep({ name: this.name.value.trim(), text: this.text.value.trim() }) ?? "";
    if (this.problem.textContent) return;
    this.name.value = this.text.value = "";
    this.draw();
  }
}
