/** The sheet that says what each key does, with the switch that turns them off. */

import { button, el } from "../dom.js";
import { modal } from "./dialog.js";
import { areOn, SHORTCUTS, TAB_LABEL, turn } from "../keys.js";

/** @param {import("../kept.js").Kept} storage */
export function helpSheet(storage) {
  const on = el("input", { type: "checkbox", role: "switch", id: "shortcuts-on" });
  on.checked = areOn(storage);
  on.addEventListener("change", () => turn(storage, on.checked));
  const row = (/** @type {string} */ key, /** @type {string} */ label) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, label));
  const sheet = modal({ class: "sheet card", "aria-labelledby": "help-title", "data-testid": "help" },
    el("h2", { id: "help-title" }, "Keyboard"),
    el("dl", { class: "keys" }, SHORTCUTS.map((one) => row(one.key, one.label)), row("1 – 8", TAB_LABEL),
      row("Esc", "Leave a field, so that keys are shortcuts again"), row("Enter", "Send, or open the chosen conversation")),
    el("label", { class: "switch", for: "shortcuts-on" }, on, el("span", {}, "Single keys are shortcuts")),
    el("div", { class: "row" }, button("Close", () => sheet.close(), { class: "soft" })));
}
