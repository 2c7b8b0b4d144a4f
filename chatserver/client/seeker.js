/** The seeker's page: resume and matches beside the conversation. */

import { button, byId, el, fill } from "./dom.js";
import { Receipts } from "./receipts.js";
import { attempt, boot, connect, showView } from "./shell.js";
import { empty, reduce } from "./state.js";
import { Composer } from "./views/composer.js";
import { ConversationView } from "./views/conversation.js";
import { matchCard } from "./views/jobs.js";
import { MyData, receiptCard } from "./views/mydata.js";
import { ResumeView } from "./views/resume.js";
import { moment, queueSentence, standing } from "./words.js";

const EARLIER_PAGE = 50;
const MATCHES_RETRY_MS = 4_000;

class SeekerPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.here = here;
    this.api = here.api;
    this.state = empty();
    this.queue = "";
    /** @type {import("./socket.js").Wish} the conversation that was asked for last */
    this.wish = {};
    this.place = `session:${here.me.id}`;
    this.resume = new ResumeView(here.api, () => this.showMatches());
    this.matches = el("div", { class: "stack", "data-testid": "matches", "aria-live": "polite" });
    this.past = el("div", { class: "stack", "data-testid": "past" });
    this.view = new ConversationView(here.me.id, "You", here.config.assistant, {
      stop: () => this.command("stop", { turn: this.state.answer?.turn }),
      retry: (turn) => this.command("retry", { turn }),
      earlier: () => this.earlier(),
      discard: (id) => this.discard(id),
      rate: (seq, rating, comment) => this.command("rate", { seq, rating, comment }),
      read: () => this.read(),
    });
    this.receipts = new Receipts((session, seq) => this.line.mention("seen", { session, seq }));
    document.addEventListener("visibilitychange", () => this.read());
    this.composer = new Composer("Write a message", sessionStorage, (content) => this.send(content), (on) => this.typing(on));
    this.standing = el("p", { class: "standing", "data-testid": "standing" });
    this.human = el("div", { class: "row" });
    this.waiting = el("p", { class: "notice", role: "status", "data-testid": "queue", hidden: true });
    this.layOut();
    const { line, outbox } = connect(here, (frame) => this.hear(frame), () => this.draw());
    this.line = line;
    this.outbox = outbox;
    void this.enter(this.remembered());
    void this.resume.load();
    void this.showMatches();
    void this.showPast();
  }

  layOut() {
    fill(byId("side"), this.resume.element,
      el("section", { "aria-labelledby": "matches-title" }, el("h2", { id: "matches-title" }, "Jobs that fit"), this.matches),
      el("section", { "aria-labelledby": "past-title" }, el("h2", { id: "past-title" }, "Your conversations"), this.past),
      new MyData(this.api, (receipt) => this.gone(receipt)).element);
    const { assistant } = this.here.config;
    const who = assistant.kind === "offline"
      ? "Offline assistant: no AI model is used here; answers are composed from the job data."
      : `Assistant: an AI model (${assistant.model}), not a person.`;
    fill(byId("main"),
      el("div", { class: "bar" },
        el("div", {}, el("h1", {}, "Conversation"), this.standing),
        this.human),
      this.waiting,
      this.view.element,
      el("div", { class: "foot" }, this.composer.element, el("p", { class: "quiet who-answers", "data-testid": "assistant" }, who)));
  }

  /** @param {any} receipt */
  gone(receipt) {
    this.line.close();
    this.here.session.signOut();
    byId("app").hidden = byId("views").hidden = true;
    byId("gate").hidden = false;
    fill(byId("account"));
    fill(byId("gate"), receiptCard(receipt, () => location.reload()));
    byId("gate").querySelector("h1")?.focus();
  }

  remembered() {
    const session = sessionStorage.getItem(this.place);
    return session ? { session } : {};
  }

  /** @param {import("./socket.js").Wish} wish @returns {Promise<void>} */
  async enter(wish) {
    this.wish = wish;
    const here = () => (this.state.session && this.state.session.id === wish.session ? this.state.seq : null);
    try {
      const frame = await this.line.join(wish, () => (wish.session ? here() : null));
      wish.session = frame.session.id;
      delete wish.new;
      delete wish.job;
      if (this.wish !== wish) return;
      sessionStorage.setItem(this.place, frame.session.id);
      // Only now: after a refusal the conversation on the screen must still be a live one.
      this.line.keepOnly(frame.session.id);
    } catch (error) {
      const refused = /** @type {any} */ (error);
      if (refused.code === "not_found" && wish.session) {
        sessionStorage.removeItem(this.place);
        return this.enter({});
      }
      if (!this.state.session && refused.isPassing) {
        setTimeout(() => this.wish === wish && void this.enter(wish), refused.pauseMs);
      }
      await attempt(() => Promise.reject(refused));
    }
  }

  /** @param {any} frame */
  hear(frame) {
    if (frame.type === "error" && !frame.ref) return;
    if (frame.type === "welcome") this.receipts.forget();
    const before = this.state;
    this.state = reduce(this.state, frame);
    if (this.state === before) return;
    if (this.state.behind && this.state.session) void this.enter({ session: this.state.session.id });
    if (frame.type === "status" || frame.type === "joined") {
      if (!this.state.session?.waiting_since) this.queue = "";
      void this.showPast();
    }
    this.draw();
  }

  draw() {
    const session = this.state.session;
    if (!session) return;
    const unsent = this.outbox.of(session.id);
    this.view.show(this.state, unsent);
    const open = session.status !== "closed";
    this.standing.textContent = open ? `You are ${standing(session)}` : "This conversation is closed";
    document.body.dataset.status = session.status;
    this.composer.open(open ? `draft:${session.id}` : null, open ? "Write a message" : "Start a new conversation to go on");
    this.drawHuman(session);
    this.read();
  }

  read() {
    if (this.line?.status.state === "open") this.receipts.look(this.state, this.view.following);
  }

  /** @param {import("./state.js").SessionInfo} session */
  drawHuman(session) {
    const waiting = Boolean(session.waiting_since);
    const key = `${session.id} ${session.status} ${waiting}`;
    this.waiting.hidden = !waiting;
    const sentence = this.queue
      || `You asked for a person at ${waiting ? moment(session.waiting_since ?? "") : ""}. The assistant goes on until somebody joins.`;
    if (waiting && this.waiting.textContent !== sentence) this.waiting.textContent = sentence;
    if (this.human.dataset.key === key) return;
    this.human.dataset.key = key;
    const fresh = button("New conversation", () => this.fresh(), { class: "plain" });
    if (session.status !== "active_ai") fill(this.human, fresh);
    else if (waiting) fill(this.human, fresh, button("Cancel waiting", () => this.command("cancel_human", {}), { class: "soft" }));
    else fill(this.human, fresh, button("Talk to a person", () => this.askHuman(), { class: "soft" }));
  }

  /** @param {string} type @param {object} fields */
  command(type, fields) {
    return attempt(() => this.line.request(type, { session: this.state.session?.id, ...fields }));
  }

  async askHuman() {
    const given = await this.command("ask_human", {});
    if (!given) return;
    this.queue = queueSentence(given);
    this.draw();
  }

  /** @param {string} content */
  send(content) {
    if (!this.state.session) return;
    this.line.post(this.state.session.id, content);
    this.view.toEnd();
  }

  /** @param {boolean} on */
  typing(on) {
    if (this.state.session) this.line.mention("typing", { session: this.state.session.id, on });
  }

  /** @param {string} id */
  discard(id) {
    const unsent = this.outbox.items.find((one) => one.id === id);
    this.outbox.remove(id);
    if (unsent) this.composer.put(unsent.content);
  }

  fresh() {
    showView("chat");
    return this.enter({ new: crypto.randomUUID() });
  }

  /** @param {string} job */
  async askAbout(job) {
    showView("chat");
    await this.enter({ job });
    byId("composer").focus();
  }

  async earlier() {
    const { session, events } = this.state;
    if (!session || !events.length) return;
    await attempt(async () => {
      const page = await this.api.get(`/api/sessions/${session.id}/messages`, { before: events[0].seq, limit: EARLIER_PAGE });
      this.hear({ type: "earlier", session: session.id, events: page.items, more: page.items.length > 0 && page.items[0].seq > 1 });
    });
  }

  async showMatches() {
    fill(this.matches, el("p", { class: "quiet" }, "Looking for jobs…"));
    try {
      const page = await this.api.get("/api/matches", { limit: 10 });
      fill(this.matches, page.items.length
        ? page.items.map((/** @type {any} */ match) => matchCard(match, (job) => this.askAbout(job)))
        : el("p", { class: "quiet" }, "No jobs to show yet. They appear once your resume has been read."));
    } catch (error) {
      fill(this.matches, el("p", { class: "problem" }, String(/** @type {Error} */ (error).message)),
        button("Try again", () => this.showMatches(), { class: "soft" }));
    }
  }

  async showPast() {
    clearTimeout(this.pastTimer);
    try {
      const page = await this.api.get("/api/sessions", { limit: 20 });
      fill(this.past, page.items.map((/** @type {any} */ one) => {
        const here = one.id === this.state.session?.id;
        return button("", () => {
          showView("chat");
          return this.enter({ session: one.id });
        }, { class: "past", "aria-current": here ? "true" : null, "data-session": one.id });
      }));
      page.items.forEach((/** @type {any} */ one, /** @type {number} */ place) => fill(this.past.children[place],
        el("span", { class: "last" }, one.last || "Nothing was said yet"),
        one.unread > 0 && one.id !== this.state.session?.id
          ? el("span", { class: "unread", title: `${one.unread} unread` }, one.unread, el("span", { class: "visually-hidden" }, " unread")) : null,
        el("span", { class: "quiet" }, `${moment(one.updated_at)} · ${standing(one)}`)));
    } catch {
      // A list that could not be read is asked for again; the conversation does not depend on it.
      this.pastTimer = setTimeout(() => this.showPast(), MATCHES_RETRY_MS);
    }
  }

  pastTimer = 0;
}

void boot("seeker", (here) => new SeekerPage(here));
