/** Who outside may get something of a resume: asked before the first one is sent, shown and taken back in "Your data". */

import { button, el, fill } from "../dom.js";
import { toast } from "../shell.js";
import { modal } from "./dialog.js";

const PATH = "/api/me/consent";
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/** @typedef {{id: string, name: string, gets: string, purpose: string}} Recipient */
/** @typedef {{version: number, purpose: string, recipients: Recipient[], notes: string[], agreed: string[], ask: boolean,
 *   given_at: string | null, withdrawn_at: string | null}} Terms */

export class Consent {
  /** @param {import("../api.js").Api} api @param {() => boolean} hasResume @param {() => void} changed */
  constructor(api, hasResume, changed) {
    this.api = api;
    this.hasResume = hasResume;
    this.changed = changed;
    /** @type {Terms | null} */
    this.terms = null;
    this.notice = el("div", { class: "banner consent-notice", role: "status", "data-testid": "consent-notice", hidden: true },
      el("span", {}, "Nobody outside this server reads your resume yet."),
      button("Read and choose", () => this.ask(), { class: "plain" }));
    this.element = el("div", { class: "stack", "data-testid": "consent" });
  }

  async load() {
    try {
      this.show(await this.api.get(PATH));
    } catch (error) {
      fill(this.element, el("p", { class: "problem" }, String(/** @type {Error} */ (error).message)));
    }
  }

  /** Whether an upload may go on: whoever was not asked yet is asked first. */
  async settled() {
    if (!this.terms) await this.load();
    return this.terms?.ask ? this.ask() : true;
  }

  /** @param {Terms} terms */
  show(terms) {
    this.terms = terms;
    this.draw();
  }

  draw() {
    const { terms } = this;
    if (!terms) return;
    this.notice.hidden = !(terms.ask && this.hasResume());
    const readers = terms.recipients.filter((one) => terms.agreed.includes(one.id)).map((one) => one.name);
    const all = readers.length === terms.recipients.length;
    fill(this.element,
      el("p", { class: "quiet", "data-testid": "consent-state" }, state(terms, readers)),
      terms.recipients.length ? el("div", { class: "row" },
        all ? null : button("Read and choose", () => this.ask(), { class: "soft" }),
        readers.length ? button("Withdraw consent", () => this.say("DELETE"), { class: all ? "soft" : "plain" }) : null) : null);
  }

  /** Says yes or no to the server. @param {"PUT" | "DELETE"} method */
  async say(method) {
    const { terms } = this;
    if (!terms) return false;
    const body = method === "PUT" ? { version: terms.version, recipients: terms.recipients.map((one) => one.id) } : undefined;
    try {
      this.show(await this.api.send(method, PATH, body));
      this.changed();
      return true;
    } catch (error) {
      // What is asked may have changed meanwhile: then it is read again before anybody agrees to it.
      await this.load();
      toast(String(/** @type {Error} */ (error).message));
      return false;
    }
  }

  /** Resolves to false where the question was put off. @returns {Promise<boolean>} */
  ask() {
    const { terms } = this;
    if (!terms) return Promise.resolve(false);
    return new Promise((resolve) => {
      /** @param {"PUT" | "DELETE" | null} method */
      const close = async (method) => {
        const done = method !== null && await this.say(method);
        answer = done;
        dialog.close();
      };
      let answer = false;
      const dialog = modal({ class: "dialog", "aria-labelledby": "consent-title", "data-testid": "consent-dialog" },
        el("div", { class: "dialog-body" },
          el("div", { class: "dialog-head" },
            el("h2", { id: "consent-title", tabindex: "-1", autofocus: true }, "Who may read your resume?"),
            button("Not now", () => close(null), { class: "plain" })),
          el("p", {}, terms.purpose),
          el("p", {}, "With your consent these get something of it, too:"),
          el("ul", { class: "recipients" }, terms.recipients.map((one) => el("li", {},
            el("h3", {}, one.name), el("p", {}, one.purpose), el("p", { class: "quiet" }, one.gets)))),
          terms.notes.map((note) => el("p", { class: "quiet" }, note)),
          el("div", { class: "row" },
            // Of equal weight: neither is the answer that is wanted.
            button("I agree", () => close("PUT"), { class: "soft" }),
            button("Go on without", () => close("DELETE"), { class: "soft" }))));
      dialog.addEventListener("close", () => resolve(answer));
    });
  }
}

/** @param {Terms} terms @param {string[]} readers */
function state(terms, readers) {
  if (!terms.recipients.length) return terms.notes.join(" ");
  if (readers.length && terms.given_at) return `Since ${DAY.format(new Date(terms.given_at))} these may get something of your resume: ${readers.join(", ")}.`;
  if (terms.withdrawn_at) return "Your resume stays on this server: you did not agree that anybody else gets something of it.";
  return "Your resume stays on this server until you agree to something else.";
}
