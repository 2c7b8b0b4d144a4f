/** A private draft: what the assistant would write, to be read, changed and sent by a person, or thrown away. */

import { button, el } from "../dom.js";
import { codePoints } from "../state.js";
import { failureSentence, nature } from "../words.js";

const HINT_MAX = 300;

export class DraftBox {
  /** @param {(hint: string) => Promise<any>} ask resolves to the `ok`, or nothing where it was refused
   * @param {(text: string) => void} use */
  constructor(ask, use) {
    this.ask = ask;
    this.session = "";
    this.ref = "";
    this.hint = el("input", { type: "text", maxlength: HINT_MAX, "aria-label": "What the draft should say", placeholder: "What should it say? (optional)" });
    this.who = el("p", { class: "quiet" });
    this.text = el("p", { class: "verbatim", tabindex: "0", "data-testid": "draft-text" });
    this.problem = el("p", { class: "problem", role: "alert" });
    this.word = el("p", { class: "visually-hidden", role: "status" });
    this.useButton = button("Put it into the reply", () => {
      use(this.text.textContent ?? "");
      this.close();
    }, { class: "primary", disabled: true });
    this.element = el("section", { class: "draft-box card", "aria-label": "Private draft", hidden: true, "data-testid": "draft-box" },
      el("form", { class: "row" }, this.hint, el("button", { type: "submit", class: "soft" }, "Draft")),
      this.who, this.text, this.problem, this.word,
      el("div", { class: "row" }, this.useButton, button("Discard", () => this.close(), { class: "plain" })));
    this.element.querySelector("form")?.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.begin();
    });
    this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {string | null} session null where nobody may write */
  turnTo(session) {
    if (session === this.session) return;
    this.session = session ?? "";
    this.close();
  }

  async open() {
    if (!this.session) return;
    this.element.hidden = false;
    this.hint.focus();
    await this.begin();
  }

  close() {
    this.ref = this.hint.value = this.text.textContent = this.problem.textContent = this.word.textContent = "";
    this.element.hidden = true;
  }

  async begin() {
    const { session } = this;
    this.useButton.disabled = true;
    this.text.textContent = this.problem.textContent = this.word.textContent = "";
    this.who.textContent = "Writing… Only you see this.";
    const begun = await this.ask(this.hint.value.trim());
    if (session !== this.session) return;
    if (begun) this.ref = begun.ref;
    else this.close();
  }

  /** @param {any} frame a `draft_delta` or a `draft` */
  hear(frame) {
    if (!this.ref || frame.ref !== this.ref) return;
    if (frame.type === "draft_delta") {
      if (codePoints(this.text.textContent ?? "") === frame.at) this.text.textContent += frame.content;
      return;
    }
    this.text.textContent = frame.content;
    this.problem.textContent = frame.failed ? failureSentence(frame.failed) : "";
    this.who.textContent = `${frame.author.name} (${nature(frame.author.kind, "assistant")}). Only you see this; read it before you send it.`;
    this.word.textContent = frame.failed ? "" : "The draft is ready.";
    this.useButton.disabled = !frame.content;
  }
}
