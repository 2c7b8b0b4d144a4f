/** What an operator sees first: how things stand now, and the last days as plots. */

import { button, el, fill } from "../dom.js";
import { toast } from "../shell.js";
import { moment, waited } from "../words.js";
import { duration, plot, UNITS } from "./plots.js";

const SPANS = [7, 14, 30, 90];
const SPAN = 14;
const SESSIONS = { active_ai: "with the assistant", active_human: "with a person", closed: "closed" };
const JOBS = { active: "open", processing: "being prepared", failed: "failed", closed: "closed" };
const PURPOSES = /** @type {Record<string, string>} */ ({ answers: "Answers", enrichment: "Guides for jobs" });
const OUTCOMES = /** @type {Record<string, string>} */ ({
  running: "running", ok: "read", partial: "read in part", blocked: "blocked us", disallowed: "does not allow it",
  changed_shape: "has changed its shape", empty: "has nothing", failed: "failed",
});
const FIRMS = /** @type {Record<string, string>} */ ({ deloitte: "Deloitte", pwc: "PwC", kpmg: "KPMG", ey: "EY" });
const FINE = ["ok", "empty", "running"];

export class Figures {
  /** @param {import("../api.js").Api} api */
  constructor(api) {
    this.api = api;
    this.isRead = false;
    this.span = el("select", { id: "span" }, SPANS.map((days) => el("option", { value: days, selected: days === SPAN }, `${days} days`)));
    this.span.addEventListener("change", () => this.load());
    this.asOf = el("p", { class: "quiet", role: "status", "data-testid": "as-of" });
    this.body = el("div", { class: "figures" }, el("p", { class: "quiet" }, "Counting…"));
    this.element = el("section", { class: "part", "aria-labelledby": "figures-title", "data-testid": "figures", hidden: true },
      el("div", { class: "head" },
        el("h1", { id: "figures-title" }, "Overview"), this.asOf,
        el("div", { class: "row" }, el("label", { for: "span" }, "The last"), this.span, button("Refresh", () => this.load(), { class: "soft" }))),
      this.body);
  }

  async load() {
    const wanted = this.span.value;
    let found;
    try {
      found = await this.api.get("/api/admin/overview", { days: wanted });
    } catch (error) {
      return this.refused(/** @type {Error} */ (error).message);
    }
    // Of two questions at once the later one counts, whichever answer comes first.
    if (this.span.value !== wanted) return;
    this.isRead = true;
    fill(this.body,
      el("div", { class: "now" },
        el("div", { class: "counts" },
          tiles("Conversations", found.sessions, SESSIONS, "Who writes to the assistant is counted here."),
          tiles("Jobs", found.jobs, JOBS, "Jobs that providers post or a run finds are counted here.")),
        queue(found)),
      el("h2", {}, "Conversations, day by day"),
      el("div", { class: "plots" }, people(found.days)),
      el("h2", {}, "Models, day by day"),
      el("div", { class: "plots" }, money(found)),
      el("h2", {}, "Ingestion, day by day"),
      el("div", { class: "plots" }, ingestion(found.days)),
      el("h2", {}, "Latest runs of ingestion"),
      runs(found.runs));
    this.asOf.textContent = `As of ${moment(found.at)}. Days are UTC’s.`;
  }

  /** Older figures stay, with the moment that they are of. @param {string} sentence */
  refused(sentence) {
    if (this.isRead) return toast(`The figures could not be read anew: ${sentence}`);
    fill(this.body, el("div", { class: "card stack", role: "alert", "data-testid": "figures-problem" },
      el("p", { class: "problem" }, sentence), el("div", {}, button("Try again", () => this.load(), { class: "soft" }))));
  }
}

/** @param {string} title @param {{status: string, count: number}[]} counts @param {Record<string, string>} names @param {string} nothing */
function tiles(title, counts, names, nothing) {
  const known = Object.keys(names).map((status) => ({ status, count: counts.find((one) => one.status === status)?.count ?? 0 }));
  const others = counts.filter((one) => !(one.status in names));
  return el("section", { class: "card" }, el("h2", {}, title),
    counts.length
      ? el("dl", { class: "tiles" }, [...known, ...others].map((one) => el("div", {}, el("dt", {}, names[one.status] ?? one.status), el("dd", {}, UNITS.count.exact(one.count)))))
      : el("p", { class: "quiet" }, `None yet. ${nothing}`));
}

/** @param {any} found */
function queue(found) {
  const more = found.waiting_count - found.waiting.length;
  return el("section", { class: "card", "data-testid": "queue" }, el("h2", {}, found.waiting_count ? `Waiting for a person: ${found.waiting_count}` : "Waiting for a person"),
    found.waiting.length
      ? el("ol", { class: "queue" }, found.waiting.map((/** @type {any} */ one) => el("li", {},
        el("a", { href: `/admin?session=${encodeURIComponent(one.session)}` }, one.name),
        el("span", { class: "quiet" }, waited(one.since)),
        one.reason ? el("span", { class: "quiet reason" }, one.reason) : null)))
      : el("p", { class: "quiet" }, "Nobody just now. Who asks for a person stands here, the longest wait first."),
    more > 0 ? el("p", { class: "quiet" }, `And ${more} more.`) : null);
}

/** @param {any[]} all */
function people(all) {
  const days = all.map((one) => one.day);
  const of = (/** @type {string} */ name) => all.map((one) => one[name]);
  const sum = (/** @type {string} */ name) => all.reduce((total, one) => total + one[name], 0);
  const [asked, reached, up, down] = ["asked", "reached", "ratings_up", "ratings_down"].map(sum);
  const slowest = Math.max(0, ...of("wait_p90_seconds").map((one) => one ?? 0));
  return [
    plot({
      title: "Conversations begun", summary: `${sum("sessions")} in all`, days, unit: UNITS.count,
      series: [{ name: "Begun", values: of("sessions") }], nothing: "None in these days. Each new conversation raises the bar of its day.",
    }),
    plot({
      title: "Asked for a person", summary: `${reached} of ${asked} were reached`, days, unit: UNITS.count, within: true,
      series: [{ name: "Asked", values: of("asked") }, { name: "Reached", values: of("reached") }],
      nothing: "Nobody did in these days. Who asks is counted here, and how many somebody came for.",
    }),
    plot({
      title: "How long they waited", summary: `Nine in ten within ${duration(slowest)}, on the slowest day`, days, unit: UNITS.seconds, within: true,
      series: [{ name: "Nine in ten waited less than", values: of("wait_p90_seconds") }, { name: "Half waited less than", values: of("wait_median_seconds") }],
      nothing: "Nobody was reached in these days. From the question for a person to the takeover is measured here.",
    }),
    plot({
      title: "Takeovers", summary: `${sum("takeovers")} in all`, days, unit: UNITS.count,
      series: [{ name: "Takeovers", values: of("takeovers") }], nothing: "None in these days. Each conversation that an admin takes over is counted here.",
    }),
    plot({
      title: "Ratings of answers", summary: `${up} helpful, ${down} not`, days, unit: UNITS.count,
      series: [{ name: "Helpful", values: of("ratings_up") }, { name: "Not helpful", values: of("ratings_down") }],
      nothing: "None in these days. What seekers say of answers is counted here, on the day of the answer.",
    }),
  ];
}

/** @param {any} found */
function money(found) {
  const days = found.days.map((/** @type {any} */ one) => one.day);
  /** @param {(one: any) => boolean} of @param {(one: any) => number} value */
  const values = (of, value) => days.map((/** @type {string} */ day) => found.spending.filter((/** @type {any} */ one) => one.day === day && of(one))
    .reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + value(one), 0));
  const purposes = [...new Set(["answers", "enrichment", ...found.spending.map((/** @type {any} */ one) => one.purpose)])];
  const total = (/** @type {(one: any) => number} */ value) => found.spending.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + value(one), 0);
  const read = (/** @type {any} */ one) => (one.input_tokens ?? 0) + (one.cache_read_tokens ?? 0) + (one.cache_write_tokens ?? 0);
  const reserved = total((one) => one.reserved_usd);
  return [
    plot({
      title: "Cost of models", days, unit: UNITS.usd,
      summary: `${UNITS.usd.exact(total((one) => one.settled_usd))} in all${reserved > 0 ? `, ${UNITS.usd.exact(reserved)} set aside` : ""}`,
      series: purposes.map((purpose) => ({ name: PURPOSES[purpose] ?? purpose, values: values((one) => one.purpose === purpose, (one) => one.settled_usd) })),
      nothing: "Nothing in these days. What a model is paid for answers and for the guides of jobs stands here.",
    }),
    plot({
      title: "Tokens of answers", summary: `${UNITS.count.short(total(read))} read, ${UNITS.count.short(total((one) => one.output_tokens ?? 0))} written`,
      days, unit: UNITS.count,
      series: [{ name: "Read", values: values(() => true, read) }, { name: "Written", values: values(() => true, (one) => one.output_tokens ?? 0) }],
      nothing: "None in these days. What a model reads and writes for answers is counted here; the offline assistant uses none.",
    }),
  ];
}

/** @param {any[]} all */
function ingestion(all) {
  const days = all.map((one) => one.day);
  const of = (/** @type {string} */ name) => all.map((one) => one[name]);
  const sum = (/** @type {string} */ name) => all.reduce((total, one) => total + one[name], 0);
  return [
    plot({
      title: "Runs", summary: `${sum("runs")} in all, ${sum("runs_failed")} failed`, days, unit: UNITS.count,
      series: [{ name: "Begun and not failed", values: all.map((one) => one.runs - one.runs_failed) }, { name: "Failed", values: of("runs_failed") }],
      nothing: "None in these days. Each reading of a firm’s career sites is counted here.",
    }),
    plot({
      title: "Boards", summary: `${sum("boards_read")} read, ${sum("boards_troubled")} in trouble`, days, unit: UNITS.count,
      series: [{ name: "Read", values: of("boards_read") }, { name: "In trouble", values: of("boards_troubled") }],
      nothing: "None in these days. Each board that a run reads is counted here, and those that would not be read.",
    }),
    plot({
      title: "Jobs that came and went", summary: `${UNITS.count.exact(sum("jobs_new"))} new, ${UNITS.count.exact(sum("jobs_closed"))} closed`, days, unit: UNITS.count,
      series: [{ name: "New", values: of("jobs_new") }, { name: "Closed", values: of("jobs_closed") }],
      nothing: "None in these days. New jobs that a run finds are counted here, and those that a site lists no more.",
    }),
  ];
}

/** @param {any[]} all */
function runs(all) {
  if (!all.length) return el("p", { class: "quiet", "data-testid": "runs" }, "None yet. After the first run, by night or asked for, each firm stands here with how its boards fared.");
  return el("div", { class: "runs", "data-testid": "runs" }, all.map((run) => {
    const fine = run.boards.filter((/** @type {any} */ one) => FINE.includes(one.status)).length;
    return el("section", { class: "card" },
      el("h3", {}, FIRMS[run.source_name] ?? run.source_name, el("span", { class: run.status === "failed" ? "tag bad" : "tag" }, run.status)),
      el("p", { class: "quiet" }, `Begun ${moment(run.started_at)}. ${run.jobs_fetched} postings seen, ${run.jobs_new} new, ${run.jobs_closed} closed, ${run.errors} errors.`),
      run.detail ? el("p", { class: "problem" }, run.detail) : null,
      run.boards.length
        ? el("details", { open: fine < run.boards.length }, el("summary", {}, `${fine} of ${run.boards.length} boards went well`),
          el("ul", { class: "boards" }, run.boards.map((/** @type {any} */ board) => el("li", {},
            el("span", {}, board.board),
            el("span", { class: FINE.includes(board.status) ? "quiet" : "problem" }, `${OUTCOMES[board.status] ?? board.status}, ${board.jobs_fetched} seen, ${board.jobs_new} new`),
            board.detail ? el("span", { class: "quiet detail" }, board.detail) : null))))
        : el("p", { class: "quiet" }, "No board yet."));
  }));
}
