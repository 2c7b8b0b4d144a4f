/** What one seldom does with a conversation, behind one button. */

import { button, el } from "../dom.js";
import { attempt } from "../shell.js";
import { save } from "./download.js";

/** @param {[string, () => any][]} acts */
export function menu(acts) {
  const made = el("details", { class: "menu", "data-testid": "menu" }, el("summary", { "aria-label": "More" }, "More"),
    el("div", { class: "menu-list" }, acts.map(([label, act]) => button(label, () => {
      made.open = false;
      made.querySelector("summary").focus();
      return act();
    }, { class: "plain" }))));
  made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    made.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!made.contains(/** @type {Node} */ (event.target))) made.open = false;
  });
  return made;
}

/** @param {import("../api.js").Api} api @param {string | undefined} session @param {"md" | "json"} form */
export function saveTranscript(api, session, form) {
  return attempt(async () => save(await api.file(`/api/sessions/${session}/transcript.${form}`), `conversation-${session}.${form}`));
}
