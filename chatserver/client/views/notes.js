/** Where admins write notes for each other: closed until it is wanted, and never to be taken for a reply. */

import { el } from "../dom.js";

const CONTENT_MAX = 8_000;

export class NoteBox {
  /** @param {import("../kept.js").Kept} storage what was begun is kept with its conversation
   * @param {(id: string, content: string) => Promise<any>} keep resolves to nothing where it was refused */
  constructor(storage, keep) {
    this.storage = storage;
    this.keep = keep;
    this.session = "";
    /** @type {Map<string, string>} the same id until it is confirmed: pressed again after a lost line, it is one note */
    this.ids = new Map();
    this.field = el("textarea", { rows: 2, maxlength: CONTENT_MAX, "aria-label": "Note for admins", "aria-describedby": "note-hint" });
    this.field.addEventListener("input", () => this.store(this.session, this.field.value));
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

  /** A note that was begun about one conversation waits there. @param {string} session */
  open(session) {
    if (session === this.session) return;
    this.session = session;
    this.field.value = this.storage.getItem(`note:${session}`) ?? "";
    this.element.open = this.field.value !== "";
  }

  /** @param {string} session @param {string} content */
  store(session, content) {
    if (content) this.storage.setItem(`note:${session}`, content);
    else this.storage.removeItem(`note:${session}`);
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    const content = this.field.value.trim();
    if (!content || this.button.disabled) return;
    const { session } = this;
    const id = this.ids.get(session) ?? crypto.randomUUID();
    this.ids.set(session, id);
    this.button.disabled = true;
    const kept = await this.keep(id, content);
    this.button.disabled = false;
    if (!kept) return;
    this.ids.delete(session);
    this.store(session, "");
    if (session !== this.session) return;
    this.field.value = "";
    this.element.open = false;
  }
}
