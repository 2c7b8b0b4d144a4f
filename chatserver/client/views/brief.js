/** What an admin has to know before the first word: why, what was asked, about which job, and what was tried. */

import { el, fill } from "../dom.js";
import { plain, waited } from "../words.js";

const QUESTION_SHOWN = 300;
const ANSWER_SHOWN = 140;
const REFS_SHOWN = 5;

/** @typedef {import("../state.js").State} State @typedef {import("../state.js").DurableEvent} DurableEvent */

export class Brief {
  constructor() {
    this.drawn = "";
    this.session = "";
    /** @type {Map<string, string>} what was said once is known also when nobody waits any more */
    this.reasons = new Map();
    this.list = el("dl", { class: "facts" });
    this.element = el("details", { class: "brief card", open: true, hidden: true, "data-testid": "brief" },
      el("summary", {}, "A person was asked for"), this.list);
  }

  /** @param {State} state @param {string | undefined} said the reason, as long as somebody waits @param {boolean} mine */
  show(state, said, mine) {
    const id = state.session?.id ?? "";
    if (said) this.reasons.set(id, said);
    const reason = this.reasons.get(id);
    const since = state.session?.waiting_since;
    // Read before somebody takes over; then the room belongs to the conversation.
    const turn = `${id} ${mine}`;
    if (turn !== this.session) this.element.open = !mine;
    this.session = turn;
    const asked = since !== undefined || wasAsked(state.events);
    this.element.hidden = !asked || state.session?.status === "closed";
    if (this.element.hidden) return;
    const facts = brief(state, reason);
    if (since) facts.unshift(["Waiting", waited(since)]);
    const key = JSON.stringify([state.session?.id, facts]);
    if (key === this.drawn) return;
    this.drawn = key;
    fill(this.list, facts.map(([name, said]) => el("div", {}, el("dt", {}, name), el("dd", {}, said))));
  }
}

/** Whether the last word about waiting is that somebody waits, or was taken over after it. @param {DurableEvent[]} events */
function wasAsked(events) {
  const last = [...events].reverse().find((event) => event.type === "status"
    && ["waiting", "waiting_over", "handed_back", "lease_over"].includes(event.reason ?? ""));
  return last?.reason === "waiting";
}

/** @param {State} state @param {string | undefined} reason @returns {[string, string][]} */
export function brief(state, reason) {
  const said = state.events.filter((event) => event.type === "message");
  const question = [...said].reverse().find((event) => event.role === "user");
  const last = [...said].reverse().find((event) => event.role === "assistant");
  const note = [...state.events].reverse().find((event) => event.type === "note");
  const about = Object.values(state.sources).find((source) => source.job === state.session?.job);
  /** @type {[string, string | undefined | false][]} */
  const facts = [
    ["Reason", reason || "None was given."],
    ["Last question", question && cut(question.content ?? "", QUESTION_SHOWN)],
    ["About", about && `${about.title}, ${about.company}`],
    ["Tried", tried(state)],
    ["Last answer", last && cut(plain(last.content ?? ""), ANSWER_SHOWN)],
    ["Promised", promised(said)],
    ["Last note", note && `${note.author?.name ?? "An admin"}: ${cut(note.content ?? "", ANSWER_SHOWN)}`],
  ];
  return /** @type {[string, string][]} */ (facts.filter(([, fact]) => fact));
}

/** What the assistant did so far, and how it was taken. @param {State} state */
function tried(state) {
  const answers = state.events.filter((event) => event.type === "message" && event.role === "assistant");
  const failed = state.events.filter((event) => event.reason?.startsWith("answer_failed")).length;
  const stopped = answers.filter((event) => event.interrupted).length;
  const disliked = answers.filter((event) => event.rating === -1);
  const refs = Object.keys(state.sources);
  const why = disliked.at(-1)?.comment;
  return [
    `${answers.length === 1 ? "one answer" : `${answers.length} answers`} of the assistant${state.earlier ? " in what is shown" : ""}`,
    refs.length && `${refs.length === 1 ? "one job" : `${refs.length} jobs`} named (${refs.slice(0, REFS_SHOWN).join(", ")}${refs.length > REFS_SHOWN ? ", …" : ""})`,
    stopped && `${stopped} broken off`, failed && `${failed} that failed`,
    disliked.length && `${disliked.length} found unhelpful${why ? `: “${cut(why, ANSWER_SHOWN)}”` : ""}`,
  ].filter(Boolean).join("; ");
}

/** A person's word binds; the page itself promised only that somebody joins. @param {DurableEvent[]} said */
function promised(said) {
  const person = [...said].reverse().find((event) => event.role === "admin");
  const word = person && `${person.author?.name ?? "A person"} was here before and said last: “${cut(person.content ?? "", QUESTION_SHOWN)}” `;
  return `${word ?? ""}They were told that a person joins, with their place in the queue, and that the assistant goes on until then.`;
}

/** @param {string} text @param {number} most */
function cut(text, most) {
  const letters = Array.from(text.replace(/\s+/g, " ").trim());
  return letters.length > most ? `${letters.slice(0, most).join("")}…` : letters.join("");
}
