/** Where a message is written: Enter sends, Shift+Enter breaks the line, the draft outlives a reload. */

import { el } from "../dom.js";
import { codePoints } from "../state.js";
import { counted } from "../words.js";

const CONTENT_MAX = 8_000;
const COUNT_FROM = 7_000;
const TYPING_PAUSE_MS = 3_000;
const TYPING_AGAIN_MS = 5_000;

export class Composer {
  /**
   * @param {string} label
   * @param {import("../kept.js").Kept} storage
   * @param {(content: string) => void} send
   * @param {(on: boolean) => void} typing
   */
  constructor(label, storage, send, typing) {
    this.storage = storage;
    this.send = send;
    this.typing = typing;
    this.key = "";
    this.timer = 0;
    this.told = 0;
    this.field = el("textarea", {
      id: "composer", rows: 1, dir: "auto", "aria-label": label, placeholder: label, enterkeyhint: "send", disabled: true,
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

  /** Turns to another session's draft; null where nothing may be written. What was written where it may not be sent any
   * more stays to be read and copied. @param {string | null} key @param {string} [hint] @param {boolean} [may] */
  open(key, hint, may = key !== null) {
    const [wasKey, wasMay] = [this.key, !this.field.disabled && !this.field.readOnly];
    if (hint !== undefined) this.field.placeholder = hint;
    if (key !== null && key !== this.key) {
      this.key = key;
      this.field.value = this.storage.getItem(this.key) ?? "";
    }
    this.field.readOnly = key !== null && !may;
    this.field.disabled = !may && (key === null || !this.field.value);
    // Measured only where something has changed: it takes a long text back to its beginning.
    if (wasKey !== this.key || wasMay !== may) this.measure();
  }

  /** @param {string} text */
  put(text) {
    this.field.value = this.field.value ? `${text}\n${this.field.value}` : text;
    this.changed();
    this.field.focus();
  }

  changed() {
    if (this.field.value) this.storage.setItem(this.key, this.field.value);
    else this.storage.removeItem(this.key);
    this.measure();
    // Said again while it goes on: whoever reads it forgets it after a while.
    if (this.field.value && Date.now() - this.told > TYPING_AGAIN_MS) {
      this.told = Date.now();
      this.typing(true);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.rest(), TYPING_PAUSE_MS);
  }

  rest() {
    clearTimeout(this.timer);
    if (this.told) this.typing(false);
    this.told = 0;
  }

  measure() {
    const length = codePoints(this.field.value);
    const over = length > CONTENT_MAX;
    this.count.textContent = over
      ? `${counted(length - CONTENT_MAX, "character")} too many; shorten it or split it.`
      : length >= COUNT_FROM ? `${counted(CONTENT_MAX - length, "character")} left` : "";
    this.count.classList.toggle("problem", over);
    this.button.disabled = this.field.disabled || this.field.readOnly || over || !this.field.value.trim();
    this.field.style.blockSize = "auto";
    // Nothing has a height where it is not shown.
    if (this.field.scrollHeight) this.field.style.blockSize = `${this.field.scrollHeight + 2}px`;
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
