/** The admin's page: the lobby, the conversations that are open, and the seeker of the one that is looked at. */

import { byId } from "./dom.js";
import { Desk, isHeld } from "./desk.js";
import { earlierThan } from "./earlier.js";
import { browser, tab } from "./kept.js";
import * as keys from "./keys.js";
import { Leases } from "./lease.js";
import { fold, needsSomebody } from "./lobby.js";
import { Notices } from "./notices.js";
import { Onlookers } from "./onlookers.js";
import { Receipts } from "./receipts.js";
import { attempt, boot, connect, showView, toast } from "./shell.js";
import { soon } from "./soon.js";
import { Typists } from "./typists.js";
import { AdminMain } from "./views/adminmain.js";
import { AdminSide } from "./views/adminside.js";
import { helpSheet } from "./views/helpsheet.js";
import { passOn } from "./views/passon.js";
import { SeekerSide } from "./views/seekerside.js";

const FOUND_MAX = 50;
const CLOCK_MS = 5_000;
const LEASE_CLOCK_MS = 1_000;

class AdminPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.me = here.me;
    this.api = here.api;
    this.desk = new Desk(tab, here.me.id);
    this.onlookers = new Onlookers();
    this.typists = new Typists((frame) => this.hear(frame));
    this.leases = new Leases(here.config.admin_lease_seconds);
    this.notices = new Notices(browser, (session) => this.choose(session));
    /** @type {Set<string>} whose lease was said to run out */
    this.ending = new Set();
    /** @type {import("./lobby.js").Summary[]} */
    this.sessions = [];
    /** @type {import("./lobby.js").Summary[] | null} */
    this.found = null;
    this.sought = "";
    this.receipts = new Receipts((session, seq) => this.line.mention("seen", { session, seq }));
    this.seeker = new SeekerSide(byId("beside"), here.api, (session) => this.choose(session));
    this.side = new AdminSide(byId("side"), here.me.id, this.notices, {
      choose: (session) => this.choose(session),
      search: (words) => this.search(words),
      available: (on) => attempt(() => this.line.request("available", { on })),
    });
    this.main = new AdminMain(byId("main"), here, {
      command: (type, fields) => this.command(type, fields),
      send: (content) => this.send(content),
      typing: (on) => this.mention("typing", this.desk.current, { on }),
      discard: (id) => this.discard(id),
      earlier: () => this.earlier(),
      read: () => this.read(),
      passOn: () => this.passOn(),
      choose: (session) => this.choose(session),
      close: (session) => this.putAway(session),
      leave: () => this.side.focusCurrent(),
      refused: () => this.draw(),
    });
    document.addEventListener("visibilitychange", () => this.read());
    const { line, outbox } = connect(here, (frame) => this.hear(frame), () => this.draw());
    this.line = line;
    this.outbox = outbox;
    keys.listen(this.shortcuts(), (place) => this.turnToPlace(place), browser);
    byId("help").addEventListener("click", () => helpSheet(browser));
    setInterval(() => this.draw(), CLOCK_MS);
    setInterval(() => this.watchLeases(), LEASE_CLOCK_MS);
    const wanted = new URLSearchParams(location.search).get("session");
    showView(wanted ? "chat" : "jobs");
    for (const session of this.desk.remembered()) void this.enter(session);
    if (wanted) void this.enter(wanted);
  }

  /** @returns {Record<string, () => any>} */
  shortcuts() {
    const { main, side } = this;
    return {
      help: () => helpSheet(browser),
      search: () => side.search.focus(),
      next: () => side.lobby.step(1),
      previous: () => side.lobby.step(-1),
      longest: () => this.sessions[0] && needsSomebody(this.sessions[0]) && this.choose(this.sessions[0].id),
      takeOver: () => main.takeOver(),
      reply: () => main.composer.field.focus(),
      draft: () => main.draft.open(),
      canned: () => main.canned.open(),
      note: () => main.notes.show(),
      handBack: () => main.mine && this.command("hand_back"),
      passOn: () => main.mine && this.passOn(),
      closeTab: () => this.putAway(this.desk.current),
      available: () => side.toggle.click(),
    };
  }

  /** @param {number} place */
  turnToPlace(place) {
    const session = [...this.desk.open.keys()][place];
    if (session) this.choose(session);
  }

  /** @param {string} words */
  async search(words) {
    this.sought = words;
    this.found = null;
    if (!words) return this.drawLobby();
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
    if (this.desk.current !== session) void this.enter(session);
  }

  /** @param {string} session */
  async enter(session) {
    this.main.composer.rest();
    const before = this.desk.current;
    const isOpen = this.desk.open.has(session);
    const crowded = this.desk.turnTo(session);
    if (crowded) this.leave(crowded);
    this.draw();
    this.remember();
    if (isOpen) return;
    const joined = await attempt(() => this.line.join({ session }, () => this.desk.seq(session)));
    if (joined) return;
    // After a refusal the conversation that was looked at before is looked at again.
    const next = this.desk.close(session);
    if (this.desk.current === session) this.desk.current = this.desk.open.has(before) ? before : next;
    this.draw();
    this.remember();
  }

  /** @param {string} session */
  putAway(session) {
    const open = this.desk.open.get(session);
    if (!open) return;
    this.main.composer.rest();
    if (isHeld(open.state, this.me.id)) {
      toast(`You still hold the conversation with ${open.state.session?.user.name}; it stands under “Mine” in the lobby.`);
    }
    this.leave(session);
    this.desk.current = this.desk.close(session);
    if (this.desk.current) this.desk.turnTo(this.desk.current);
    else showView("jobs");
    this.draw();
    this.remember();
  }

  /** @param {string} session */
  leave(session) {
    this.line.leave(session);
    this.onlookers.forget(session);
    this.leases.forget(session);
    this.main.forget(session);
    const users = [...this.desk.open].filter(([id]) => id !== session).map(([, { state }]) => state.session?.user.id ?? "");
    this.seeker.keep(new Set(users));
  }

  remember() {
    const { current } = this.desk;
    this.desk.remember();
    history.replaceState(null, "", current ? `?session=${encodeURIComponent(current)}` : location.pathname);
  }

  /** @param {any} frame */
  hear(frame) {
    if (frame.type === "welcome") this.greet();
    else if (frame.type === "presence") this.onlookers.hear(frame, Date.now());
    else if (frame.type === "draft" || frame.type === "draft_delta") this.main.draft.hear(frame);
    else if (frame.type === "lobby" || frame.type === "lobby_changed") {
      const mine = new Set(this.sessions.filter((one) => one.admin?.id === this.me.id).map((one) => one.id));
      this.sessions = fold(this.sessions, frame);
      this.notices.lobby(this.sessions);
      if (frame.type === "lobby_changed") frame.sessions.forEach((/** @type {any} */ one) => mine.has(one.id) || this.receive(one));
      this.drawLobby();
    } else {
      if (frame.type === "typing") this.typists.hear(frame);
      const wasBehind = this.desk.open.get(frame.session)?.state.behind;
      const session = this.desk.hear(frame);
      if (!session) return;
      const state = this.desk.open.get(session)?.state;
      if (frame.type === "joined" || frame.reason === "taken_over" || frame.reason === "transferred") this.leases.acts(session, Date.now());
      if (frame.type === "message" && frame.role === "user" && state?.session?.admin?.id === this.me.id) {
        this.notices.message(session, state.session.user.name);
      }
      if (state?.behind && !wasBehind) this.line.catchUp(session);
    }
    if (frame.type === "delta") this.drawSoon();
    else this.draw();
  }

  /** One that is held from now on and was not taken here was passed on. @param {import("./lobby.js").Summary} summary */
  receive({ id, user, admin }) {
    if (admin?.id !== this.me.id || this.desk.open.has(id)) return;
    this.notices.aside(id, `${user.name} is with you now`, "");
    toast(`The conversation with ${user.name} is with you now; it stands under “Mine” in the lobby.`);
  }

  drawSoon = soon(() => this.draw());

  greet() {
    this.receipts.forget();
    this.main.draft.lineLost();
    attempt(() => this.line.request("watch"));
    if (this.side.toggle.checked) attempt(() => this.line.request("available", { on: true }));
  }

  drawLobby() {
    const live = new Map(this.sessions.map((one) => [one.id, one]));
    this.side.show(this.found?.map((one) => live.get(one.id) ?? one) ?? this.sessions, this.desk.current, this.sought);
  }

  draw() {
    const { state } = this.desk;
    const session = state.session;
    byId("beside").hidden = !session;
    const now = Date.now();
    const summary = this.sessions.find((one) => one.id === session?.id);
    this.main.show(this.desk, {
      unsent: session ? this.outbox.of(session.id) : [],
      reason: summary?.reason,
      urgent: Boolean(summary?.urgent_since),
      here: session ? this.onlookers.of(session.id, now) : [],
    });
    this.watchLeases();
    this.drawLobby();
    if (!session) return;
    this.seeker.show(state);
    this.read();
  }

  read() {
    if (this.line?.status.state === "open") this.receipts.look(this.desk.state, this.main.view.following);
  }

  /** @param {string} type @param {object} [fields] */
  async command(type, fields = {}) {
    const session = this.desk.current;
    const done = await attempt(() => this.line.request(type, { session, ...fields }));
    if (done) this.leases.acts(session, Date.now());
    return done;
  }

  /** A lease may run out in a conversation that nobody looks at, too. */
  watchLeases() {
    const now = Date.now();
    const held = this.desk.held();
    const ending = held.filter((session) => this.leases.warning(session, now));
    for (const session of ending) {
      if (!this.ending.has(session)) this.notices.ending(session, this.desk.open.get(session)?.state.session?.user.name ?? "");
    }
    this.ending = new Set(ending);
    const { current } = this.desk;
    this.main.warn(held.includes(current) ? this.leases.warning(current, now) : null, this.desk, ending);
  }

  /** @param {string} type @param {string} session @param {object} fields */
  mention(type, session, fields) {
    if (!session) return;
    this.line.mention(type, { session, ...fields });
    this.leases.acts(session, Date.now());
  }

  passOn() {
    return passOn(this.api, this.me.id, (to) => this.command("transfer", { to }));
  }

  /** @param {string} content */
  send(content) {
    this.line.post(this.desk.current, content);
    this.leases.acts(this.desk.current, Date.now());
  }

  /** @param {string} id */
  discard(id) {
    const written = this.outbox.takeBack(id);
    if (written !== null) this.main.composer.put(written);
  }

  async earlier() {
    const page = await attempt(() => earlierThan(this.api, this.desk.state));
    if (page) this.hear(page);
  }
}

void boot("admin", (here) => new AdminPage(here));
