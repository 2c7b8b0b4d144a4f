/** The form of a job: a new one or one that is changed; what was typed outlives a look elsewhere and a reload. */

import { button, el, fill } from "../dom.js";

const TITLE_MAX = 300;
/** By column: what the server calls a field, and what somebody sees. */
const FIELDS = /** @type {Record<string, string>} */ ({
  title: "Title", company_name: "Company", location: "Place", external_apply_url: "Link to apply", skills_required: "Skills",
  description_raw: "Description",
});

export class JobForm {
  /** @param {import("../kept.js").Kept} storage @param {any} job to be changed; null for a new one
   * @param {(draft: any) => Promise<any>} keep raises what the server says against it @param {(() => void) | null} cancel */
  constructor(storage, job, keep, cancel) {
    this.storage = storage;
    this.key = `job-form:${job?.id ?? "new"}`;
    this.job = job;
    this.keep = keep;
    this.said = el("p", { role: "alert", class: "problem", "data-testid": "job-problem" });
    this.submit = el("button", { type: "submit", class: "primary" }, job ? "Keep the changes" : "Post this job");
    this.again = el("p", { class: "quiet", role: "status", hidden: true, "data-testid": "job-unsaved" });
    this.element = el("form", { class: "document stack", "data-testid": "job-form", "aria-labelledby": "form-title" },
      el("h1", { id: "form-title" }, job ? `Edit: ${job.title}` : "Post a job"),
      el("p", { class: "quiet" }, job ? "The job stays as it is until the changes have been prepared."
        : "Skills, resume tips and interview questions are made from the description; it takes a moment."),
      this.again,
      field("Title", "title", { required: true, maxlength: TITLE_MAX }),
      field("Company (optional)", "company_name", { maxlength: TITLE_MAX, autocomplete: "organization" }),
      field("Place (optional)", "location", { maxlength: TITLE_MAX }),
      field("Link to apply (optional)", "external_apply_url", { type: "url", placeholder: "https://", "aria-describedby": "link-hint" },
        el("p", { id: "link-hint", class: "quiet" }, "Where somebody applies; it begins with https://.")),
      field("Skills, separated by commas (optional)", "skills_required", { "aria-describedby": "skills-hint" },
        el("p", { id: "skills-hint", class: "quiet" }, "Left empty, they are found in the description.")),
      el("div", { class: "field" }, el("label", { for: "description_raw" }, "Description"),
        el("textarea", { id: "description_raw", name: "description_raw", required: true, rows: 12 })),
      this.said,
      el("div", { class: "row" }, this.submit,
        cancel ? button("Cancel", () => { this.forget(); cancel(); }, { class: "plain" })
          : button("Empty the form", () => { this.forget(); this.fillIn({}); this.again.hidden = true; }, { class: "plain" })));
    this.fillIn(job ?? {});
    this.takeUp();
    this.element.addEventListener("input", () => this.remember());
    this.element.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.send();
    });
  }

  async send() {
    if (this.submit.disabled) return;
    this.submit.disabled = true;
    this.said.textContent = "";
    try {
      await this.keep(draftOf(new FormData(this.element)));
      this.forget();
    } catch (error) {
      this.refuse(/** @type {Error} */ (error).message);
    } finally {
      this.submit.disabled = false;
    }
  }

  /** @param {string} sentence begins with the name of the column where it is about one */
  refuse(sentence) {
    const name = Object.keys(FIELDS).find((one) => sentence.startsWith(one));
    this.said.textContent = `${name ? sentence.replace(name, FIELDS[name]) : sentence} What you wrote is kept here.`;
    if (!name) return;
    const wrong = this.element.elements[name];
    wrong.setAttribute("aria-invalid", "true");
    wrong.addEventListener("input", () => wrong.removeAttribute("aria-invalid"), { once: true });
    wrong.focus();
  }

  /** @param {any} job */
  fillIn(job) {
    for (const name of Object.keys(FIELDS)) {
      const value = job[name];
      this.element.elements[name].value = Array.isArray(value) ? value.join(", ") : value ?? "";
    }
  }

  remember() {
    this.storage.setItem(this.key, JSON.stringify(Object.fromEntries(new FormData(this.element))));
  }

  takeUp() {
    const kept = this.storage.getItem(this.key);
    if (!kept) return;
    this.fillIn(JSON.parse(kept));
    this.again.textContent = "What you wrote before is here again; it was not sent yet.";
    this.again.hidden = false;
  }

  forget() {
    this.storage.removeItem(this.key);
  }
}

/** @param {string} label @param {string} name @param {Record<string, any>} properties @param {any} [hint] */
function field(label, name, properties, hint) {
  return el("div", { class: "field" }, el("label", { for: name }, label), el("input", { id: name, name, type: "text", ...properties }), hint);
}

/** @param {FormData} form */
function draftOf(form) {
  /** @type {Record<string, any>} */
  const draft = {};
  for (const [name, value] of form) if (String(value).trim()) draft[name] = String(value).trim();
  if (draft.skills_required) {
    draft.skills_required = draft.skills_required.split(",").map((/** @type {string} */ one) => one.trim()).filter(Boolean);
  }
  return draft;
}
