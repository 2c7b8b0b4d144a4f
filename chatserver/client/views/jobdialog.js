/** One job in front of everything else: opened from a reference or a card, and back to it when it closes. */

import { button, el, fill } from "../dom.js";
import { applyTo, closedTag, fitOf, jobLine, questionsOf, tipsOf } from "./jobdetails.js";

export class JobDialog {
  /** @param {import("../api.js").Api} api @param {(job: string) => any} ask */
  constructor(api, ask) {
    this.api = api;
    this.ask = ask;
    this.job = "";
    this.element = el("dialog", { class: "dialog", "aria-labelledby": "job-dialog-title", "data-testid": "job-dialog" });
    // A press beside the card closes it, as Escape does.
    this.element.addEventListener("click", (/** @type {MouseEvent} */ event) => event.target === this.element && this.element.close());
    document.body.append(this.element);
  }

  /** What is known is shown at once, and the rest as it comes.
   * @param {{id: string, ref?: string, title: string, line: string, fit: import("./jobdetails.js").Fit | null}} known */
  async open(known) {
    this.job = known.id;
    this.show(known, el("p", { class: "quiet", role: "status" }, "Reading the job…"));
    this.element.showModal();
    this.element.scrollTop = 0;
    try {
      const [job, fit] = await Promise.all([this.api.get(`/api/jobs/${known.id}`), known.fit ?? this.fit(known.id)]);
      if (this.job === known.id) this.show({ ...known, title: job.title, line: jobLine(job) }, this.whole(job, fit));
    } catch (error) {
      if (this.job !== known.id) return;
      this.show(known,
        el("p", { class: "problem", role: "alert" }, /** @type {Error} */ (error).message),
        button("Try again", () => this.again(known), { class: "soft" }));
    }
  }

  /** @param {Parameters<JobDialog["open"]>[0]} known */
  again(known) {
    this.element.close();
    return this.open(known);
  }

  /** A job that is closed, or a seeker without a resume, has no fit to show. @param {string} job */
  async fit(job) {
    try {
      return await this.api.send("POST", `/api/jobs/${job}/match`);
    } catch {
      return null;
    }
  }

  /** @param {{ref?: string, title: string, line: string}} known @param {...any} body */
  show(known, ...body) {
    fill(this.element, el("div", { class: "dialog-body" },
      el("header", { class: "dialog-head" },
        el("div", {},
          el("h2", { id: "job-dialog-title" }, known.ref ? el("span", { class: "ref" }, known.ref) : null, known.title),
          el("p", { class: "quiet" }, known.line)),
        button("Close", () => this.element.close(), { class: "plain" })),
      ...body.flat()));
  }

  /** @param {any} job @param {any} fit */
  whole(job, fit) {
    return [
      closedTag(job),
      fitOf(fit),
      tipsOf(job, false),
      questionsOf(job, null),
      el("details", { open: true }, el("summary", {}, "Description"), el("p", { class: "verbatim description", dir: "auto" }, job.description_raw)),
      el("div", { class: "row dialog-acts" },
        button("Ask about this job", () => {
          this.element.close();
          return this.ask(job.id);
        }, { class: "primary" }),
        applyTo(job)),
    ].flat();
  }
}
