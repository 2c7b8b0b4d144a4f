/** To whom a conversation is passed on: the other admins, by name. */

import { button, el, fill } from "../dom.js";
import { modal } from "./dialog.js";

const ADMINS_SHOWN = 100;

/** @param {import("../api.js").Api} api @param {string} me @param {(to: string) => Promise<any>} pass */
export async function passOn(api, me, pass) {
  const list = el("ul", { class: "choices" }, el("li", { class: "quiet" }, "Reading…"));
  const sheet = modal({ class: "sheet card", "aria-labelledby": "pass-title", "data-testid": "pass-on" },
    el("h2", { id: "pass-title" }, "Pass this conversation on to"), list,
    el("div", { class: "row" }, button("Cancel", () => sheet.close(), { class: "plain" })));
  try {
    const found = await api.get("/api/admin/users", { role: "admin", limit: ADMINS_SHOWN });
    const others = found.items.filter((/** @type {any} */ one) => one.id !== me && !one.deactivated);
    fill(list, others.length ? others.map((/** @type {any} */ one) => el("li", {},
      button(one.full_name || one.email, async () => {
        if (await pass(one.id)) sheet.close();
      }, { class: "soft wide" }))) : el("li", { class: "quiet" }, "There is no other admin."));
    list.querySelector("button")?.focus();
  } catch (error) {
    fill(list, el("li", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message));
  }
}
