/** The provider's page: own jobs, a form for a new one, and what the preparation made of each. */

import { button, byId, el, fill, refused } from "./dom.js";
import { tab } from "./kept.js";
import { attempt, boot, showView } from "./shell.js";
import { question } from "./views/dialog.js";
import { JobForm } from "./views/jobform.js";
import { JobPage } from "./views/jobpage.js";
import { Rows } from "./views/rows.js";
import { moment } from "./words.js";

const POLL_MS = 1_500;
/** As slow as it gets, where a job takes its time. */
const POLL_MOST_MS = 15_000;
const SLOWER = 1.1;
/** What takes longer is seen when the page is opened again. */
const ROUNDS_MAX = 50;
const PAGE = 50;
const STANDINGS = /** @type {Record<string, string>} */ ({
  processing: "being prepared", active: "open", failed: "failed", closed: "closed",
});
/** What a change takes away where its field was emptied. */
const EMPTIED = { company_name: "", location: "", external_apply_url: "" };

class ProviderPage {
  /** @param {import("./shell.js").Here} here */
  constructor(here) {
    this.api = here.api;
    /** @type {any[]} */
    this.jobs = [];
    this.current = "";
    this.timer = 0;
    this.rounds = 0;
    this.next = null;
    /** @type {Map<string, {before: string, rounds: number}>} what was shown of a job when it was edited */
    this.edited = new Map();
    this.page = new JobPage({
      edit: (job) => this.compose(job), close: (job) => this.close(job), prepare: (job) => this.prepare(job),
      matched: (job) => this.api.get(`/api/jobs/${job.id}/matched`),
    });
    this.list = el("ul", { class: "lobby", "aria-label": "Your jobs", "data-testid": "jobs" });
    this.rows = new Rows(this.list, (job) => this.item(job), (item, job) => this.entry(item, job));
    this.said = el("p", { class: "quiet", role: "status" }, "Reading…");
    this.more = button("Show more", () => this.load(this.next), { class: "plain", hidden: true });
    fill(byId("side"),
      button("Post a job", () => this.compose(), { class: "primary wide" }),
      el("section", { "aria-labelledby": "jobs-title" }, el("h2", { id: "jobs-title" }, "Your jobs"), this.list, this.said, this.more));
    this.compose();
    showView("jobs");
    void this.load(null);
  }

  /** @param {string | null} cursor */
  async load(cursor) {
    try {
      const page = await this.api.get("/api/jobs", { limit: PAGE, cursor });
      const known = new Set(page.items.map((/** @type {any} */ job) => job.id));
      this.jobs = cursor ? [...this.jobs.filter((job) => !known.has(job.id)), ...page.items] : page.items;
      this.next = page.next;
      this.more.hidden = !page.next;
      this.drawList();
      this.poll();
    } catch (error) {
      refused(this.said, error, () => this.load(cursor));
    }
  }

  drawList() {
    this.rows.show(this.jobs, (job) => JSON.stringify([job.title, job.status, job.failure, this.edited.has(job.id), job.id === this.current]));
    this.said.textContent = this.jobs.length ? "" : "None yet. Post the first one.";
  }

  /** @param {any} job */
  item(job) {
    return el("li", {}, button("", () => this.show(job.id), { "data-testid": "job", "data-job": job.id }));
  }

  /** @param {HTMLElement} item @param {any} job */
  entry(item, job) {
    const made = /** @type {HTMLElement} */ (item.firstElementChild);
    const open = job.failure && job.status === "active" ? "open; the last changes failed" : STANDINGS[job.status] ?? job.status;
    made.className = "entry";
    made.dataset.status = job.status;
    if (job.id === this.current) made.setAttribute("aria-current", "true");
    else made.removeAttribute("aria-current");
    fill(made,
      el("span", { class: "name" }, job.title),
      el("span", { class: "when" }, moment(job.created_at)),
      el("span", { class: job.failure ? "state problem" : "state" }, this.edited.has(job.id) ? "open; changes are being prepared" : open));
  }

  poll() {
    clearTimeout(this.timer);
    if (!this.jobs.some((job) => this.isAwaited(job))) return;
    this.timer = setTimeout(() => this.refresh(), Math.min(POLL_MOST_MS, POLL_MS * SLOWER ** this.rounds));
    this.rounds += 1;
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
        if (edited && (shownOf(now) !== edited.before || (edited.rounds += 1) > ROUNDS_MAX)) this.edited.delete(job.id);
        this.replace(now);
      }
    } catch {
      // A server that is away for a moment does not end the watching; the next round tells.
    }
    this.poll();
  }

  /** @param {any} job */
  replace(job) {
    const known = this.jobs.find((one) => one.id === job.id);
    if (!known || shownOf(known) !== shownOf(job)) this.rounds = 0;
    this.jobs = known ? this.jobs.map((one) => (one.id === job.id ? job : one)) : [job, ...this.jobs];
    this.drawList();
    if (job.id === this.current && this.page.element.isConnected) this.page.show(job, this.edited.has(job.id));
  }

  /** @param {string} id */
  show(id) {
    const job = this.jobs.find((one) => one.id === id);
    if (!job) return;
    this.current = id;
    this.drawList();
    showView("chat");
    this.page.show(job, this.edited.has(id));
    if (!this.page.element.isConnected) fill(byId("main"), this.page.element);
    byId("main").scrollTop = 0;
  }

  /** @param {any} job @param {any} draft */
  async change(job, draft) {
    // Skills that were found in the description are found anew in another one; what was not touched is not insisted on.
    if (draft.skills_required?.join() === job.skills_required.join()) delete draft.skills_required;
    /** @type {Record<string, any>} */
    const changes = { ...EMPTIED, ...draft };
    if (Object.entries(changes).every(([name, value]) => String(value) === String(job[name] ?? ""))) return job;
    const kept = await this.api.send("PATCH", `/api/jobs/${job.id}`, changes);
    if (kept.status === "active") this.edited.set(job.id, { before: shownOf(kept), rounds: 0 });
    return kept;
  }

  /** @param {any} job */
  prepare(job) {
    return attempt(async () => {
      const kept = await this.api.send("POST", `/api/jobs/${job.id}/enrich`);
      if (kept.status === "active") this.edited.set(job.id, { before: shownOf(kept), rounds: 0 });
      this.replace(kept);
      this.poll();
    });
  }

  /** @param {any} job */
  async close(job) {
    const isMeant = await question({
      title: "Close this job?", what: "It is closed for good: nobody will be shown it as a match any more.", yes: "Close it", no: "Keep it open",
    });
    if (!isMeant) return;
    await attempt(async () => {
      this.edited.delete(job.id);
      this.replace(await this.api.send("DELETE", `/api/jobs/${job.id}`));
    });
  }

  /** @param {any} [job] to be changed; without it a new one is written */
  compose(job) {
    if (!job) this.current = "";
    this.drawList();
    showView("chat");
    const form = new JobForm(tab, job ?? null, async (draft) => {
      const kept = job ? await this.change(job, draft) : await this.api.send("POST", "/api/jobs", draft);
      this.replace(kept);
      this.show(kept.id);
      this.poll();
    }, job ? () => this.show(job.id) : null);
    fill(byId("main"), form.element);
    if (job) form.element.elements.title.focus();
  }
}

/** @param {any} job */
function shownOf(job) {
  return JSON.stringify([job.title, job.description_raw, job.company_name, job.location, job.external_apply_url, job.skills_required, job.status, job.failure]);
}

void boot("provider", (here) => new ProviderPage(here));
