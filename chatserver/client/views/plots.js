/** Figures by day as bars: one picture with a name and a description, and the same figures as a table. */

import { el } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 10;
const HEIGHT = 100;
const WIDTHS = [8, 4];
const SECOND_STEPS = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const WHOLE = new Intl.NumberFormat();
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const CENTS = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD" });
const USD = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD", maximumSignificantDigits: 3 });

/** @typedef {{name: string, values: (number | null)[]}} Series */
/** @typedef {{exact: (value: number) => string, short: (value: number) => string, top: (most: number) => number}} Unit */

/** @type {Record<"count" | "usd" | "seconds", Unit>} */
export const UNITS = {
  count: { exact: (value) => WHOLE.format(value), short: (value) => SHORT.format(value), top: (most) => roundedUp(Math.max(most, 2)) },
  usd: { exact: (value) => (value >= 1 ? CENTS : USD).format(value), short: (value) => USD.format(value), top: roundedUp },
  seconds: { exact: duration, short: duration, top: (most) => SECOND_STEPS.find((step) => step >= most) ?? Math.ceil(most / 86_400) * 86_400 },
};

let plots = 0;

/** @param {string} day `2026-11-24`, a day of UTC */
export function dayWords(day) {
  return DAY.format(new Date(`${day}T00:00:00Z`));
}

/** @param {number} seconds */
export function duration(seconds) {
  if (Math.round(seconds) < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** The next of 1, 2, 5, 10, 20 … that is not smaller. @param {number} most above 0 */
function roundedUp(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most * 0.9999) ?? most;
}

/**
 * @param {object} given
 * @param {string} given.title
 * @param {string} given.summary one short word on all days together
 * @param {string} given.nothing what will stand here, where there is nothing yet
 * @param {string[]} given.days
 * @param {Series[]} given.series
 * @param {boolean} [given.within] each is part of the one before, so they lie over one another; else on top
 * @param {Unit} given.unit
 */
export function plot({ title, summary, nothing, days, series, within = false, unit }) {
  const heights = days.map((_, day) => {
    const values = series.map((one) => one.values[day] ?? 0);
    return within ? Math.max(...values, 0) : values.reduce((sum, value) => sum + value, 0);
  });
  const most = Math.max(...heights, 0);
  if (most <= 0) {
    return el("figure", { class: "plot card", "data-testid": "plot" }, el("figcaption", {}, el("h3", {}, title)), el("p", { class: "quiet" }, nothing));
  }
  const top = unit.top(most);
  const highest = heights.indexOf(most);
  const says = `${days.length} days up to ${dayWords(days[days.length - 1])}. ${summary}. The highest bar is ${dayWords(days[highest])}, with ${unit.exact(most)}.`;
  return el("figure", { class: "plot card", "data-testid": "plot" },
    el("figcaption", {}, el("h3", {}, title), el("p", { class: "quiet" }, summary)),
    el("div", { class: "canvas" },
      el("span", { class: "scale", "aria-hidden": "true" }, unit.short(top)),
      picture(title, says, days, series, within, unit, top)),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, dayWords(days[0])), el("span", {}, dayWords(days[days.length - 1]))),
    series.length > 1 ? el("ul", { class: "legend" }, series.map((one, index) => el("li", {}, swatch(index), one.name))) : null,
    table(title, days, series, unit));
}

/** @param {string} title @param {string} says @param {string[]} days @param {Series[]} series @param {boolean} within
 * @param {Unit} unit @param {number} top */
function picture(title, says, days, series, within, unit, top) {
  plots += 1;
  const [name, description] = [`plot-${plots}-name`, `plot-${plots}-description`];
  const drawn = svg("svg", {
    role: "img", "aria-labelledby": name, "aria-describedby": description, viewBox: `0 0 ${days.length * STEP} ${HEIGHT}`,
    preserveAspectRatio: "none", focusable: "false",
  }, svg("title", { id: name }, title), svg("desc", { id: description }, says));
  for (const part of [0, 0.5, 1]) {
    drawn.append(svg("line", { class: part === 1 ? "floor" : "grid", x1: 0, x2: days.length * STEP, y1: part * HEIGHT, y2: part * HEIGHT }));
  }
  days.forEach((day, index) => {
    let below = 0;
    series.forEach((one, nth) => {
      const height = ((one.values[index] ?? 0) / top) * HEIGHT;
      const width = WIDTHS[within ? nth : 0] ?? 2;
      if (height > 0) {
        drawn.append(svg("rect", { class: `tone-${nth}`, x: index * STEP + (STEP - width) / 2, y: HEIGHT - below - height, width, height }));
      }
      if (!within) below += height;
    });
    const told = series.map((one) => `${one.name}: ${cell(one.values[index], unit)}`).join("\n");
    drawn.append(svg("rect", { class: "hit", x: index * STEP, y: 0, width: STEP, height: HEIGHT }, svg("title", {}, `${dayWords(day)}\n${told}`)));
  });
  return drawn;
}

/** @param {string} title @param {string[]} days @param {Series[]} series @param {Unit} unit */
function table(title, days, series, unit) {
  const rows = days.map((day, index) => el("tr", {},
    el("th", { scope: "row" }, dayWords(day)), series.map((one) => el("td", {}, cell(one.values[index], unit)))));
  return el("details", {}, el("summary", {}, "As a table"),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${title}, as a table` },
      el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Day (UTC)"), series.map((one) => el("th", { scope: "col" }, one.name)))),
        el("tbody", {}, rows.reverse()))));
}

/** @param {number | null} value @param {Unit} unit */
function cell(value, unit) {
  return value === null ? "–" : unit.exact(value);
}

/** @param {number} nth */
function swatch(nth) {
  return svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { class: `tone-${nth}`, width: 10, height: 10 }));
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
