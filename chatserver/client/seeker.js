/** The seeker's page: resume and matches beside the conversation. */

import { button, byId, el, fill } from "./dom.js";
import { earlierThan } from "./earlier.js";
import { tab } from "./kept.js";
import { NewsTitle } from "./newstitle.js";
import { Receipts } from "./receipts.js";
import { attempt, boot, connect, showView } from "./shell.js";
import { soon } from "./soon.js";
import { empty, reduce } from "./state.js";
import { Typists } from "./typists.js";
import { Composer } from "./views/composer.js";
import { Consent } from "./views/consent.js";
import { ConversationView } from "./views/conversation.js";
import { question } from "./views/dialog.js";
import { jobLine } from "./views/jobdetails.js";
import { JobDialog } from "./views/jobdialog.js";
import { JobPanel } from "./views/jobpanel.js";
import { MatchesView } from "./views/matches.js";
import { menu, saveTranscript } from "./views/menu.js";
import { MyData, receiptCard } from "./views/mydata.js";
import { PastView } from "./views/past.js";
import { PersonView } from "./views/person.js";
import { ResumeView } from "./views/resume.js";
import { StartView } from "./views/start.js";
import { standing } from "./words.js";

class SeekerPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.here = here;
    this.api = here.api;
    this.state = empty();
    /** @type {import("./socket.js").Wish} the conversation that was asked for last */
    this.wish = {};
    this.place = `session:${here.me.id}`;
    const { api } = here;
    /** @type {Consent} */
    this.consent = new Consent(api, () => this.resume.has, () => this.resume.has && this.resume.load());
    /** @type {ResumeView} */
    this.resume = new ResumeView(api, () => this.resumeChanged(), () => this.consent.settled());
    this.matches = new MatchesView(api, (job) => this.askAbout(job), (match) => this.dialog.open({
      id: match.job.id, title: match.job.title, line: jobLine(match.job), fit: match,
    }));
    this.past = new PastView(api, (session) => this.choose(session), (unread) => this.news.unread(unread));
    this.news = new NewsTitle("Ottobon Jobs");
    this.typists = new Typists((frame) => this.hear(frame));
    this.dialog = new JobDialog(api, (job) => this.askAbout(job));
    this.panel = new JobPanel(api, (question) => this.composer.put(`Practise this interview question with me: “${question}”\nMy answer: `));
    this.person = new PersonView(() => this.line.request("ask_human", { session: this.state.session?.id }), () => this.command("cancel_human", {}));
    this.start = new StartView((question) => this.send(question), () => this.resume.choose());
    this.view = new ConversationView(here.me.id, "You", here.config.assistant, {
      stop: () => this.command("stop", { turn: this.state.answer?.turn }),
      retry: (turn) => this.command("retry", { turn }),
      earlier: () => this.earlier(),
      discard: (id) => this.discard(id),
      rate: (seq, rating, comment) => this.command("rate", { seq, rating, comment }),
      read: () => this.read(),
      start: this.start.element,
      openJob: (source) => this.dialog.open({
        id: source.job, ref: source.ref, title: source.title, line: [source.company, source.location].filter(Boolean).join(" · "), fit: null,
      }),
    });
    this.receipts = new Receipts((session, seq) => this.line.mention("seen", { session, seq }));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.lookAgain());
    this.composer = new Composer("Write a message", tab, (content) => this.send(content), (on) => this.typing(on));
    this.standing = el("p", { class: "standing", "data-testid": "standing" });
    this.title = el("h1", {}, "Conversation");
    this.human = button("Talk to a person", () => this.askHuman(), { class: "soft", hidden: true });
    this.over = el("div", { class: "over", hidden: true, "data-testid": "over" },
      el("p", { class: "quiet" }, "This conversation is closed. It stays in your list."),
      button("Start a new conversation", () => this.fresh(), { class: "primary" }));
    this.layOut();
    const { line, outbox } = connect(here, (frame) => this.hear(frame), () => this.draw());
    this.line = line;
    this.outbox = outbox;
    void this.enter(this.remembered());
    void this.consent.load();
    void this.resume.load();
  }

  layOut() {
    fill(byId("side"), this.resume.element, this.matches.element, this.past.element,
      new MyData(this.api, () => this.erase(), this.consent.element).element);
    const { assistant } = this.here.config;
    const who = assistant.kind === "offline"
      ? "Offline assistant: no AI model is used here; answers are composed from the job data."
      : `Assistant: an AI model (${assistant.model}), not a person. It can be wrong.`;
    const fresh = button("New", () => this.fresh(), { class: "plain", "aria-label": "New conversation" });
    fresh.append(el("span", { class: "wide-only" }, " conversation"));
    fill(byId("main"),
      el("div", { class: "bar" },
        el("div", {}, this.title, this.standing),
        el("div", { class: "row" }, fresh, this.human, menu([
          ["Save as text", () => saveTranscript(this.api, this.state.session?.id, "md")],
          ["Save as data (JSON)", () => saveTranscript(this.api, this.state.session?.id, "json")],
          ["Close this conversation", () => this.close()],
        ]))),
      this.consent.notice,
      this.panel.element,
      this.person.element,
      this.view.element,
      el("div", { class: "foot" }, this.composer.element, this.over, el("p", { class: "quiet who-answers", "data-testid": "assistant" }, who)));
  }

  async erase() {
    // Whoever is gone is let in nowhere: what the line asked for meanwhile would be refused.
    this.line.close();
    try {
      this.gone(await this.api.send("DELETE", "/api/me"));
    } catch (error) {
      void this.line.open();
      throw error;
    }
  }

  /** @param {any} receipt */
  gone(receipt) {
    this.here.session.signOut();
    byId("app").hidden = byId("views").hidden = true;
    byId("gate").hidden = false;
    fill(byId("account"));
    fill(byId("gate"), receiptCard(receipt, () => location.reload()));
    byId("gate").querySelector("h1")?.focus();
  }

  remembered() {
    const session = tab.getItem(this.place);
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
      tab.setItem(this.place, frame.session.id);
      this.take(frame);
      // Only now: after a refusal the conversation on the screen must still be a live one.
      this.line.keepOnly(frame.session.id);
    } catch (error) {
      const refused = /** @type {any} */ (error);
      if (refused.code === "not_found" && wish.session) {
        tab.removeItem(this.place);
        return this.enter({});
      }
      if (!this.state.session && refused.isPassing) setTimeout(() => this.wish === wish && void this.enter(wish), refused.pauseMs);
      await attempt(() => Promise.reject(refused));
    }
  }

  /** @param {any} frame */
  hear(frame) {
    if (frame.type === "welcome") this.receipts.forget();
    // Which one is turned to is known where it was asked for.
    if (frame.type === "joined" && frame.session.id !== this.state.session?.id) return;
    if (frame.type === "typing") this.typists.hear(frame);
    this.take(frame);
  }

  /** @param {any} frame */
  take(frame) {
    const before = this.state;
    this.state = reduce(this.state, frame);
    if (this.state === before) return;
    if (this.state.behind && !before.behind && before.session) this.line.catchUp(before.session.id);
    this.news.hear(frame);
    if (frame.type === "status" || frame.type === "joined") {
      void this.past.load();
    }
    if (frame.type === "delta") this.drawSoon();
    else this.draw();
  }

  drawSoon = soon(() => this.draw());

  /** What came in other conversations meanwhile is told to nobody who is not in them. */
  lookAgain() {
    this.news.seen();
    void this.past.load();
    this.read();
  }

  draw() {
    const session = this.state.session;
    if (!session) return;
    const unsent = this.outbox.of(session.id);
    this.drawStart(session, unsent.length > 0);
    this.view.show(this.state, unsent, this.line?.status.state === "open");
    const open = session.status !== "closed";
    this.standing.textContent = open ? `You are ${standing(session)}` : "This conversation is closed";
    document.body.dataset.status = session.status;
    this.composer.open(open ? `draft:${session.id}` : null);
    this.composer.element.hidden = !open;
    this.over.hidden = open;
    this.drawHuman(session);
    this.read();
  }

  read() {
    if (this.line?.status.state === "open") this.receipts.look(this.state, this.view.following);
  }

  /** @param {import("./state.js").SessionInfo} session */
  drawHuman(session) {
    this.human.hidden = session.status !== "active_ai" || Boolean(session.waiting_since);
    this.person.show(session.status === "active_ai" ? session.waiting_since : undefined);
    this.title.textContent = session.job ? "About one job" : "Conversation";
    void this.panel.show(session.job);
    this.past.here(session.id);
  }

  /** @param {import("./state.js").SessionInfo} session @param {boolean} isWriting */
  drawStart(session, isWriting) {
    const hasBegun = isWriting || this.state.earlier || session.status !== "active_ai"
      || this.state.events.some((event) => event.type === "message" && event.role === "user");
    const kind = session.job ? "job" : this.resume.has ? "resume" : "none";
    this.start.show(hasBegun || !this.state.events.length ? null : kind, this.resume.has);
  }

  resumeChanged() {
    this.consent.draw();
    void this.matches.load(this.resume.has);
    this.draw();
  }

  /** @param {string} type @param {object} fields */
  command(type, fields) {
    return attempt(() => this.line.request(type, { session: this.state.session?.id, ...fields }));
  }

  async askHuman() {
    const given = await this.command("ask_human", {});
    if (given) this.person.answered(given);
  }

  async close() {
    const session = this.state.session?.id;
    const isMeant = await question({
      title: "Close this conversation?", what: "It is closed for good. It stays in your list, and you can start a new one.",
      yes: "Close it", no: "Keep it open",
    });
    if (isMeant) await this.command("close", { session });
  }

  /** @param {string} session */
  choose(session) {
    showView("chat");
    return this.enter({ session });
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
    const written = this.outbox.takeBack(id);
    if (written !== null) this.composer.put(written);
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
    const page = await attempt(() => earlierThan(this.api, this.state));
    if (page) this.take(page);
  }
}

void boot("seeker", (here) => new SeekerPage(here));
