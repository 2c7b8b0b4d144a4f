/** The admin's page: the lobby, one conversation live, and its seeker beside it. */

import { button, byId, el, fill } from "./dom.js";
import { fold } from "./lobby.js";
import { Receipts } from "./receipts.js";
import { attempt, boot, connect, showView } from "./shell.js";
import { empty, reduce } from "./state.js";
import { Composer } from "./views/composer.js";
import { ConversationView } from "./views/conversation.js";
import { LobbyView } from "./views/lobby.js";
import { NoteBox } from "./views/notes.js";
import { SeekerSide } from "./views/seekerside.js";
import { standing, waited } from "./words.js";

const EARLIER_PAGE = 50;
const SEARCH_PAUSE_MS = 250;
const FOUND_MAX = 50;

class AdminPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.me = here.me;
    this.api = here.api;
    this.state = empty();
    /** @type {import("./lobby.js").Summary[]} */
    this.sessions = [];
    /** @type {import("./lobby.js").Summary[] | null} */
    this.found = null;
    this.wanted = new URLSearchParams(location.search).get("session") ?? "";
    this.searching = 0;
    this.sought = "";
    this.available = sessionStorage.getItem("available") === "yes";
    this.lobby = new LobbyView((session) => this.choose(session));
    this.side = new SeekerSide(byId("beside"), here.api);
    this.view = new ConversationView(here.me.id, "The seeker", here.config.assistant, {
      stop: () => this.command("stop", { turn: this.state.answer?.turn }),
      retry: (turn) => this.command("retry", { turn }),
      earlier: () => this.earlier(),
      discard: (id) => this.discard(id),
      read: () => this.read(),
    });
    this.receipts = new Receipts((session, seq) => this.line.mention("seen", { session, seq }));
    document.addEventListener("visibilitychange", () => this.read());
    this.composer = new Composer("Reply", sessionStorage, (content) => this.send(content), (on) => this.typing(on));
    this.notes = new NoteBox((id, content) => this.command("note", { id, content }));
    this.title = el("h1", {}, "No conversation chosen");
    this.standing = el("p", { class: "standing", "data-testid": "standing" });
    this.acts = el("div", { class: "row" });
    this.nothing = el("p", { class: "nothing quiet" }, "Choose a conversation from the lobby. Who waits for a person stands first.");
    this.layOut();
    const { line, outbox } = connect(here, (frame) => this.hear(frame), () => this.draw());
    this.line = line;
    this.outbox = outbox;
    if (this.wanted) void this.enter(this.wanted);
  }

  layOut() {
    const search = el("input", { type: "search", "aria-label": "Search conversations", placeholder: "Search by name or words", "data-testid": "search" });
    search.addEventListener("input", () => {
      clearTimeout(this.searching);
      this.searching = setTimeout(() => this.search(search.value.trim()), SEARCH_PAUSE_MS);
    });
    const toggle = el("input", { type: "checkbox", role: "switch", id: "available", "data-testid": "available" });
    toggle.checked = this.available;
    toggle.addEventListener("change", () => this.setAvailable(toggle));
    fill(byId("side"),
      el("label", { class: "switch", for: "available" }, toggle, el("span", {}, "Seekers may expect me")),
      search,
      el("section", { "aria-labelledby": "lobby-title" }, el("h2", { id: "lobby-title" }, "Lobby"), this.lobby.element));
    this.foot = el("div", { class: "foot" }, this.composer.element, this.notes.element);
    fill(byId("main"),
      el("div", { class: "bar" }, el("div", {}, this.title, this.standing), this.acts),
      this.nothing, this.view.element, this.foot);
    this.view.element.hidden = this.foot.hidden = true;
    showView(this.wanted ? "chat" : "jobs");
    this.foot.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") this.lobby.list.querySelector("[aria-current=true]")?.focus();
    });
  }

  /** @param {HTMLInputElement} toggle */
  async setAvailable(toggle) {
    this.available = toggle.checked;
    sessionStorage.setItem("available", this.available ? "yes" : "no");
    const done = await attempt(() => this.line.request("available", { on: this.available }));
    if (!done) toggle.checked = this.available = !this.available;
  }

  /** @param {string} words */
  async search(words) {
    this.sought = words;
    if (!words) {
      this.found = null;
      return this.drawLobby();
    }
    await attempt(async () => {
      const page = await this.api.get("/api/sessions", { q: words, limit: FOUND_MAX });
      if (this.sought !== words) return;
      this.found = page.items;
      this.drawLobby();
    });
  }

  /** @param {string} session */
  choose(session) {
    showView("chat");
    if (this.state.session?.id !== session || this.wanted !== session) void this.enter(session);
  }

  /** @param {string} session */
  async enter(session) {
    this.wanted = session;
    const joined = await attempt(() => this.line.join({ session }, () => (this.state.session?.id === session ? this.state.seq : null)));
    if (this.wanted !== session) return;
    if (joined) this.line.keepOnly(session);
    // After a refusal the conversation on the screen is still the one that is joined.
    else this.wanted = this.state.session?.id ?? "";
    history.replaceState(null, "", this.wanted ? `?session=${encodeURIComponent(this.wanted)}` : location.pathname);
  }

  /** @param {any} frame */
  hear(frame) {
    if (frame.type === "welcome") this.greet();
    else if (frame.type === "lobby" || frame.type === "lobby_changed") {
      this.sessions = fold(this.sessions, frame);
      this.drawLobby();
    } else if (frame.type !== "joined" || frame.session.id === this.wanted) {
      const before = this.state;
      this.state = reduce(this.state, frame);
      if (this.state.behind && this.state.session) void this.enter(this.state.session.id);
      if (this.state !== before) this.draw();
    }
  }

  greet() {
    this.receipts.forget();
    attempt(() => this.line.request("watch"));
    if (this.available) attempt(() => this.line.request("available", { on: true }));
  }

  drawLobby() {
    this.lobby.show(this.found ?? this.sessions, this.state.session?.id ?? "");
    const waiting = this.sessions.filter((one) => one.waiting_since).length;
    document.title = `${waiting ? `(${waiting}) ` : ""}Lobby – Ottobon Jobs`;
  }

  draw() {
    const session = this.state.session;
    if (!session) return;
    this.nothing.hidden = true;
    this.view.element.hidden = this.foot.hidden = byId("beside").hidden = false;
    this.view.show(this.state, this.outbox.of(session.id));
    this.title.textContent = session.user.name;
    const since = session.waiting_since ? `, ${waited(session.waiting_since)}` : "";
    this.standing.textContent = standing(session) + since;
    const mine = session.status === "active_human" && session.admin?.id === this.me.id;
    const hint = mine ? "Reply" : session.status === "closed" ? "This conversation is closed" : "Take over to reply";
    this.composer.open(mine ? `draft:${session.id}` : null, hint);
    this.notes.open(session.id);
    this.drawActs(session, mine);
    this.drawLobby();
    this.side.show(this.state);
    this.read();
  }

  read() {
    if (this.line?.status.state === "open") this.receipts.look(this.state, this.view.following);
  }

  /** @param {import("./state.js").SessionInfo} session @param {boolean} mine */
  drawActs(session, mine) {
    const key = `${session.id} ${session.status} ${session.admin?.id}`;
    if (this.acts.dataset.key === key) return;
    this.acts.dataset.key = key;
    const close = button("Close", () => this.close(), { class: "plain" });
    if (session.status === "closed") fill(this.acts);
    else if (mine) fill(this.acts, close, button("Hand back", () => this.command("hand_back"), { class: "soft" }));
    else fill(this.acts, close, button("Take over", () => this.takeOver(), { class: "primary" }));
  }

  async takeOver() {
    const done = await this.command("take_over");
    if (done) byId("composer").focus();
  }

  async close() {
    // Closing is for good, and the button stands beside harmless ones.
    if (confirm("Close this conversation for good? The seeker can start a new one.")) await this.command("close");
  }

  /** @param {string} type @param {object} [fields] */
  command(type, fields = {}) {
    return attempt(() => this.line.request(type, { session: this.state.session?.id, ...fields }));
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

  async earlier() {
    const { session, events } = this.state;
    if (!session || !events.length) return;
    await attempt(async () => {
      const page = await this.api.get(`/api/sessions/${session.id}/messages`, { before: events[0].seq, limit: EARLIER_PAGE });
      this.hear({ type: "earlier", session: session.id, events: page.items, more: page.items.length > 0 && page.items[0].seq > 1 });
    });
  }
}

void boot("admin", (here) => new AdminPage(here));
