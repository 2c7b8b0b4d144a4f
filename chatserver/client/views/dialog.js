/** What stands in front of everything else until it is answered or left. */

import { button, el } from "../dom.js";

/** Opened, and gone once it is closed. @param {Record<string, any>} properties @param {...any} children
 * @returns {HTMLDialogElement} */
export function modal(properties, ...children) {
  const dialog = el("dialog", properties, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** @typedef {{title: string, what: string, yes: string, no?: string, isHarmless?: boolean}} Question `what` will happen;
 *   what `isHarmless` can be taken back as easily */

/** Asked before somebody else is concerned, or nobody can take it back; whoever leaves it has said no.
 * @param {Question} asked @returns {Promise<boolean>} */
export function question({ title, what, yes, no = "Cancel", isHarmless = false }) {
  return new Promise((resolve) => {
    let answer = false;
    const dialog = modal({ class: "card ask", "aria-labelledby": "question-title", "aria-describedby": "question-what", "data-testid": "question" },
      el("div", {},
        el("h2", { id: "question-title" }, title),
        el("p", { id: "question-what" }, what),
        el("div", { class: "row" },
          button(no, () => dialog.close(), { class: "soft" }),
          button(yes, () => {
            answer = true;
            dialog.close();
          }, { class: isHarmless ? "primary" : "primary danger" }))));
    dialog.addEventListener("close", () => resolve(answer));
  });
}
