/** Where a message is written: Enter sends, Shift+Enter breaks the line, the draft outlives a reload. */

import { el } from "../dom.js";
import { codePoints } from "../state.js";

const CONTENT_MAX = 8_000;
const COUNT_FROM = 7_000;
const TYPING_PAUSE_MS = 3_000;

export class Composer {
  /**
   * @param {string} label
   * @param {Storage} storage
   * @param {(content: string) => void} send
   * @param {(on: boolean) => void} typing
   */
  constructor(label, storage, send, typing) {
    this.storage = storage;
    this.send = send;
    this.typing = typing;
    this.key = "";
    this.timer = 0;
    this.field = el("textarea", {
      id: "composer", rows: 1, "aria-label": label, placeholder: label, enterkeyhint: "send", disabled: true,
      "aria-describedby": "composer-count",
    });
    this.count = el("span", { id: "composer-count", class: "count", role: "status" });
    this.button = el("button", { type: "submit", class: "primary", disabled: true }, "Send");
    this.element = el("form", { class: "composer", "data-testid": "composer" }, this.field, this.button, this.count);
    this.element.addEventListener("submit", (/** @type {Event} */ event) => this.submit(event));
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
    });
  }

  /** Turns to another session's draft; null where nothing may be written. @param {string | null} key
   * @param {string} [hint] */
  open(key, hint) {
    this.field.disabled = key === null;
    if (hint !== undefined) this.field.placeholder = hint;
    if (key !== null && key !== this.key) {
      this.key = key;
      this.field.value = this.storage.getItem(this.key) ?? "";
    }
    this.measure();
  }

  /** @param {string} text */
  put(text) {
    this.field.value = this.field.value ? `${text}\n${this.field.value}` : text;
    this.changed();
    this.field.focus();
  }

  changed() {
    try {
      if (this.field.value) this.storage.setItem(this.key, this.field.value);
      else this.storage.removeItem(this.key);
    } catch {
      // Without storage the draft lives as long as the page.
    }
    this.measure();
    if (!this.timer && this.field.value) this.typing(true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.rest(), TYPING_PAUSE_MS);
  }

  rest() {
    clearTimeout(this.timer);
    if (this.timer) this.typing(false);
    this.timer = 0;
  }

  measure() {
    const length = codePoints(this.field.value);
    const over = length > CONTENT_MAX;
    this.count.textContent = over
      ? `${(length - CONTENT_MAX).toLocaleString()} characters too many; shorten it or split it.`
      : length >= COUNT_FROM ? `${(CONTENT_MAX - length).toLocaleString()} characters left` : "";
    this.count.classList.toggle("problem", over);
    this.button.disabled = this.field.disabled || over || !this.field.value.trim();
    this.field.style.blockSize = "auto";
    this.field.style.blockSize = `${this.field.scrollHeight + 2}px`;
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    if (this.button.disabled) return;
    const content = this.field.value;
    this.field.value = "";
    this.changed();
    this.rest();
    this.send(content);
    this.field.focus();
  }
}
