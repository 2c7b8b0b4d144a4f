/** Jobs as cards: a match with its reasons, and a source that a message names. */

import { button, el, outward } from "../dom.js";
import { jobStanding, sourceName } from "../words.js";

/** @typedef {import("../state.js").Source} Source */

const REASONS_SHOWN = 3;

/** @param {string} label @param {string[] | undefined} skills @param {string} kind */
export function skillList(label, skills, kind) {
  if (!skills || !skills.length) return null;
  return el("div", { class: `skills ${kind}` },
    el("span", { class: "quiet" }, label),
    el("ul", { "aria-label": label }, skills.map((skill) => el("li", {}, skill))));
}

/** @param {{resume: string, job: string}[] | undefined} reasons */
export function reasonList(reasons) {
  if (!reasons || !reasons.length) return null;
  return el("dl", { class: "reasons" }, reasons.slice(0, REASONS_SHOWN).map((reason) => el("div", {},
    el("dt", {}, "The resume"), el("dd", {}, el("q", {}, reason.resume)),
    el("dt", {}, "The job"), el("dd", {}, el("q", {}, reason.job)))));
}

/** @param {(string | null | undefined)[]} parts */
export function joinedWords(...parts) {
  return parts.filter(Boolean).join(" · ");
}

/** @param {any} match as `GET /api/matches` has it @param {((job: string) => any) | null} ask null for who only looks on
 * @param {string} whose the resume's owner in words
 * @param {((job: any) => any) | null} open shows all of the job */
export function matchCard(match, ask, whose = "You", open = null) {
  const job = match.job;
  const why = reasonList(match.reasons);
  return el("article", { class: "card match", "data-testid": "match", "data-job": job.id },
    el("h3", {}, job.title),
    el("p", { class: "quiet" }, joinedWords(job.company_name, job.location, sourceName(job.source_name))),
    job.status !== "active" ? el("p", { class: "tag" }, jobStanding(job.status)) : null,
    skillList(whose === "You" ? "You bring" : `${whose} brings`, match.matched_skills, "have"),
    skillList(whose === "You" ? "Not in your resume" : "Not in the resume", match.missing_skills, "lack"),
    why ? el("details", {}, el("summary", {}, "Why it fits"), why) : null,
    el("div", { class: "row" },
      ask && button("Ask about this job", () => ask(job.id), { class: "soft", "aria-label": `Ask about this job: ${job.title}` }),
      open && button("Details", () => open(job), { class: "plain", "aria-label": `Details: ${job.title}` }),
      job.status === "active" ? outward(job.external_apply_url, "Apply") : null),
  );
}

/** One line that leads to the whole job. @param {Source} source @param {(ref: string, from: HTMLElement) => void} open */
export function sourceRow(source, open) {
  const made = el("button", { type: "button", class: "source", "data-testid": "source", "data-ref": source.ref },
    el("span", { class: "ref" }, source.ref),
    el("span", { class: "source-title" }, source.title),
    el("span", { class: "quiet" }, joinedWords(source.company, source.location)),
    source.status !== "active" ? el("span", { class: "tag" }, jobStanding(source.status)) : null);
  made.addEventListener("click", () => open(source.ref, made));
  return made;
}

/** One line that opens. @param {Source} source @param {string} whose the resume's owner in words */
export function sourceCard(source, whose) {
  const why = reasonList(source.reasons);
  return el("details", { class: "source", "data-testid": "source", "data-ref": source.ref },
    el("summary", {},
      el("span", { class: "ref" }, source.ref),
      el("span", { class: "source-title" }, source.title),
      el("span", { class: "quiet" }, source.company),
      source.status !== "active" ? el("span", { class: "tag" }, jobStanding(source.status)) : null),
    el("div", { class: "source-body" },
      el("p", { class: "quiet" }, joinedWords(source.location, source.status === "active" ? "open when this was written" : null)),
      skillList(`${whose} bring${whose === "You" ? "" : "s"}`, source.matched_skills, "have"),
      skillList("Not in the resume", source.missing_skills, "lack"),
      why,
      source.status === "active" ? outward(source.apply_url, "Apply at the employer") : null));
}

/** The small mark in the text that leads to the card. @param {string} ref @param {Source | undefined} source
 * @param {(ref: string, from: HTMLElement) => void} open */
export function chip(ref, source, open) {
  const label = source ? `${ref}: ${[source.title, source.company].filter(Boolean).join(", ")}` : ref;
  const made = el("button", { type: "button", class: "chip", "aria-label": label, title: label }, ref);
  made.addEventListener("click", () => open(ref, made));
  return made;
}
