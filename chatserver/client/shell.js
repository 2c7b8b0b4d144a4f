/** What every page does first: who is signed in, is this the right page for them, and how the line stands. */

import { Api, config } from "./api.js";
import { button, byId, el, fill } from "./dom.js";
import { tab } from "./kept.js";
import { Outbox } from "./outbox.js";
import { Session } from "./session.js";
import { Line } from "./socket.js";
import { Banner } from "./views/banner.js";
import { signIn } from "./views/signin.js";

const PAGES = /** @type {Record<string, string>} */ ({ seeker: "/", admin: "/admin", provider: "/provider" });
const CONFIG_RETRY_MS = 3_000;

/** @typedef {{config: any, session: Session, api: Api, me: {id: string, name: string, role: string}}} Here */

/** Calls `start` once somebody of the role is signed in. @param {string} role @param {(here: Here) => void} start */
export async function boot(role, start) {
  addEventListener("hashchange", () => {
    if (location.hash.startsWith("#token=")) location.reload();
  });
  for (const view of document.querySelectorAll("#views button")) {
    view.addEventListener("click", () => showView(/** @type {HTMLElement} */ (view).dataset.view ?? ""));
  }
  const known = await configured();
  const session = new Session(known.sign_in);
  const api = new Api(session);
  /** @param {string | null} reason */
  const enter = async (reason) => {
    if (!session.token) return ask(session, reason, () => enter(null));
    try {
      const found = await api.get("/api/me");
      const me = { id: found.id, name: found.full_name || found.email.split("@")[0], role: found.role };
      account(session, me);
      if (me.role !== role) return wrongPage(me);
      byId("gate").hidden = true;
      fill(byId("gate"));
      byId("app").hidden = false;
      byId("views").hidden = false;
      start({ config: known, session, api, me });
    } catch (error) {
      const problem = /** @type {any} */ (error);
      if (problem.status === 401) return ask(session, "Your sign-in is over; sign in again to go on.", () => enter(null));
      fill(byId("gate"), el("div", { class: "card sign-in" },
        el("h1", {}, problem.status === 403 ? "You may not come in" : "That did not work"),
        el("p", { role: "alert" }, problem.message),
        button("Try again", () => enter(null), { class: "primary" })));
    }
  };
  await enter(null);
}

async function configured() {
  for (;;) {
    try {
      return await config();
    } catch {
      fill(byId("gate"), el("div", { class: "card sign-in" }, el("h1", {}, "One moment"),
        el("p", { role: "status" }, "The server cannot be reached yet. Trying again…")));
      await new Promise((resolve) => setTimeout(resolve, CONFIG_RETRY_MS));
    }
  }
}

/** @param {Session} session @param {string | null} reason @param {() => void} done somebody is signed in */
function ask(session, reason, done) {
  byId("app").hidden = true;
  byId("views").hidden = true;
  byId("gate").hidden = false;
  fill(byId("account"));
  fill(byId("gate"), signIn(session, reason, done));
}

/** @param {Session} session @param {{name: string, role: string}} me */
function account(session, me) {
  fill(byId("account"),
    el("span", { class: "quiet", "data-testid": "me" }, me.name),
    button("Sign out", () => {
      session.signOut();
      location.reload();
    }, { class: "plain" }));
}

/** @param {{name: string, role: string}} me */
function wrongPage(me) {
  fill(byId("gate"), el("div", { class: "card sign-in" },
    el("h1", {}, "This is another page's door"),
    el("p", {}, `You are signed in as ${me.name}, as ${me.role === "admin" ? "an admin" : `a ${me.role}`}.`),
    el("p", {}, el("a", { href: PAGES[me.role] ?? "/" }, "Go to your page")),
    el("p", { class: "quiet" }, "Or sign out above and sign in as somebody else.")));
}

/** Which part a narrow window shows. @param {string} view */
export function showView(view) {
  document.body.dataset.view = view;
  for (const one of document.querySelectorAll("#views button")) {
    one.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (one).dataset.view === view));
  }
}

/** The line of a page, opened. @param {Here} here @param {(frame: any) => void} onFrame
 * @param {() => void} onChange the line stands otherwise, or other messages are unsent
 * @returns {{line: Line, outbox: Outbox}} */
export function connect(here, onFrame, onChange) {
  const { session } = here;
  const outbox = new Outbox(tab, `outbox:${session.subject}`);
  const banner = new Banner(byId("banner"), () => line.nudge());
  const line = new Line({
    url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
    token: (renew) => session.current(renew),
    outbox,
    onFrame,
    onStatus: (status) => {
      banner.show(status);
      // What is unsent says why it waits; the first word comes before the page has the line.
      if (status.state !== "connecting") onChange();
      // A new start is the plainest way to drop whatever the page holds; what was unsent is kept in the tab.
      if (status.state === "signed_out") ask(session, status.message, () => location.reload());
    },
  });
  outbox.onChange = onChange;
  session.onRenewed = (token) => line.renewed(token);
  addEventListener("online", () => line.nudge());
  addEventListener("offline", () => line.cut());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && line.nudge());
  void line.open();
  return { line, outbox };
}

/** A sentence that stays until it is closed, where everybody sees it: also in front of a dialog. @param {string} sentence */
export function toast(sentence) {
  const foot = document.querySelector(".foot");
  const place = document.querySelector("dialog[open]") ?? (foot?.checkVisibility() ? foot : document.body);
  const there = document.querySelector(".toast");
  // What is tried again by itself says the same each time; once read aloud is enough.
  if (there?.parentElement === place && there.firstElementChild?.textContent === sentence) return;
  there?.remove();
  const made = el("div", { class: "toast", role: "alert", "data-testid": "toast" }, el("span", {}, sentence),
    button("Close", () => made.remove(), { class: "plain" }));
  place.append(made);
}

/** Runs what somebody asked for, and says why where it fails. @param {() => Promise<any>} act */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    toast(String(/** @type {Error} */ (error).message));
    return null;
  }
}
