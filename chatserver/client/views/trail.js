/** The audit trail as a table: which admin looked at whom, and changed what. */

import { button, el, fill, refused } from "../dom.js";

const PAGE = 50;
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const ACTIONS = /** @type {Record<string, string>} */ ({
  user_read: "looked at the profile of", resume_read: "looked at the resume of", matches_read: "looked at the matches of",
  user_changed: "changed the account of", user_erased: "erased everything of",
  conversation_read: "read a conversation of", consent_given: "gave consent for the resume of",
  conversations_searched: "searched what was said in all conversations", consent_withdrawn: "withdrew consent for the resume of",
});

/** @typedef {{value: string, label: string} | null} Somebody */

export class Trail {
  /** @param {import("../api.js").Api} api */
  constructor(api) {
    this.api = api;
    /** @type {Record<"actor" | "subject", Somebody>} */
    this.only = { actor: null, subject: null };
    /** @type {string | null} */
    this.next = null;
    this.asked = 0;
    this.fields = { actor: input("trail-actor"), subject: input("trail-subject") };
    const form = el("form", { class: "filter" },
      el("div", { class: "field" }, el("label", { for: "trail-actor" }, "By whom"), this.fields.actor),
      el("div", { class: "field" }, el("label", { for: "trail-subject" }, "About whom"), this.fields.subject),
      el("div", { class: "row" }, el("button", { type: "submit", class: "soft" }, "Filter"), button("Show all", () => this.showAll(), { class: "plain" })));
    form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      for (const name of /** @type {("actor" | "subject")[]} */ (["actor", "subject"])) {
        const value = this.fields[name].value.trim();
        this.only[name] = value ? { value, label: value } : null;
      }
      void this.load();
    });
    this.said = el("p", { class: "quiet", role: "status", "data-testid": "trail-said" });
    this.rows = el("tbody", { role: "rowgroup", "data-testid": "trail-rows" });
    this.table = el("table", { class: "trail", role: "table", "aria-labelledby": "trail-title" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ["When", "Who", "What", "Whom", "In detail"].map((name) => el("th", { scope: "col", role: "columnheader" }, name)))),
      this.rows);
    this.more = button("Show more", () => this.load(this.next), { class: "soft", hidden: true });
    this.element = el("section", { class: "part", "aria-labelledby": "trail-title", "data-testid": "trail", hidden: true },
      el("div", { class: "head" }, el("h1", { id: "trail-title" }, "Audit trail")), form, this.said, this.table, this.more);
  }

  /** @param {string | null} cursor */
  async load(cursor = null) {
    const asked = ++this.asked;
    let found;
    try {
      found = await this.api.get("/api/admin/audit", {
        actor: this.only.actor?.value, subject: this.only.subject?.value, limit: PAGE, cursor,
      });
    } catch (error) {
      return refused(this.said, error, () => this.load(cursor));
    }
    if (asked !== this.asked) return;
    const rows = found.items.map((/** @type {any} */ one) => this.row(one));
    if (cursor) {
      this.rows.append(...rows);
      rows[0]?.querySelector("button")?.focus();
    } else fill(this.rows, rows);
    this.next = found.next;
    this.more.hidden = !found.next;
    this.table.hidden = !this.rows.childElementCount;
    this.said.textContent = this.sentence();
  }

  sentence() {
    const { actor, subject } = this.only;
    const about = `${actor ? ` by ${actor.label}` : ""}${subject ? ` about ${subject.label}` : ""}`;
    if (about) return this.table.hidden ? `There is nothing${about}.` : `Only what is${about}.`;
    return this.table.hidden ? "Nothing yet. When an admin opens somebody’s profile or resume, or changes an account, it stands here." : "Newest first.";
  }

  /** @param {any} one */
  row(one) {
    return el("tr", { role: "row" },
      el("td", { role: "cell", class: "quiet when" }, WHEN.format(new Date(one.created_at))),
      el("td", { role: "cell" }, one.actor ? this.name("actor", one.actor, "show only what they did") : el("span", { class: "quiet" }, "an operator at the machine")),
      el("td", { role: "cell", class: "what" }, ACTIONS[one.action] ?? one.action.replaceAll("_", " ")),
      el("td", { role: "cell" }, one.subject ? this.name("subject", one.subject, "show only what is about them") : null),
      el("td", { role: "cell", class: "quiet detail" }, details(one.detail), conversation(one.detail)));
  }

  /** @param {"actor" | "subject"} which @param {{id: string, name: string | null}} who @param {string} what */
  name(which, who, what) {
    const label = who.name ?? `somebody erased (${who.id.slice(0, 8)})`;
    return button(label, () => {
      this.only[which] = { value: who.id, label };
      this.fields[which].value = "";
      return this.load();
    }, { class: "name", "aria-label": `${label}: ${what}` });
  }

  showAll() {
    this.only = { actor: null, subject: null };
    this.fields.actor.value = this.fields.subject.value = "";
    return this.load();
  }
}

/** @param {string} id */
function input(id) {
  return el("input", { id, type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", placeholder: "E-mail address or id" });
}

/** @param {Record<string, any>} detail */
function details(detail) {
  return Object.entries(detail).filter(([name]) => name !== "session").map(([name, value]) => {
    if (value && typeof value === "object" && "from" in value) return `${name}: ${told(value.from)} → ${told(value.to)}`;
    return `${name}: ${typeof value === "object" ? JSON.stringify(value) : told(value)}`;
  }).join("; ");
}

/** @param {Record<string, any>} detail */
function conversation({ session }) {
  return session ? [" ", el("a", { href: `/admin?session=${encodeURIComponent(session)}` }, "Open the conversation")] : null;
}

/** @param {any} value */
function told(value) {
  return value === true ? "yes" : value === false ? "no" : String(value ?? "nothing");
}
