/** The provider's page: own jobs, a form for a new one, and what the preparation made of each. */

import { button, byId, el, fill } from "./dom.js";
import { attempt, boot, showView } from "./shell.js";
import { moment } from "./words.js";

const POLL_MS = 1_500;
/** About five minutes; what takes longer is seen when the page is opened again. */
const ROUNDS_MAX = 200;
const STANDINGS = /** @type {Record<string, string>} */ ({
  processing: "being prepared", active: "open", failed: "failed", closed: "closed",
});

class ProviderPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.api = here.api;
    /** @type {any[]} */
    this.jobs = [];
    this.current = "";
    this.timer = 0;
    this.next = null;
    /** @type {Map<string, {before: string, rounds: number}>} what was shown of a job when it was edited */
    this.edited = new Map();
    this.list = el("ul", { class: "lobby", "aria-label": "Your jobs", "data-testid": "jobs" });
    this.more = button("Show more", () => this.load(this.next), { class: "plain", hidden: true });
    fill(byId("side"),
      button("Post a job", () => this.compose(), { class: "primary wide" }),
      el("section", { "aria-labelledby": "jobs-title" }, el("h2", { id: "jobs-title" }, "Your jobs"), this.list, this.more));
    this.compose();
    showView("jobs");
    void this.load(null);
  }

  /** @param {string | null} cursor */
  async load(cursor) {
    await attempt(async () => {
      const page = await this.api.get("/api/jobs", { limit: 50, cursor });
      this.jobs = cursor ? [...this.jobs, ...page.items] : page.items;
      this.next = page.next;
      this.more.hidden = !page.next;
      this.drawList();
      this.poll();
    });
  }

  drawList() {
    fill(this.list, this.jobs.map((job) => el("li", {}, this.entry(job))));
    if (!this.jobs.length) fill(this.list, el("li", { class: "quiet" }, "None yet. Post the first one."));
  }

  /** @param {any} job */
  entry(job) {
    const made = button("", () => this.show(job.id), {
      class: "entry", "data-testid": "job", "data-job": job.id, "data-status": job.status,
      "aria-current": job.id === this.current ? "true" : null,
    });
    fill(made,
      el("span", { class: "name" }, job.title),
      el("span", { class: "when" }, moment(job.created_at)),
      el("span", { class: "state" }, STANDINGS[job.status] ?? job.status));
    return made;
  }

  poll() {
    clearTimeout(this.timer);
    if (!this.jobs.some((job) => this.isAwaited(job))) return;
    this.timer = setTimeout(() => this.refresh(), POLL_MS);
  }

  /** @param {any} job */
  isAwaited(job) {
    return job.status === "processing" || this.edited.has(job.id);
  }

  async refresh() {
    try {
      for (const job of this.jobs.filter((one) => this.isAwaited(one))) {
        const now = await this.api.get(`/api/jobs/${job.id}`);
        const edited = this.edited.get(job.id);
        if (edited && (shownOf(now) !== edited.before || (edited.rounds += 1) > ROUNDS_MAX)) {
          this.edited.delete(job.id);
          this.replace(now);
          if (job.id === this.current) this.show(job.id);
        } else this.replace(now);
      }
    } catch {
      // A server that is away for a moment does not end the watching; the next round tells.
    }
    this.poll();
  }

  /** @param {any} job */
  replace(job) {
    const before = this.jobs.find((one) => one.id === job.id);
    this.jobs = before ? this.jobs.map((one) => (one.id === job.id ? job : one)) : [job, ...this.jobs];
    this.drawList();
    if (job.id === this.current && before?.status !== job.status) this.show(job.id);
  }

  /** @param {string} id */
  show(id) {
    const job = this.jobs.find((one) => one.id === id);
    if (!job) return;
    this.current = id;
    this.drawList();
    showView("chat");
    const open = job.status === "active" || job.status === "processing";
    fill(byId("main"), el("article", { class: "document", "data-testid": "job-page", "data-status": job.status },
      el("h1", {}, job.title),
      el("p", { class: "quiet" }, [job.company_name, job.location, `posted ${moment(job.created_at)}`].filter(Boolean).join(" · ")),
      el("p", { class: "standing", role: "status", "data-testid": "job-standing" }, this.standing(job)),
      this.matched(job),
      el("div", { class: "row" },
        job.status === "failed" ? button("Prepare again", () => this.enrich(job), { class: "soft" }) : null,
        open ? button("Edit", () => this.compose(job), { class: "soft" }) : null,
        open ? button("Close this job", () => this.close(job), { class: "soft" }) : null),
      this.part("Skills", job.skills_required, (skill) => el("li", {}, skill), "skills have"),
      this.part("Tips for a resume", job.resume_guide_generated, (tip) => el("li", {}, tip), "tips"),
      this.part("Interview questions", job.prep_guide_generated, (one) => el("li", {}, el("strong", {}, one.question), el("br"), one.answer_strategy), "questions"),
      el("h2", {}, "Description"),
      el("p", { class: "verbatim" }, job.description_raw)));
  }

  /** @param {any} job @param {any} draft */
  async change(job, draft) {
    // Skills that were found in the description are found anew in another one; what was not touched is not insisted on.
    if (draft.skills_required?.join() === job.skills_required.join()) delete draft.skills_required;
    /** @type {Record<string, any>} */
    const changes = { ...EMPTIED, ...draft };
    if (Object.entries(changes).every(([name, value]) => String(value) === String(job[name] ?? ""))) return job;
    const kept = await this.api.send("PATCH", `/api/jobs/${job.id}`, changes);
    this.edited.set(job.id, { before: shownOf(kept), rounds: 0 });
    return kept;
  }

  /** Filled when it is known. @param {any} job */
  matched(job) {
    const said = el("p", { class: "quiet", "data-testid": "matched" });
    void this.api.get(`/api/jobs/${job.id}/matched`).then((/** @type {any} */ found) => {
      said.textContent = found.seekers
        ? `A match for ${found.seekers.toLocaleString()} seekers so far.`
        : `A match for fewer than ${found.least} seekers so far; a number is shown from ${found.least} up, and never who they are.`;
    }).catch(() => {});
    return said;
  }

  /** @param {any} job */
  standing(job) {
    if (this.edited.has(job.id)) return "Your changes are being prepared; until then it stays as it was. This page follows.";
    if (job.status === "processing") return "It is being prepared: skills, resume tips and interview questions. This page follows.";
    if (job.status === "failed") return `The preparation failed: ${job.failure ?? "try again, or change the description."}`;
    if (job.status === "closed") return "It is closed; nobody is shown it as a match.";
    return "It is open, and shown to seekers whom it fits.";
  }

  /** @param {string} title @param {any[]} items @param {(item: any) => any} each @param {string} kind */
  part(title, items, each, kind) {
    if (!items || !items.length) return null;
    return el("section", { class: kind }, el("h2", {}, title), el("ul", { "data-testid": kind.split(" ")[0] }, items.map(each)));
  }

  /** @param {any} job */
  async enrich(job) {
    await attempt(async () => this.replace(await this.api.send("POST", `/api/jobs/${job.id}/enrich`)));
    this.poll();
  }

  /** @param {any} job */
  async close(job) {
    if (!confirm("Close this job? Nobody will be shown it as a match any more.")) return;
    await attempt(async () => this.replace(await this.api.send("DELETE", `/api/jobs/${job.id}`)));
  }

  /** @param {any} [job] to be changed; without it a new one is written */
  compose(job) {
    if (!job) this.current = "";
    this.drawList();
    showView("chat");
    const said = el("p", { role: "alert", class: "problem", "data-testid": "job-problem" });
    const submit = el("button", { type: "submit", class: "primary" }, job ? "Keep the changes" : "Post this job");
    const form = el("form", { class: "document stack", "data-testid": "job-form" },
      el("h1", {}, job ? `Edit: ${job.title}` : "Post a job"),
      el("p", { class: "quiet" }, job ? "The job stays as it is until the changes have been prepared." : "Skills, resume tips and interview questions are made from the description; it takes a moment."),
      field("Title", "title", { required: true, maxlength: 200 }),
      field("Company", "company_name", { maxlength: 200 }),
      field("Place", "location", { maxlength: 200 }),
      field("Link to apply", "external_apply_url", { type: "url", placeholder: "https://" }),
      field("Skills, separated by commas (optional)", "skills_required", {}),
      el("label", { for: "description_raw" }, "Description"),
      el("textarea", { id: "description_raw", name: "description_raw", required: true, rows: 12 }),
      said, el("div", { class: "row" }, submit, job ? button("Cancel", () => this.show(job.id), { class: "plain" }) : null));
    if (job) fillIn(form, job);
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      submit.disabled = true;
      said.textContent = "";
      try {
        const draft = draftOf(new FormData(form));
        const kept = job
          ? await this.change(job, draft)
          : await this.api.send("POST", "/api/jobs", draft);
        this.replace(kept);
        this.show(kept.id);
        this.poll();
      } catch (error) {
        said.textContent = String(/** @type {Error} */ (error).message);
      } finally {
        submit.disabled = false;
      }
    });
    fill(byId("main"), form);
  }
}

/** @param {string} label @param {string} name @param {Record<string, any>} properties */
function field(label, name, properties) {
  return el("div", { class: "field" }, el("label", { for: name }, label), el("input", { id: name, name, type: "text", ...properties }));
}

/** @param {any} job */
function shownOf(job) {
  return JSON.stringify([job.title, job.description_raw, job.company_name, job.location, job.external_apply_url, job.skills_required, job.status]);
}

/** What a change takes away where its field was emptied. */
const EMPTIED = { company_name: "", location: "", external_apply_url: "" };

/** @param {HTMLFormElement} form @param {any} job */
function fillIn(form, job) {
  for (const field of /** @type {any} */ (form.elements)) {
    const value = job[field.name];
    if (field.name) field.value = Array.isArray(value) ? value.join(", ") : value ?? "";
  }
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

void boot("provider", (here) => new ProviderPage(here));
