/** Under an answer: copy it, and say whether it helped; a reason is welcome and not asked for twice. */

import { button, el, fill } from "../dom.js";
import { toast } from "../shell.js";

const COMMENT_MAX = 1_000;
const SAID_MS = 2_000;

/** @typedef {(seq: number, rating: number, comment?: string) => Promise<any>} Rate resolves to nothing where it failed */

/** @param {import("../state.js").DurableEvent} event @param {Rate | undefined} rate without it there is only the copy */
export function verdict(event, rate) {
  const row = el("footer", { class: "verdict", "data-testid": "verdict" }, navigator.clipboard ? copying(event.content ?? "") : null);
  if (rate) row.append(...judged(event, rate));
  else if (event.rating) row.append(el("p", { class: "quiet", "data-testid": "rated" }, rated(event)));
  return row;
}

/** What an admin reads of it. @param {import("../state.js").DurableEvent} event */
function rated(event) {
  const word = event.rating === 1 ? "The seeker found this helpful" : "The seeker found this not helpful";
  return event.comment ? `${word}: “${event.comment}”` : `${word}.`;
}

/** @param {string} text */
function copying(text) {
  const copy = button("Copy", async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      return toast("Your browser lets nothing be copied from here; select the text instead.");
    }
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), SAID_MS);
  }, { class: "plain" });
  return copy;
}

/** @param {import("../state.js").DurableEvent} event @param {Rate} rate */
function judged(event, rate) {
  let rating = event.rating ?? 0;
  const why = el("div", { class: "why" });
  const choices = [[1, "Helpful"], [-1, "Not helpful"]].map(([value, label]) =>
    button(String(label), () => choose(Number(value)), { class: "plain", "data-rating": value }));
  const show = () => choices.forEach((one) => one.setAttribute("aria-pressed", String(Number(one.dataset.rating) === rating)));

  /** @param {number} value pressed again it is taken back */
  async function choose(value) {
    const wanted = value === rating ? 0 : value;
    if (!await rate(event.seq, wanted)) return;
    rating = wanted;
    show();
    fill(why, rating === -1 ? reason() : null);
  }

  function reason() {
    const field = el("input", { type: "text", maxlength: COMMENT_MAX, "aria-label": "What was wrong?", placeholder: "What was wrong? (you need not say)" });
    const form = el("form", { class: "row" }, field, el("button", { type: "submit", class: "soft" }, "Send"));
    form.addEventListener("submit", async (/** @type {Event} */ submitted) => {
      submitted.preventDefault();
      const said = field.value.trim();
      if (said && !await rate(event.seq, -1, said)) return;
      fill(why, el("p", { class: "quiet", role: "status" }, "Thank you; it will be read."));
    });
    return form;
  }

  show();
  return [...choices, why];
}
