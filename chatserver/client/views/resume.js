/** The seeker's resume: by drop, button or paste; its progress; and a plain word on what was read or why not. */

import { button, el, fill } from "../dom.js";
import { counted } from "../words.js";
import { question } from "./dialog.js";

const FILE_MAX_BYTES = 5 * 1024 * 1024;
const ACCEPTED = ".pdf,.docx,.txt,.md,application/pdf,text/plain,text/markdown,application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const SHOWN_SKILLS = 24;

export class ResumeView {
  /** @param {import("../api.js").Api} api @param {() => void} changed there is another resume, or none, or it is known now
   * @param {() => Promise<boolean>} asked before anything is sent: whether it may be */
  constructor(api, changed, asked) {
    this.api = api;
    this.changed = changed;
    this.asked = asked;
    this.busy = false;
    this.has = false;
    this.input = el("input", { type: "file", accept: ACCEPTED, id: "resume-file", class: "visually-hidden", tabindex: "-1", "aria-label": "Resume file" });
    this.said = el("div", { role: "status", class: "read", "data-testid": "resume-status" });
    this.progress = el("progress", { max: 1, value: 0, "aria-label": "Upload" });
    this.part = el("span", { class: "quiet", "aria-hidden": "true" });
    this.sending = el("div", { class: "sending", hidden: true }, this.progress, this.part);
    this.text = el("textarea", { rows: 6, "aria-label": "Text of your resume", placeholder: "Paste the text of your resume here" });
    this.paste = el("form", { hidden: true, class: "stack" }, this.text, el("button", { type: "submit", class: "soft" }, "Read this text"));
    this.hint = el("p", { class: "quiet" }, "PDF, DOCX, TXT or MD, up to 5 MB. Drop it here, or");
    this.gone = button("Remove", () => this.remove(), { class: "plain", hidden: true });
    this.element = el("section", { class: "card resume", "aria-labelledby": "resume-title" },
      el("h2", { id: "resume-title" }, "Your resume"),
      this.said, this.sending, this.hint,
      el("div", { class: "row" },
        button("Choose a file", () => this.choose(), { class: "soft" }),
        button("Paste text", () => this.togglePaste(), { class: "plain" }), this.gone),
      this.input, this.paste);
    this.listen();
  }

  async choose() {
    if (await this.asked()) this.input.click();
  }

  listen() {
    this.input.addEventListener("change", () => {
      const file = this.input.files?.[0];
      this.input.value = "";
      if (file) void this.send(file);
    });
    this.paste.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (this.text.value.trim()) void this.sendText(this.text.value);
    });
    const over = (/** @type {DragEvent} */ event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.element.classList.add("over");
    };
    // A file that is dropped beside the card must not replace the page.
    addEventListener("dragover", over);
    addEventListener("dragleave", (event) => event.relatedTarget === null && this.element.classList.remove("over"));
    addEventListener("drop", (event) => {
      this.element.classList.remove("over");
      // Words that are dropped into a field are the browser's affair.
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file) void this.send(file);
    });
  }

  togglePaste() {
    this.paste.hidden = !this.paste.hidden;
    if (!this.paste.hidden) this.text.focus();
  }

  async load() {
    try {
      const found = await this.api.get("/api/me/resume");
      this.show(found.file_name ?? "Pasted text", found, false);
    } catch (error) {
      const problem = /** @type {any} */ (error);
      if (problem.status === 404) return this.none();
      fill(this.said, el("p", { class: "problem", "data-testid": "resume-problem" }, problem.message),
        button("Try again", () => this.load(), { class: "soft" }));
      // Jobs are shown as to somebody without a resume, until it is known.
      this.changed();
    }
  }

  none() {
    this.has = false;
    this.gone.hidden = true;
    this.hint.textContent = "PDF, DOCX, TXT or MD, up to 5 MB. Drop it here, or";
    fill(this.said, el("p", {}, "Upload it, and the jobs that fit it appear below."));
    this.changed();
  }

  async remove() {
    const isMeant = await question({
      title: "Remove your resume?", what: "Its text and its file are deleted; your conversations stay.", yes: "Remove it", no: "Keep it",
    });
    if (!isMeant) return;
    try {
      await this.api.send("DELETE", "/api/me/resume");
      this.none();
    } catch (error) {
      this.refuse(String(/** @type {Error} */ (error).message));
    }
  }

  /** @param {File} file */
  send(file) {
    if (file.size > FILE_MAX_BYTES) {
      return this.refuse(`${file.name} is larger than 5 MB; send a smaller file, or paste the text.`);
    }
    return this.run(file.name, () => this.api.upload("/api/me/resume", file, (part) => {
      this.progress.value = part;
      // Not in the sentence: that is read aloud whenever it changes.
      this.part.textContent = `${Math.round(part * 100)} %`;
      if (part >= 1) this.reading(file.name);
    }));
  }

  /** @param {string} text */
  async sendText(text) {
    const done = await this.run("The pasted text", () => this.api.send("PUT", "/api/me/resume", { text }));
    if (done) {
      this.text.value = "";
      this.paste.hidden = true;
    }
  }

  /** @param {string} name */
  reading(name) {
    this.progress.removeAttribute("value");
    this.part.textContent = "";
    fill(this.said, el("p", {}, `Reading ${name}…`));
  }

  /** @param {string} name @param {() => Promise<any>} act */
  async run(name, act) {
    if (this.busy || !(await this.asked())) return false;
    this.busy = true;
    this.progress.value = 0;
    this.part.textContent = "";
    this.sending.hidden = false;
    fill(this.said, el("p", {}, `Sending ${name}…`));
    try {
      this.show(name, await act(), true);
      return true;
    } catch (error) {
      this.refuse(String(/** @type {Error} */ (error).message));
      return false;
    } finally {
      this.busy = false;
      this.sending.hidden = true;
    }
  }

  /** @param {string} sentence */
  refuse(sentence) {
    fill(this.said,
      el("p", { class: "problem", "data-testid": "resume-problem" }, sentence),
      el("p", { class: "quiet" }, this.has ? "The resume that was there stays. Try another file, or paste the text." : "Try another file, or paste the text."));
  }

  /** @param {string} name @param {any} read @param {boolean} isNew it was read just now */
  show(name, read, isNew) {
    const titles = read.titles ?? [];
    const skills = read.skills ?? [];
    const size = read.pages ? counted(read.pages, "page") : counted(read.characters ?? read.text?.length ?? 0, "character");
    this.has = true;
    this.gone.hidden = false;
    this.hint.textContent = "To replace it, drop another here, or";
    fill(this.said,
      el("p", { "data-testid": "resume-read" }, el("strong", {}, name), ` was read: ${size}, ${counted(skills.length, "skill")}.`),
      (read.warnings ?? []).map((/** @type {string} */ warning) => el("p", { class: "warning" }, warning)),
      titles.length ? el("p", { class: "quiet" }, `Titles found: ${titles.join(", ")}.`) : null,
      skills.length ? skillsFound(skills, isNew)
        : el("p", { class: "warning" }, "No known skill was found in it; matches go by its words alone."));
    this.changed();
  }
}

/** @param {string[]} skills @param {boolean} open */
function skillsFound(skills, open) {
  const left = skills.length - SHOWN_SKILLS;
  return el("details", { class: "skills have", open }, el("summary", {}, "Skills found"),
    el("ul", { "aria-label": "Skills found" }, skills.slice(0, SHOWN_SKILLS).map((skill) => el("li", {}, skill))),
    left > 0 ? el("p", { class: "quiet" }, `and ${left} more`) : null);
}
