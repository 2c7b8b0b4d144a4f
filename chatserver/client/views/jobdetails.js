/** All of one job, wherever it is shown: how it fits, tips for the resume, questions of an interview, its own words. */

import { button, el, outward } from "../dom.js";
import { day, jobStanding, sourceName } from "../words.js";
import { joinedWords, reasonList, skillList } from "./jobs.js";

/** @typedef {{matched_skills: string[], missing_skills: string[], reasons: {resume: string, job: string}[]}} Fit */

/** @param {any} job as `GET /api/jobs/{id}` has it */
export function jobLine(job) {
  const posted = job.posted_at ? `posted ${day(job.posted_at)}` : null;
  return joinedWords(job.company_name, job.location, sourceName(job.source_name), posted);
}

/** @param {any} job */
export function closedTag(job) {
  return job.status === "active" ? null : el("p", { class: "tag", "data-testid": "job-closed" }, jobStanding(job.status));
}

/** @param {Fit | null} fit */
export function fitOf(fit) {
  if (!fit) return null;
  const why = reasonList(fit.reasons);
  return [
    skillList("You bring", fit.matched_skills, "have"),
    skillList("Not in your resume", fit.missing_skills, "lack"),
    why ? el("details", {}, el("summary", {}, "Why it fits"), why) : null,
  ];
}

/** @param {any} job @param {boolean} open unfolded from the start */
export function tipsOf(job, open) {
  if (!job.resume_guide_generated?.length) return null;
  return el("details", { class: "tips", open, "data-testid": "tips" },
    el("summary", {}, `${job.resume_guide_generated.length} tips for your resume`),
    el("ol", {}, job.resume_guide_generated.map((/** @type {string} */ tip) => el("li", {}, tip))));
}

/** @param {any} job @param {((question: string) => void) | null} practise */
export function questionsOf(job, practise) {
  if (!job.prep_guide_generated?.length) return null;
  return el("details", { class: "questions", "data-testid": "questions" },
    el("summary", {}, `${job.prep_guide_generated.length} interview questions`),
    el("ol", {}, job.prep_guide_generated.map((/** @type {{question: string, answer_strategy: string}} */ one) => el("li", {},
      el("p", {}, one.question),
      el("p", { class: "quiet" }, one.answer_strategy),
      practise ? button("Practise this one", () => practise(one.question), { class: "plain", "aria-label": `Practise: ${one.question}` }) : null))));
}

/** @param {any} job */
export function applyTo(job) {
  return job.status === "active" ? outward(job.external_apply_url, "Apply at the employer") : null;
}
