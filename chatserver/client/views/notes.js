/** Where admins write notes for each other: closed until it is wanted, and never to be taken for a reply. */

import { el } from "../dom.js";

const CONTENT_MAX = 8_000;

export class NoteBox {
  /** @param {(id: string, content: string) => Promise<any>} keep resolves to nothing where it was refused */
  constructor(keep) {
    this.keep = keep;
    this.session = "";
    this.id = "";
    this.field = el("textarea", { rows: 2, maxlength: CONTENT_MAX, "aria-label": "Note for admins", "aria-describedby": "note-hint" });
    this.button = el("button", { type: "submit", class: "soft" }, "Keep note");
    this.element = el("details", { class: "note-box", "data-testid": "note-box" },
      el("summary", {}, "Note for admins"),
      el("form", {}, el("p", { id: "note-hint", class: "quiet" }, "Admins alone see it; it goes to neither the seeker nor the assistant."),
        this.field, this.button));
    this.element.querySelector("form")?.addEventListener("submit", (/** @type {Event} */ event) => this.submit(event));
  }

  show() {
    this.element.open = true;
    this.field.focus();
  }

  /** A note that was begun about one conversation is not kept with another. @param {string} session */
  open(session) {
    if (session === this.session) return;
    this.session = session;
    this.field.value = this.id = "";
    this.element.open = false;
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    const content = this.field.value.trim();
    if (!content || this.button.disabled) return;
    // The same id until it is confirmed: pressed again after a lost line, it is one note.
    this.id ||= crypto.randomUUID();
    const { session } = this;
    this.button.disabled = true;
    const kept = await this.keep(this.id, content);
    this.button.disabled = false;
    if (!kept || session !== this.session) return;
    this.field.value = this.id = "";
    this.element.open = false;
  }
}
