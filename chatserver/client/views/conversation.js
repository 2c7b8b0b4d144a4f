/** A conversation as it stands: finished messages in a log, the growing answer beside it, what was not sent yet. */

import { button, el, fill } from "../dom.js";
import { render } from "../markdown.js";
import { isAwaited } from "../state.js";
import { moment, nature, phaseOf, phaseSentence, speaker, statusSentence, wholeMoment } from "../words.js";
import { GrowingText } from "./growing.js";
import { chip, sourceCard, sourceRow } from "./jobs.js";
import { verdict } from "./verdict.js";

/** @typedef {import("../state.js").State} State @typedef {import("../state.js").DurableEvent} DurableEvent */

const NEAR_END_PX = 120;
/** As long as a screen reader may take to see what is new. */
const BUSY_MS = 300;

/**
 * @typedef {object} Acts
 * @property {() => any} stop
 * @property {(turn: number) => any} retry
 * @property {() => any} earlier
 * @property {import("./verdict.js").Rate} [rate] the seeker's alone
 * @property {() => void} [read] the newest is on the screen
 * @property {(source: import("../state.js").Source) => any} [openJob] shows all of a job; without it its card unfolds
 * @property {HTMLElement} [start] what stands below the first word of a conversation that has only begun
 * @property {(id: string) => void} discard takes a message that was refused out, back into the composer
 */

export class ConversationView {
  /**
   * @param {string} me the viewer's id
   * @param {string} whose whose resume it is, in words
   * @param {{kind: string}} assistant who writes a growing answer
   * @param {Acts} acts
   */
  constructor(me, whose, assistant, acts) {
    this.me = me;
    this.assistant = assistant;
    this.following = true;
    this.whose = whose;
    this.acts = acts;
    this.session = "";
    this.first = 0;
    this.last = 0;
    /** @type {State | null} */
    this.state = null;
    this.drawn = "";
    this.waits = "";
    /** @type {{key: string, text: GrowingText, element: HTMLElement} | null} */
    this.text = null;
    this.log = el("div", { class: "log" });
    this.growing = el("div", { class: "growing", "data-testid": "growing" });
    this.unsent = el("div", { class: "unsent" });
    this.older = button("Show earlier messages", () => acts.earlier(), { class: "plain", hidden: true });
    this.word = el("div", { class: "visually-hidden", role: "status" });
    this.scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Messages" },
      el("div", { class: "column" }, this.older, this.log, acts.start ?? null, this.growing, this.unsent));
    this.jump = button("To the newest ↓", () => this.toEnd(), { class: "jump", hidden: true });
    this.scroll.addEventListener("scroll", () => {
      this.following = this.hasOnlyBegun() || this.isNearEnd();
      this.jump.hidden = this.following;
      if (this.following) acts.read?.();
    });
    // The place grows and shrinks with the composer, the banner and the keyboard of a phone.
    this.resized = new ResizeObserver(() => this.following && this.toEnd());
    this.resized.observe(this.scroll);
    this.phase = el("span", { "data-testid": "phase" });
    // Beside the text and never made anew: a button that moves with every word cannot be pressed.
    this.working = el("div", { class: "working", hidden: true },
      el("span", { class: "pulse", "aria-hidden": "true" }), this.phase,
      button("Stop", () => acts.stop(), { class: "soft", "data-testid": "stop" }));
    this.element = el("div", { class: "conversation" },
      el("div", { class: "window" }, this.scroll, this.jump), this.working, this.word);
  }

  isNearEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END_PX;
  }

  /** How to begin is read from its beginning. */
  hasOnlyBegun() {
    return this.acts.start !== undefined && !this.acts.start.hidden;
  }

  toEnd() {
    this.following = true;
    this.scroll.scrollTop = this.hasOnlyBegun() ? 0 : this.scroll.scrollHeight;
    this.jump.hidden = true;
  }

  /** @param {State} state @param {import("../outbox.js").Unsent[]} unsent
   * @param {boolean} [connected] whether what is unsent is on its way */
  show(state, unsent, connected = true) {
    this.state = state;
    const newest = state.events.at(-1)?.seq ?? 0;
    // Events behind what is drawn: the server has another log than it had, and this one is drawn anew.
    const fresh = (state.session?.id ?? "") !== this.session || newest < this.last || !newest;
    const follow = fresh || this.following;
    if (fresh) {
      this.session = state.session?.id ?? "";
      this.first = this.last = 0;
      this.drawn = "";
    }
    const own = fresh ? this.openLog(state) : this.showEvents(state);
    this.older.hidden = !state.earlier;
    this.showGrowing(state);
    this.showUnsent(state, unsent, connected);
    if (follow || own) this.toEnd();
    else this.jump.hidden = false;
  }

  /** What was said before goes into a log that is not on the page yet: else all of it would be read aloud.
   * @param {State} state */
  openLog(state) {
    const before = this.log;
    this.log = el("div", { class: "log", role: "log", "aria-label": "Conversation", "data-testid": "log" });
    const own = this.showEvents(state);
    this.resized.unobserve(before);
    before.replaceWith(this.log);
    this.resized.observe(this.log);
    return own;
  }

  /** What is durable never changes, so what is drawn stays. Says whether the viewer wrote some of what is new.
   * @param {State} state */
  showEvents(state) {
    const events = state.events;
    if (!events.length) return false;
    const older = this.first ? events.filter((event) => event.seq < this.first) : [];
    const height = this.scroll.scrollHeight;
    if (older.length) {
      const { log } = this;
      log.ariaBusy = "true";
      setTimeout(() => (log.ariaBusy = null), BUSY_MS);
      log.prepend(...older.map((event) => this.eventNode(event)));
      this.scroll.scrollTop += this.scroll.scrollHeight - height;
    }
    const newer = events.filter((event) => event.seq > this.last);
    this.log.append(...newer.map((event) => this.eventNode(event)));
    this.first = events[0].seq;
    this.last = events[events.length - 1].seq;
    this.showRetry(state);
    return this.drawn !== "" && newer.some((event) => event.author?.id === this.me);
  }

  /** @param {State} state */
  showRetry(state) {
    this.log.querySelector("[data-retry]")?.remove();
    if (!state.retry) return;
    const { turn } = state.retry;
    this.log.append(el("p", { class: "event", "data-retry": "" },
      button("Try again", () => this.acts.retry(turn), { class: "soft" })));
  }

  /** @param {DurableEvent} event */
  eventNode(event) {
    if (event.type === "status") {
      return el("p", { class: "event", "data-testid": "status", "data-seq": event.seq, "data-status": event.status },
        statusSentence(event, this.me), " ", this.time(event.timestamp));
    }
    if (event.type === "note") {
      return el("aside", { class: "message memo", "data-testid": "note", "data-seq": event.seq, "aria-label": "Note for admins" },
        this.head(speaker(event, this.me), "note, for admins only", event.timestamp),
        el("div", { class: "content", "data-testid": "content" }, el("p", { class: "verbatim", dir: "auto" }, event.content ?? "")));
    }
    if (event.role === "system") {
      return el("p", { class: "event", "data-testid": "system", "data-seq": event.seq }, event.content, " ", this.time(event.timestamp));
    }
    const own = event.author?.id === this.me;
    return el("article", {
      class: `message ${event.role}${own ? " own" : ""}`, "data-testid": "message", "data-role": event.role,
      "data-seq": event.seq, "data-id": event.id,
    },
      this.head(speaker(event, this.me), own ? "" : nature(event.author?.kind, event.role ?? ""), event.timestamp),
      el("div", { class: "content", "data-testid": "content" }, this.contentOf(event)),
      event.interrupted ? el("p", { class: "note" }, "Interrupted here.") : null,
      this.sourcesOf(event.sources),
      // Nobody asked for the first word, so nobody is asked whether it helped.
      event.role === "assistant" && event.code !== "greeting" ? verdict(event, this.acts.rate) : null);
  }

  /** People's words stay as they wrote them; the assistant's are Markdown. @param {DurableEvent} event */
  contentOf(event) {
    const text = event.content ?? "";
    return event.role === "assistant" ? this.rendered(text) : el("p", { class: "verbatim", dir: "auto" }, text);
  }

  /** @param {string} text */
  rendered(text) {
    return render(text, (ref) => this.chip(ref));
  }

  /** @param {string} ref */
  chip(ref) {
    return chip(ref, this.state?.sources[ref], (to, from) => this.open(to, from));
  }

  /** @param {import("../state.js").Source[] | undefined} sources */
  sourcesOf(sources) {
    if (!sources || !sources.length) return null;
    return el("div", { class: "sources", role: "group", "aria-label": "Jobs named here" },
      sources.map((source) => (this.acts.openJob
        ? sourceRow(source, (ref, from) => this.open(ref, from)) : sourceCard(source, this.whose))));
  }

  /** @param {string} name @param {string} kind @param {string | null} timestamp */
  head(name, kind, timestamp) {
    return el("header", {},
      el("span", { class: "who" }, name),
      kind ? el("span", { class: "kind" }, kind) : null,
      timestamp ? this.time(timestamp) : null);
  }

  /** @param {string} timestamp */
  time(timestamp) {
    return el("time", { datetime: timestamp, title: wholeMoment(timestamp) }, moment(timestamp));
  }

  /** The card of the same message, or the nearest one before. @param {string} ref @param {HTMLElement} from */
  open(ref, from) {
    const source = this.state?.sources[ref];
    if (source && this.acts.openJob) return void this.acts.openJob(source);
    const near = from.closest("article")?.querySelector(`.source[data-ref="${ref}"]`);
    const all = this.scroll.querySelectorAll(`.source[data-ref="${ref}"]`);
    const card = /** @type {HTMLDetailsElement | null} */ (near ?? all[all.length - 1] ?? null);
    if (!card) return;
    card.open = true;
    card.scrollIntoView({ block: "nearest" });
    card.querySelector("summary")?.focus();
  }

  /** Outside the live region until it is done: nobody wants to hear it word by word. @param {State} state */
  showGrowing(state) {
    const { answer } = state;
    const awaited = isAwaited(state);
    const talk = Object.values(state.typing).filter((person) => person.id !== this.me).map((person) => person.name).join(", ");
    const key = JSON.stringify([state.session?.id, awaited, talk, answer && [answer.turn, answer.phase, answer.at, answer.detail]]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.working.hidden = !answer;
    if (answer) this.phase.textContent = phaseOf(answer);
    this.say(answer ? phaseSentence(answer.phase) : "");
    fill(this.growing,
      this.partial(answer),
      awaited ? el("p", { class: "event" }, this.acts.rate ? "Your message is being read…" : "The message is being read…") : null,
      talk ? el("p", { class: "event", "data-testid": "typing" }, `${talk} is writing…`) : null);
  }

  /** The same nodes as long as it is the same answer: what is read must not be made anew under the eye.
   * @param {import("../state.js").Answer | null} answer */
  partial(answer) {
    if (!answer?.text) {
      this.text = null;
      return null;
    }
    const key = `${this.session} ${answer.turn}`;
    if (this.text?.key !== key) {
      const { kind } = this.assistant;
      const text = new GrowingText((ref) => this.chip(ref));
      const element = el("article", { class: "message assistant", "data-testid": "partial", "data-turn": answer.turn },
        this.head(kind === "offline" ? "Offline assistant" : "Assistant", nature(kind, "assistant"), new Date().toISOString()), text.element);
      this.text = { key, text, element };
    }
    this.text.text.show(answer.text);
    return this.text.element;
  }

  /** @param {string} sentence */
  say(sentence) {
    if (this.word.textContent !== sentence) this.word.textContent = sentence;
  }

  /** @param {State} state @param {import("../outbox.js").Unsent[]} unsent @param {boolean} connected */
  showUnsent(state, unsent, connected) {
    const stored = new Set(state.events.map((event) => event.id));
    const shown = unsent.filter((one) => !stored.has(one.id));
    const key = JSON.stringify([shown, connected]);
    if (key === this.waits) return;
    this.waits = key;
    fill(this.unsent, shown.map((one) =>
      el("article", { class: "message user own pending", "data-testid": "unsent", "data-id": one.id },
        this.head("You", one.failed ? "not sent" : connected ? "on its way…" : "kept until you are connected", null),
        el("div", { class: "content" }, el("p", { class: "verbatim", dir: "auto" }, one.content)),
        one.held && !one.failed ? el("p", { class: "note", role: "status" }, `${one.held} It is sent by itself.`) : null,
        one.failed ? el("p", { class: "problem", role: "alert" }, one.failed) : null,
        one.failed ? button("Edit and send again", () => this.acts.discard(one.id), { class: "soft" }) : null)));
  }
}
