/** One job of a provider: how it stands, for how many it was a match, and what the preparation made of it. */

import { button, el, fill } from "../dom.js";
import { moment, nature } from "../words.js";

/** @typedef {{edit: (job: any) => any, close: (job: any) => any, prepare: (job: any) => any,
 *   matched: (job: any) => Promise<{seekers: number | null, least: number}>}} Acts */

export class JobPage {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.standing = el("p", { class: "standing", role: "status", "data-testid": "job-standing" });
    this.progress = el("progress", { "aria-label": "Preparing the job" });
    this.matched = el("p", { class: "quiet", "data-testid": "matched" });
    this.top = el("div", { class: "job-top" });
    this.buttons = el("div", { class: "row" });
    this.body = el("div", { class: "job-body" });
    this.element = el("article", { class: "document", "data-testid": "job-page" },
      this.top, this.standing, this.progress, this.matched, this.buttons, this.body);
    this.drawn = "";
    this.job = "";
  }

  /** @param {any} job @param {boolean} isEdited its changes are being prepared */
  show(job, isEdited) {
    const key = JSON.stringify([job, isEdited]);
    if (key === this.drawn) return;
    this.drawn = key;
    const sentence = standing(job, isEdited);
    if (this.standing.textContent !== sentence) this.standing.textContent = sentence;
    this.standing.classList.toggle("problem", Boolean(job.failure) && !isEdited);
    this.progress.hidden = job.status !== "processing" && !isEdited;
    this.element.dataset.status = job.status;
    fill(this.top, el("h1", { tabindex: "-1" }, job.title),
      el("p", { class: "quiet" }, [job.company_name, job.location, `posted ${moment(job.created_at)}`].filter(Boolean).join(" · ")));
    this.drawButtons(job, isEdited);
    fill(this.body,
      part("Skills", job.skills_required, (skill) => el("li", {}, skill), "skills have"),
      made(job),
      part("Tips for a resume", job.resume_guide_generated, (tip) => el("li", {}, tip), "tips"),
      part("Interview questions", job.prep_guide_generated, (one) => el("li", {}, el("strong", {}, one.question), el("br"), one.answer_strategy), "questions"),
      el("section", {}, el("h2", {}, "Description"), el("p", { class: "verbatim" }, job.description_raw)));
    if (job.id !== this.job) this.matched.textContent = "";
    this.job = job.id;
    void this.count(job);
  }

  /** @param {any} job @param {boolean} isEdited */
  drawButtons(job, isEdited) {
    const held = this.buttons.contains(document.activeElement);
    const failed = Boolean(job.failure) && !isEdited && job.status !== "closed";
    fill(this.buttons,
      failed ? button("Prepare again", () => this.acts.prepare(job), { class: "primary" }) : null,
      job.status !== "closed" ? button("Edit", () => this.acts.edit(job), { class: "soft" }) : null,
      job.status !== "closed" ? button("Close this job", () => this.acts.close(job), { class: "soft" }) : null);
    // A button that is gone leaves the focus at the job, not at the beginning of the page.
    if (held) (this.buttons.querySelector("button") ?? this.top.querySelector("h1"))?.focus();
  }

  /** @param {any} job */
  async count(job) {
    try {
      const found = await this.acts.matched(job);
      if (job.id !== this.job) return;
      this.matched.textContent = found.seekers
        ? `A match for ${found.seekers.toLocaleString()} seekers so far.`
        : `A match for fewer than ${found.least} seekers so far; a number is shown from ${found.least} up, and never who they are.`;
    } catch {
      if (job.id === this.job) this.matched.textContent = "How many it matched could not be counted just now.";
    }
  }
}

/** @param {any} job @param {boolean} isEdited */
function standing(job, isEdited) {
  if (job.status === "closed") return "It is closed; nobody is shown it as a match.";
  if (isEdited) return "Your changes are being prepared; until then it stays as it was. This page follows.";
  if (job.status === "processing") return job.failure ?? "It is being prepared: skills, resume tips and interview questions. This page follows.";
  if (job.status === "failed") return `The preparation failed: ${job.failure ?? "the reason is not known."} Nobody is shown the job. Prepare it again, or change the description.`;
  if (job.failure) return `Your last changes could not be prepared: ${job.failure} The job stays open as it was. Prepare them again, or edit the job.`;
  return "It is open, and shown to seekers whom it fits.";
}

/** Nobody takes what was composed for a model's work. @param {any} job */
function made(job) {
  if (!job.enriched_by || !job.resume_guide_generated?.length) return null;
  const kind = job.enriched_by.startsWith("offline") ? "offline" : "anthropic";
  return el("p", { class: "quiet", "data-testid": "made-by" }, `What follows was generated from your description (${nature(kind, "assistant")}); seekers see it beside the job.`);
}

/** @param {string} title @param {any[]} items @param {(item: any) => any} each @param {string} kind */
function part(title, items, each, kind) {
  if (!items || !items.length) return null;
  return el("section", { class: kind }, el("h2", {}, title), el("ul", { "data-testid": kind.split(" ")[0] }, items.map(each)));
}
