/** The users: found by name, address or role, given another role, deactivated and activated. */

import { button, el, fill, refused } from "../dom.js";
import { attempt } from "../shell.js";
import { counted } from "../words.js";
import { question } from "./dialog.js";

const PAGE = 50;
const PAUSE_MS = 250;
const SINCE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const ROLES = /** @type {Record<string, string>} */ ({ seeker: "a seeker", provider: "a provider", admin: "an admin" });
const MEANS = /** @type {Record<string, string>} */ ({
  seeker: "They will see their own conversations and matches.", provider: "They will post jobs.",
  admin: "They will read every conversation and resume, and change every account.",
});

export class People {
  /** @param {import("../api.js").Api} api @param {string} me nobody changes their own account */
  constructor(api, me) {
    this.api = api;
    this.me = me;
    /** @type {any[]} */
    this.people = [];
    /** @type {string | null} */
    this.next = null;
    this.asked = 0;
    this.timer = 0;
    this.search = el("input", { type: "search", id: "people-search", placeholder: "Name or e-mail address", autocomplete: "off" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), PAUSE_MS);
    });
    this.role = el("select", { id: "people-role" }, el("option", { value: "" }, "Everybody"),
      Object.keys(ROLES).map((role) => el("option", { value: role }, `${role[0].toUpperCase()}${role.slice(1)}s`)));
    this.role.addEventListener("change", () => this.load());
    this.said = el("p", { class: "quiet", role: "status", "data-testid": "people-said" });
    this.list = el("ul", { class: "people", "aria-labelledby": "people-title" });
    this.more = button("Show more", () => this.load(this.next), { class: "soft", hidden: true });
    this.element = el("section", { class: "part", "aria-labelledby": "people-title", "data-testid": "people", hidden: true },
      el("div", { class: "head" }, el("h1", { id: "people-title" }, "Users")),
      el("form", { class: "filter", role: "search", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
        el("div", { class: "field" }, el("label", { for: "people-search" }, "Search"), this.search),
        el("div", { class: "field" }, el("label", { for: "people-role" }, "Role"), this.role)),
      this.said, this.list, this.more);
  }

  /** @param {string | null} cursor */
  async load(cursor = null) {
    clearTimeout(this.timer);
    const asked = ++this.asked;
    let found;
    try {
      found = await this.api.get("/api/admin/users", { q: this.search.value.trim(), role: this.role.value, limit: PAGE, cursor });
    } catch (error) {
      return refused(this.said, error, () => this.load(cursor));
    }
    if (asked !== this.asked) return;
    const before = cursor ? this.people.length : 0;
    this.people = cursor ? [...this.people, ...found.items] : found.items;
    const made = found.items.map((/** @type {any} */ one) => this.item(one));
    if (cursor) this.list.append(...made);
    else fill(this.list, made);
    this.next = found.next;
    this.more.hidden = !found.next;
    if (before) made[0]?.querySelector("select, button")?.focus();
    const count = this.people.length;
    this.said.textContent = count ? `${this.next ? `${counted(count, "user")} and more` : counted(count, "user")}, newest first.`
      : this.search.value || this.role.value ? "Nobody is like that." : "Nobody yet. Who signs in for the first time stands here.";
  }

  /** @param {any} one */
  item(one) {
    const made = el("li", { class: "card person", "data-testid": "person", "data-email": one.email, "data-role": one.role, "data-deactivated": String(one.deactivated) });
    const since = one.created_at ? `since ${SINCE.format(new Date(one.created_at))}` : null;
    fill(made,
      el("div", { class: "who" },
        el("h2", {}, one.full_name || one.email.split("@")[0]),
        el("p", { class: "quiet" }, [one.email, since].filter(Boolean).join(" · ")),
        one.deactivated ? el("p", {}, el("span", { class: "tag bad" }, "deactivated")) : null),
      one.id === this.me ? el("p", { class: "quiet" }, `This is you, ${ROLES[one.role]}; another admin changes your account.`) : this.controls(one, made));
    return made;
  }

  /** @param {any} one @param {any} item */
  controls(one, item) {
    const name = one.full_name || one.email;
    const choice = el("select", { "aria-label": `Role of ${name}` }, Object.keys(ROLES).map((role) => el("option", { value: role, selected: role === one.role }, role)));
    // A choice alone changes nothing: arrow keys pass through every role.
    const change = button("Change role", () => this.give(one, item, choice), { class: "soft", hidden: true });
    choice.addEventListener("change", () => { change.hidden = choice.value === one.role; });
    const door = one.deactivated ? this.opening(one, item, name) : this.shutting(one, item, name);
    door.dataset.act = "door";
    return el("div", { class: "row acts" }, choice, change, door);
  }

  /** @param {any} one @param {any} item @param {string} name */
  opening(one, item, name) {
    const asked = { title: `Activate ${name}?`, what: "They can sign in again.", yes: "Activate", isHarmless: true };
    return button("Activate", () => this.change(one, item, { deactivated: false }, asked, `${name} is active again.`), { class: "soft" });
  }

  /** @param {any} one @param {any} item @param {string} name */
  shutting(one, item, name) {
    const asked = { title: `Deactivate ${name}?`, what: "They cannot come in until somebody activates them again.", yes: "Deactivate" };
    return button("Deactivate", () => this.change(one, item, { deactivated: true }, asked, `${name} is deactivated.`), { class: "plain" });
  }

  /** @param {any} one @param {any} item @param {any} choice */
  async give(one, item, choice) {
    const name = one.full_name || one.email;
    const role = choice.value;
    const asked = { title: `Make ${name} ${ROLES[role]}?`, what: MEANS[role], yes: "Change role", isHarmless: role !== "admin" };
    await this.change(one, item, { role }, asked, `${name} is ${ROLES[role]} now.`);
  }

  /** @param {any} one @param {any} item @param {object} changes @param {import("./dialog.js").Question} asked
   * @param {string} said */
  async change(one, item, changes, asked, said) {
    if (!await question(asked)) return;
    await attempt(async () => {
      const changed = { ...one, ...(await this.api.send("PATCH", `/api/users/${one.id}`, changes)) };
      this.people = this.people.map((other) => (other.id === one.id ? changed : other));
      const drawn = this.item(changed);
      item.replaceWith(drawn);
      drawn.querySelector("role" in changes ? "select" : "[data-act=door]")?.focus();
      this.said.textContent = said;
    });
  }
}
