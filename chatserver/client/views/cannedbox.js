/** The canned answers as a list to choose from, to add to and to take from. */

import { button, el, fill } from "../dom.js";
import { TEXT_MAX } from "../canned.js";

export class CannedBox {
  /** @param {import("../canned.js").CannedAnswers} answers @param {(text: string) => string} fillIn puts in what is known
   * @param {(text: string) => void} use */
  constructor(answers, fillIn, use) {
    this.answers = answers;
    this.fillIn = fillIn;
    this.use = use;
    this.summary = el("summary", {}, "Canned answers");
    this.list = el("ul", { class: "canned" });
    this.name = el("input", { type: "text", maxlength: 60, "aria-label": "Name of the canned answer", placeholder: "Name" });
    this.text = el("textarea", { rows: 3, maxlength: TEXT_MAX, "aria-label": "Text of the canned answer", placeholder: "Text with {seeker}, {me}, {job}, {company}" });
    this.problem = el("p", { class: "problem", role: "alert" });
    const form = el("form", { class: "stack" }, this.name, this.text, this.problem, el("button", { type: "submit", class: "soft" }, "Keep it"));
    form.addEventListener("submit", (/** @type {Event} */ event) => this.keep(event));
    this.element = el("details", { class: "canned-box", "data-testid": "canned" },
      this.summary, this.list, el("details", {}, el("summary", {}, "Add or change one"), form));
    // What is known differs with every conversation.
    this.element.addEventListener("toggle", () => this.element.open && this.draw());
  }

  open() {
    this.element.open = true;
    this.draw();
    this.list.querySelector("button")?.focus();
  }

  draw() {
    fill(this.list, this.answers.all().map((one) => el("li", {},
      this.choice(one),
      button("Remove", () => {
        this.answers.remove(one.name);
        this.draw();
        this.summary.focus();
      }, { class: "plain", "aria-label": `Remove ${one.name}` }))));
  }

  /** @param {import("../canned.js").Canned} one */
  choice(one) {
    const text = this.fillIn(one.text);
    const made = button("", () => {
      this.element.open = false;
      this.use(text);
    }, { class: "choice", "aria-label": one.name, title: text });
    // Shown as it would be sent, and what is not known yet is marked.
    fill(made, el("span", { class: "name" }, one.name), el("span", { class: "text" },
      text.split(/(\{\w+\})/).map((part, nth) => (nth % 2 ? el("mark", {}, part) : part))));
    return made;
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
