/** A small part of Markdown as DOM nodes. Links stay text: a model must not lead anybody anywhere but to a card. */

import { el } from "./dom.js";

const INLINE = /(`[^`\n]+`)|(\*\*(?=\S)[^\n]+?\*\*)|(\*(?=[^\s*])[^*\n]+?\*)|(\b_(?=\S)[^_\n]+?_\b)|(\[J[1-9]\d{0,5}\])/;
const BULLET = /^(\s{0,6})[-*•]\s+(.*)$/;
const NUMBER = /^(\s{0,6})(\d{1,4})[.)]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s{0,3}```/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE_ROW = /^\s*\|(\s*:?-+:?\s*\|)+\s*$/;
const NESTING_MAX = 6;

/** @typedef {(ref: string) => Node} Chip makes the node that stands for a reference like `J3` */

/** @param {string} text @param {Chip} chip @returns {Node[]} */
export function render(text, chip) {
  const lines = text.split("\n");
  /** @type {Node[]} */
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (FENCE.test(line)) at = fenced(lines, at, blocks);
    else if (ROW.test(line) && RULE_ROW.test(lines[at + 1] ?? "")) at = table(lines, at, blocks, chip);
    else if (BULLET.test(line) || NUMBER.test(line)) at = list(lines, at, blocks, chip);
    else if (HEADING.test(line)) {
      blocks.push(el("p", { class: "heading" }, inline(/** @type {any} */ (HEADING.exec(line))[1], chip)));
      at += 1;
    } else at = paragraph(lines, at, blocks, chip);
  }
  return blocks;
}

/** Text that still grows, with a mark that waits for its end taken as if it had come.
 * @param {string} text */
export function settled(text) {
  const last = text.slice(text.lastIndexOf("\n") + 1);
  if (last.split("**").length % 2) return text;
  return last.endsWith("**") ? text.slice(0, -2) : `${text.trimEnd()}**`;
}

/** @param {string} line */
function startsBlock(line) {
  return !line.trim() || FENCE.test(line) || ROW.test(line) || BULLET.test(line) || NUMBER.test(line)
    || HEADING.test(line);
}

/** @param {string[]} lines @param {number} at @param {Node[]} blocks @param {Chip} chip */
function paragraph(lines, at, blocks, chip) {
  const nodes = inline(lines[at], chip);
  let next = at + 1;
  for (; next < lines.length && !startsBlock(lines[next]); next += 1) {
    nodes.push(el("br"), ...inline(lines[next], chip));
  }
  blocks.push(el("p", {}, nodes));
  return next;
}

/** @param {string[]} lines @param {number} at @param {Node[]} blocks */
function fenced(lines, at, blocks) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  blocks.push(el("pre", { tabindex: "0" }, el("code", {}, lines.slice(at + 1, end).join("\n"))));
  return end + 1;
}

/** @param {string[]} lines @param {number} at @param {Node[]} blocks @param {Chip} chip */
function table(lines, at, blocks, chip) {
  const cells = (/** @type {string} */ line) =>
    /** @type {any} */ (ROW.exec(line))[1].split("|").map((/** @type {string} */ cell) => cell.trim());
  const head = el("tr", {}, cells(lines[at]).map((/** @type {string} */ cell) => el("th", {}, inline(cell, chip))));
  const rows = [];
  let end = at + 2;
  for (; end < lines.length && ROW.test(lines[end]); end += 1) {
    rows.push(el("tr", {}, cells(lines[end]).map((/** @type {string} */ cell) => el("td", {}, inline(cell, chip)))));
  }
  const inside = el("table", {}, el("thead", {}, head), el("tbody", {}, rows));
  blocks.push(el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" }, inside));
  return end;
}

/** @param {string} line */
function item(line) {
  const bullet = BULLET.exec(line);
  if (bullet) return { indent: bullet[1].length, ordered: false, text: bullet[2], first: 1 };
  const number = NUMBER.exec(line);
  if (number) return { indent: number[1].length, ordered: true, text: number[3], first: Number(number[2]) };
  return null;
}

/** @param {string[]} lines @param {number} at @param {Node[]} blocks @param {Chip} chip @param {number} [depth] */
function list(lines, at, blocks, chip, depth = 0) {
  const first = /** @type {any} */ (item(lines[at]));
  const made = el(first.ordered ? "ol" : "ul", first.ordered && first.first !== 1 ? { start: first.first } : {});
  let next = at;
  /** @type {any} */
  let last = null;
  while (next < lines.length) {
    const line = lines[next];
    const one = item(line);
    if (one && one.indent > first.indent + 1 && last && depth < NESTING_MAX) {
      /** @type {Node[]} */
      const inner = [];
      next = list(lines, next, inner, chip, depth + 1);
      last.append(...inner);
    } else if (one && (one.indent >= first.indent || !last) && one.ordered === first.ordered) {
      last = el("li", {}, inline(one.text, chip));
      made.append(last);
      next += 1;
    } else if (!one && last && line.trim() && /^\s{2,}/.test(line)) {
      last.append(el("br"), ...inline(line.trim(), chip));
      next += 1;
    } else if (!line.trim() && goesOn(lines, next, first)) next += 1;
    else break;
  }
  blocks.push(made);
  return next;
}

/** Whether the list goes on after blank lines. @param {string[]} lines @param {number} at @param {any} first */
function goesOn(lines, at, first) {
  let next = at;
  while (next < lines.length && !lines[next].trim()) next += 1;
  const one = next < lines.length ? item(lines[next]) : null;
  return one !== null && one.ordered === first.ordered && one.indent >= first.indent;
}

/** @param {string} text @param {Chip} chip @returns {Node[]} */
function inline(text, chip) {
  /** @type {Node[]} */
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    if (found.index) nodes.push(document.createTextNode(rest.slice(0, found.index)));
    const [whole, code, strong, starred, lined, ref] = found;
    if (code) nodes.push(el("code", {}, code.slice(1, -1)));
    else if (strong) nodes.push(el("strong", {}, inline(strong.slice(2, -2), chip)));
    else if (starred ?? lined) nodes.push(el("em", {}, inline((starred ?? lined).slice(1, -1), chip)));
    else nodes.push(chip(ref.slice(1, -1)));
    rest = rest.slice(found.index + whole.length);
  }
  if (rest) nodes.push(document.createTextNode(rest));
  return nodes;
}
