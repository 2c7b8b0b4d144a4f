/** One conversation as an admin works on it: who is in it, why, what was said, and what to answer. */

import { CannedAnswers, filled } from "../canned.js";
import { isHeld } from "../desk.js";
import { button, el, fill } from "../dom.js";
import { browser, tab } from "../kept.js";
import { standing, waited } from "../words.js";
import { Brief } from "./brief.js";
import { CannedBox } from "./cannedbox.js";
import { Composer } from "./composer.js";
import { ConversationView } from "./conversation.js";
import { question } from "./dialog.js";
import { DraftBox } from "./draft.js";
import { NoteBox } from "./notes.js";
import { Tabs } from "./tabs.js";

/** @typedef {import("../state.js").SessionInfo} SessionInfo @typedef {import("../lease.js").Warning} Warning
 * @typedef {{unsent: import("../outbox.js").Unsent[], reason: string | undefined, urgent: boolean,
 *   here: {id: string, name: string, role?: string}[]}} Around
 * @typedef {{command: (type: string, fields?: object) => Promise<any>, send: (content: string) => void,
 *   typing: (on: boolean) => void, discard: (id: string) => void, earlier: () => any, read: () => void,
 *   passOn: () => any, choose: (session: string) => void, close: (session: string) => void, leave: () => void, refused: () => void}} Acts */

export class AdminMain {
  /** @param {HTMLElement} element @param {import("../shell.js").Here} here @param {Acts} acts */
  constructor(element, here, acts) {
    this.me = here.me;
    this.acts = acts;
    this.mine = false;
    this.taking = "";
    /** @type {import("../state.js").State | null} */
    this.state = null;
    this.tabs = new Tabs(acts.choose, acts.close);
    this.brief = new Brief();
    this.view = new ConversationView(here.me.id, "The seeker", here.config.assistant, {
      stop: () => acts.command("stop", { turn: this.state?.answer?.turn }),
      retry: (turn) => acts.command("retry", { turn }),
      earlier: acts.earlier,
      discard: acts.discard,
      read: acts.read,
    });
    this.composer = new Composer("Reply", tab, acts.send, acts.typing);
    this.draft = new DraftBox(tab, (hint) => acts.command("draft", hint ? { hint } : {}), (text) => this.composer.put(text));
    this.canned = new CannedBox(new CannedAnswers(browser, `canned:${here.me.id}`), (text) => filled(text, this.known()),
      (text) => this.composer.put(text));
    this.notes = new NoteBox(tab, (id, content) => acts.command("note", { id, content }));
    this.title = el("h1", {}, "No conversation chosen");
    this.standing = el("p", { class: "standing", "data-testid": "standing" });
    this.here = el("p", { class: "quiet", "data-testid": "here" });
    this.buttons = el("div", { class: "row" });
    this.warned = el("span", { role: "status" });
    this.left = el("span", { class: "left", "aria-hidden": "true", "data-testid": "left" });
    this.warning = el("div", { class: "lease", hidden: true, "data-testid": "lease" }, this.warned, this.left,
      button("I am still here", () => acts.command("take_over"), { class: "soft" }));
    this.nothing = el("p", { class: "nothing quiet" }, "Choose a conversation from the lobby. Who waits for a person stands first.");
    this.draftButton = button("Draft", () => this.draft.open(), { class: "plain", "data-testid": "draft" });
    this.unsendable = el("p", { class: "unsendable", role: "status", hidden: true, "data-testid": "unsendable" });
    this.foot = el("div", { class: "foot" }, this.warning, this.draft.element, this.unsendable, this.composer.element,
      el("div", { class: "tools" }, this.draftButton, this.canned.element, this.notes.element));
    this.foot.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && this.escape(event));
    fill(element, this.tabs.element,
      el("div", { class: "bar" }, el("div", {}, this.title, this.standing, this.here), this.buttons),
      this.brief.element, this.nothing, this.view.element, this.foot);
    this.view.element.hidden = this.foot.hidden = true;
  }

  /** What a canned answer may name. */
  known() {
    const sources = Object.values(this.state?.sources ?? {});
    const about = sources.find((one) => one.job === this.state?.session?.job) ?? sources.at(-1);
    return { seeker: this.state?.session?.user.name, me: this.me.name, job: about?.title, company: about?.company };
  }

  /** @param {import("../desk.js").Desk} desk @param {Around} around */
  show(desk, around) {
    const { state } = desk;
    const { session } = state;
    this.state = state;
    this.nothing.hidden = Boolean(session);
    this.view.element.hidden = this.foot.hidden = !session;
    this.mine = isHeld(state, this.me.id);
    this.brief.show(state, around.reason, this.mine);
    this.drawActs(session);
    if (!session) {
      this.title.textContent = "No conversation chosen";
      this.standing.textContent = this.here.textContent = "";
      return;
    }
    this.view.show(state, around.unsent);
    this.title.textContent = session.user.name;
    const since = session.waiting_since ? `, ${waited(session.waiting_since)}` : "";
    this.standing.textContent = (around.urgent ? "Urgent: may be in danger; " : "") + (this.mine ? "with you" : standing(session)) + since;
    this.standing.classList.toggle("danger", around.urgent);
    this.drawHere(session, around.here);
    if (this.mine && this.taking === session.id) this.taking = "";
    const may = this.mine || this.taking === session.id;
    const hint = may ? "Reply" : session.status === "closed" ? "This conversation is closed" : "Take over to reply";
    this.composer.open(`draft:${session.id}`, hint, may);
    this.unsendable.hidden = may || !this.composer.field.value;
    this.unsendable.textContent = session.status === "closed"
      ? "The conversation is closed: what you wrote was not sent, and stays here to be copied."
      : "You do not hold this conversation: what you wrote was not sent. Take over to send it.";
    this.draft.turnTo(this.mine ? session.id : null);
    // Nothing can be sent there any more, and what a draft says of somebody stays no longer than that.
    if (session.status === "closed") this.draft.forget(session.id);
    this.draftButton.hidden = this.canned.element.hidden = !this.mine;
    this.notes.open(session.id);
  }

  /** Of one that was put away nothing is kept. @param {string} session */
  forget(session) {
    this.draft.forget(session);
    this.brief.reasons.delete(session);
  }

  /** @param {Warning | null} warning @param {import("../desk.js").Desk} desk @param {string[]} ending */
  warn(warning, desk, ending) {
    this.tabs.show(desk, this.me.id, ending);
    this.warning.hidden = !warning;
    if (!warning) return;
    if (this.warned.textContent !== warning.words) this.warned.textContent = warning.words;
    this.left.textContent = warning.left ? `${warning.left} s` : "";
  }

  /** Out of what is open first, then back to the lobby. @param {KeyboardEvent} event */
  escape(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const box = target.closest("details[open]");
    if (!box && !this.draft.element.contains(target)) return this.acts.leave();
    if (box) /** @type {HTMLDetailsElement} */ (box).open = false;
    if (this.mine) this.composer.field.focus();
    else this.acts.leave();
  }

  /** @param {SessionInfo} session @param {Around["here"]} here */
  drawHere(session, here) {
    const others = here.filter((one) => one.role === "admin" && one.id !== this.me.id).map((one) => one.name);
    const seeker = here.some((one) => one.id === session.user.id) ? "the seeker is here" : "the seeker is away";
    const sentence = `${seeker}${others.length ? `; ${others.join(", ")} ${others.length > 1 ? "look" : "looks"} on` : ""}`;
    if (this.here.textContent !== sentence) this.here.textContent = sentence;
  }

  /** @param {SessionInfo | null} session */
  drawActs(session) {
    const key = session ? `${session.id} ${session.status} ${session.admin?.id}` : "";
    if (this.buttons.dataset.key === key) return;
    this.buttons.dataset.key = key;
    const close = button("Close", () => this.close(), { class: "plain" });
    if (!session || session.status === "closed") fill(this.buttons);
    else if (this.mine) {
      fill(this.buttons, close, button("Pass on", () => this.acts.passOn(), { class: "plain" }),
        button("Hand back", () => this.acts.command("hand_back"), { class: "soft" }));
    } else fill(this.buttons, close, button("Take over", () => this.takeOver(), { class: "primary" }));
  }

  async takeOver() {
    if (!this.state?.session || this.mine || this.state.session.status === "closed") return;
    // Who goes on typing at once must not lose the first letters, nor have them taken for shortcuts: frames keep their
    // order, so that even a reply that is sent before the answer comes finds the conversation taken.
    this.taking = this.state.session.id;
    this.composer.open(`draft:${this.taking}`, "Reply", true);
    this.composer.field.focus();
    if (await this.acts.command("take_over")) return;
    this.taking = "";
    this.acts.refused();
  }

  async close() {
    const session = this.state?.session?.id;
    // The button stands beside harmless ones, and others may turn to another conversation meanwhile.
    const isMeant = await question({
      title: "Close this conversation?", what: "It is closed for good; the seeker can start a new one.", yes: "Close it", no: "Keep it open",
    });
    if (isMeant) await this.acts.command("close", { session });
  }
}
