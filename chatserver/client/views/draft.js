/** A private draft: what the assistant would write, to be read, changed and sent by a person, or thrown away. */

import { button, el } from "../dom.js";
import { codePoints } from "../state.js";
import { draftProblem, nature } from "../words.js";

const HINT_MAX = 300;
const WRITING = "Writing… Only you see this.";
const SUPERSEDED = "Another draft was asked for meanwhile; press “Draft” to have this one written.";
const LOST = "The connection was lost while it was written; press “Draft” again.";
const LEFT = "The page was loaded anew while it was written; press “Draft” again.";

/** @typedef {{ref: string, hint: string, text: string, who: string, problem: string, isDone: boolean}} Draft */

export class DraftBox {
  /** @param {import("../kept.js").Kept} storage the server keeps none; this one outlives a reload, not the tab
   * @param {(hint: string) => Promise<any>} ask resolves to the `ok`, or nothing where it was refused
   * @param {(text: string) => void} use */
  constructor(storage, ask, use) {
    this.storage = storage;
    this.ask = ask;
    this.session = "";
    /** @type {Map<string, Draft>} one for each session: who looks elsewhere meanwhile finds it again */
    this.drafts = new Map();
    this.hint = el("input", { type: "text", maxlength: HINT_MAX, "aria-label": "What the draft should say", placeholder: "What should it say? (optional)" });
    this.hint.addEventListener("input", () => {
      if (!this.draft) return;
      this.draft.hint = this.hint.value;
      this.keep(this.session);
    });
    this.who = el("p", { class: "quiet" });
    this.text = el("p", { class: "verbatim", tabindex: "0", role: "region", "aria-label": "Text of the draft", "data-testid": "draft-text" });
    this.problem = el("p", { class: "problem", role: "alert", "data-testid": "draft-problem" });
    this.word = el("p", { class: "visually-hidden", role: "status" });
    this.useButton = button("Put it into the reply", () => {
      use(this.text.textContent ?? "");
      this.discard();
    }, { class: "primary" });
    this.element = el("section", { class: "draft-box card", "aria-label": "Private draft", hidden: true, "data-testid": "draft-box" },
      el("form", { class: "row" }, this.hint, el("button", { type: "submit", class: "soft" }, "Draft")),
      this.who, this.text, this.problem, this.word,
      el("div", { class: "row" }, this.useButton, button("Discard", () => this.discard(), { class: "plain" })));
    this.element.querySelector("form")?.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.begin();
    });
  }

  get draft() {
    return this.drafts.get(this.session);
  }

  /** @param {string | null} session null where nobody may write */
  turnTo(session) {
    if ((session ?? "") === this.session) return;
    this.session = session ?? "";
    this.takeUp();
    this.hint.value = this.draft?.hint ?? "";
    this.draw();
  }

  async open() {
    if (!this.session) return;
    if (!this.draft) {
      this.drafts.set(this.session, { ref: "", hint: "", text: "", who: "", problem: "", isDone: false });
      this.hint.value = "";
      await Promise.resolve(this.begin(true));
    }
    this.hint.focus();
  }

  discard() {
    this.forget(this.session);
    this.draw();
  }

  /** @param {string} session */
  forget(session) {
    this.drafts.delete(session);
    this.storage.removeItem(place(session));
  }

  /** @param {string} session */
  keep(session) {
    this.storage.setItem(place(session), JSON.stringify(this.drafts.get(session)));
  }

  /** What was kept before a reload; the end of one that was being written came to nobody. */
  takeUp() {
    const kept = this.session && !this.draft ? this.storage.getItem(place(this.session)) : null;
    if (!kept) return;
    const draft = JSON.parse(kept);
    this.drafts.set(this.session, draft.isDone ? draft : { ...draft, ref: "", who: "", problem: LEFT, isDone: true });
  }

  /** What was being written on a line that is gone comes to no end. */
  lineLost() {
    this.end(LOST, null);
  }

  /** @param {string} problem @param {Draft | null} but */
  end(problem, but) {
    for (const [session, draft] of this.drafts) {
      if (draft === but || draft.isDone || !draft.who) continue;
      Object.assign(draft, { ref: "", isDone: true, who: "", problem });
      this.keep(session);
    }
    this.draw();
  }

  /** @param {boolean} [focus] */
  async begin(focus = false) {
    const { session, draft } = this;
    if (!draft) return;
    Object.assign(draft, { ref: "", text: "", who: WRITING, problem: "", isDone: false });
    this.keep(session);
    // The server writes one at a time for each of us.
    this.end(SUPERSEDED, draft);
    if (focus) this.hint.focus();
    const begun = await this.ask(draft.hint.trim());
    if (begun) draft.ref = begun.ref;
    else this.forget(session);
    this.draw();
  }

  /** @param {any} frame a `draft_delta` or a `draft` */
  hear(frame) {
    const draft = this.drafts.get(frame.session);
    if (!draft?.ref || frame.ref !== draft.ref) return;
    if (frame.type === "draft_delta") {
      if (codePoints(draft.text) === frame.at) draft.text += frame.content;
    } else {
      draft.isDone = true;
      draft.text = frame.content;
      draft.problem = frame.failed ? draftProblem(frame.failed) : "";
      draft.who = `${frame.author.name} (${nature(frame.author.kind, "assistant")}). Only you see this; read it before you send it.`;
      this.keep(frame.session);
    }
    this.draw();
  }

  draw() {
    const { draft } = this;
    this.element.hidden = !draft;
    if (!draft) return;
    const ready = draft.isDone && Boolean(draft.text);
    write(this.who, draft.who);
    write(this.text, draft.text);
    write(this.problem, draft.problem);
    write(this.word, ready && !draft.problem ? "The draft is ready." : "");
    this.text.hidden = !draft.text;
    this.useButton.disabled = !ready;
  }
}

/** @param {string} session */
function place(session) {
  return `private-draft:${session}`;
}

/** @param {HTMLElement} element @param {string} sentence */
function write(element, sentence) {
  if (element.textContent !== sentence) element.textContent = sentence;
}
