/** The job that a conversation is about, at hand above it: how it fits, tips and interview questions. */

import { el, fill } from "../dom.js";
import { applyTo, closedTag, fitOf, jobLine, questionsOf, tipsOf } from "./jobdetails.js";

export class JobPanel {
  /** @param {import("../api.js").Api} api @param {(question: string) => void} practise */
  constructor(api, practise) {
    this.api = api;
    this.practise = practise;
    this.job = "";
    this.title = el("span", { class: "panel-title" });
    this.body = el("div", { class: "panel-body" });
    this.element = el("details", { class: "panel", hidden: true, "data-testid": "job-panel" },
      el("summary", {}, this.title, el("span", { class: "quiet" }, "Your fit, tips and interview questions")), this.body);
  }

  /** @param {string | undefined} job */
  async show(job) {
    if ((job ?? "") === this.job) return;
    this.job = job ?? "";
    this.element.hidden = true;
    this.element.open = false;
    if (!job) return;
    try {
      const [found, fit] = await Promise.all([
        this.api.get(`/api/jobs/${job}`), this.api.send("POST", `/api/jobs/${job}/match`).catch(() => null),
      ]);
      if (job === this.job) this.draw(found, fit);
    } catch {
      // The conversation goes on without it, and whoever comes back to it asks again.
    }
  }

  /** @param {any} job @param {any} fit */
  draw(job, fit) {
    fill(this.title, job.title);
    fill(this.body,
      el("p", { class: "quiet" }, jobLine(job)),
      closedTag(job), ...(fitOf(fit) ?? []), tipsOf(job, true), questionsOf(job, this.practise), applyTo(job));
    this.element.hidden = false;
  }
}
