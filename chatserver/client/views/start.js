/** What a conversation that has only begun says of itself, and three questions to begin with. */

import { button, el, fill } from "../dom.js";

const QUESTIONS = {
  none: ["Which jobs are open in Bengaluru?", "Which openings are there for a beginner in audit?", "What do data engineer jobs ask for?"],
  resume: ["Which jobs fit me best, and why?", "Which skills am I missing most often?", "How do I prepare for the interviews?"],
  job: ["How well does my resume fit this job?", "What should I change in my resume for it?", "What will I be asked in the interview?"],
};

const STEPS = [
  "Your resume is read, and open jobs are held against it.",
  "Answers name the jobs they rest on: press J1, and you see the job.",
  "A person of our team joins whenever you ask for one.",
];

export class StartView {
  /** @param {(question: string) => void} ask @param {() => void} upload */
  constructor(ask, upload) {
    this.ask = ask;
    this.upload = upload;
    this.drawn = "";
    this.element = el("section", { class: "start-card", "aria-label": "How to begin", "data-testid": "start", hidden: true });
  }

  /** @param {"none" | "resume" | "job" | null} kind null where the conversation has begun @param {boolean} hasResume */
  show(kind, hasResume) {
    const key = `${kind} ${hasResume}`;
    if (key === this.drawn) return;
    this.drawn = key;
    this.element.hidden = kind === null;
    if (kind === null) return fill(this.element);
    fill(this.element,
      kind === "none" ? el("ol", { class: "steps" }, STEPS.map((step) => el("li", {}, step))) : null,
      hasResume ? null : button("Upload your resume", () => this.upload(), { class: "primary" }),
      el("p", { class: "quiet" }, hasResume ? "You could ask:" : "Or ask right away:"),
      el("div", { class: "suggestions" }, QUESTIONS[kind].map((question) =>
        button(question, () => this.ask(question), { class: "suggestion", "data-testid": "suggestion" }))));
  }
}
