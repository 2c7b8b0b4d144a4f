/** The sign-in: by address alone with the development issuer, by address and password with Supabase. */

import { el } from "../dom.js";

/**
 * @param {import("../session.js").Session} session
 * @param {string | null} reason why it is asked, if that needs saying
 * @param {() => void} done
 * @returns {HTMLElement}
 */
export function signIn(session, reason, done) {
  const development = session.config.kind === "development";
  const said = el("p", { role: "alert", class: "problem", "data-testid": "sign-in-problem" }, reason);
  const email = el("input", {
    id: "email", name: "email", type: "email", required: true, autocomplete: "username", maxlength: 320,
    placeholder: "asha@example.com",
  });
  const password = development ? null : el("input", {
    id: "password", name: "password", type: "password", required: true, autocomplete: "current-password",
  });
  const submit = el("button", { type: "submit", class: "primary" }, "Sign in");
  const form = el("form", { class: "sign-in card", "data-testid": "sign-in" },
    el("h1", {}, "Sign in"),
    development ? el("p", { class: "quiet" }, "This is a development server: an address is enough.") : null,
    said,
    el("label", { for: "email" }, "E-mail"), email,
    password ? [el("label", { for: "password" }, "Password"), password] : null,
    submit,
  );
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    submit.disabled = true;
    said.textContent = "";
    try {
      await session.signIn(email.value.trim(), password?.value ?? "");
      done();
    } catch (error) {
      said.textContent = String(/** @type {Error} */ (error).message);
    } finally {
      submit.disabled = false;
    }
  });
  return form;
}
