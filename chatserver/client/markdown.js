/**
 * A small part of Markdown: text into blocks of plain data, blocks into DOM nodes. Links stay text: a model must not
 * lead anybody anywhere but to a card.
 */

import { el } from "./dom.js";

const INLINE = /(`[^`\n]+`)|(\*\*(?=\S)[^\n]+?\*\*)|(\*(?=[^\s*])[^*\n]+?\*)|(\b_(?=\S)[^_\n]+?_\b)|(\[J[1-9]\d{0,5}\])/;
const BULLET = /^(\s{0,6})[-*•]\s+(.*)$/;
const NUMBER = /^(\s{0,6})(\d{1,4})[.)]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s{0,3}```/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE_ROW = /^\s*\|(\s*:?-+:?\s*\|)+\s*$/;
const NESTING_MAX = 6;

// What the next characters may turn into something else: the start of a list, a heading, a fence or a reference.
const UNDECIDED_LINE = /^\s{0,6}(?:[-*•]|\d{1,4}[.)]?|#{1,6}|`{1,3})\s*$/;
const UNDECIDED_END = /\[J?\d{0,6}$/;

/**
 * @typedef {(ref: string) => Node} Chip makes the node that stands for a reference like `J3`
 * @typedef {{kind: "list", ordered: boolean, first: number, items: (string | List)[][]}} List
 * @typedef {List | {kind: "paragraph", lines: string[]} | {kind: "heading", text: string}
 *   | {kind: "code", text: string} | {kind: "table", head: string[], rows: string[][]}} Block
 */

/** @param {string} text @param {Chip} chip @returns {Node[]} */
export function render(text, chip) {
  return parse(text).map((block) => build(block, chip));
}

/** @param {string} text @returns {Block[]} */
export function parse(text) {
  const lines = text.split("\n");
  /** @type {Block[]} */
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, next] = blockAt(lines, at);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

/** Text that still grows: a mark that waits for its end is taken as if it had come, and what may yet become something
 * else is kept back, so that nothing on the screen changes its shape.
 * @param {string} text */
export function settled(text) {
  const start = text.lastIndexOf("\n") + 1;
  const last = text.slice(start);
  if (UNDECIDED_LINE.test(last)) return text.slice(0, start);
  if (/^\s*\|/.test(last)) return withoutUndecidedRows(text);
  const known = last.replace(UNDECIDED_END, "");
  const kept = text.slice(0, start) + known;
  if (known.split("**").length % 2) return kept;
  return known.endsWith("**") ? kept.slice(0, -2) : `${kept.trimEnd()}**`;
}

/** Rows are shown once they are whole, and a table once its rule says that it is one. @param {string} text */
function withoutUndecidedRows(text) {
  const lines = text.split("\n");
  if (!ROW.test(lines[lines.length - 1])) lines.pop();
  let first = lines.length;
  while (first && /^\s*\|/.test(lines[first - 1])) first -= 1;
  if (!lines.slice(first).some((line) => RULE_ROW.test(line))) lines.length = first;
  return lines.join("\n");
}

/** @param {string[]} lines @param {number} at @returns {[Block, number]} the block and the line after it */
function blockAt(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) return fenced(lines, at);
  if (ROW.test(line) && RULE_ROW.test(lines[at + 1] ?? "")) return table(lines, at);
  if (item(line)) return list(lines, at, 0);
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: "heading", text: heading[1] }, at + 1];
  let end = at + 1;
  while (end < lines.length && !startsBlock(lines[end])) end += 1;
  return [{ kind: "paragraph", lines: lines.slice(at, end) }, end];
}

/** @param {string} line */
function startsBlock(line) {
  return !line.trim() || FENCE.test(line) || ROW.test(line) || BULLET.test(line) || NUMBER.test(line)
    || HEADING.test(line);
}

/** @param {string[]} lines @param {number} at @returns {[Block, number]} */
function fenced(lines, at) {
  let end = at + 1;
  while (end < lines.length && !FENCE.test(lines[end])) end += 1;
  return [{ kind: "code", text: lines.slice(at + 1, end).join("\n") }, end + 1];
}

/** @param {string[]} lines @param {number} at @returns {[Block, number]} */
function table(lines, at) {
  let end = at + 2;
  while (end < lines.length && ROW.test(lines[end])) end += 1;
  return [{ kind: "table", head: cells(lines[at]), rows: lines.slice(at + 2, end).map(cells) }, end];
}

/** @param {string} line */
function cells(line) {
  return /** @type {RegExpExecArray} */ (ROW.exec(line))[1].split("|").map((cell) => cell.trim());
}

/** @param {string} line */
function item(line) {
  const bullet = BULLET.exec(line);
  if (bullet) return { indent: bullet[1].length, ordered: false, text: bullet[2], first: 1 };
  const number = NUMBER.exec(line);
  if (number) return { indent: number[1].length, ordered: true, text: number[3], first: Number(number[2]) };
  return null;
}

/** @param {string[]} lines @param {number} at @param {number} depth @returns {[List, number]} */
function list(lines, at, depth) {
  const first = /** @type {NonNullable<ReturnType<typeof item>>} */ (item(lines[at]));
  /** @type {List} */
  const made = { kind: "list", ordered: first.ordered, first: first.first, items: [] };
  let next = at;
  while (next < lines.length) {
    const line = lines[next];
    const one = item(line);
    const last = made.items.at(-1);
    if (one && one.indent > first.indent + 1 && last && depth < NESTING_MAX) {
      const [inner, after] = list(lines, next, depth + 1);
      last.push(inner);
      next = after;
    } else if (one && (one.indent >= first.indent || !last) && one.ordered === first.ordered) {
      made.items.push([one.text]);
      next += 1;
    } else if (!one && last && line.trim() && /^\s{2,}/.test(line)) {
      last.push(line.trim());
      next += 1;
    } else if (!line.trim() && goesOn(lines, next, first)) next += 1;
    else break;
  }
  return [made, next];
}

/** Whether the list goes on after blank lines.
 * @param {string[]} lines @param {number} at @param {{ordered: boolean, indent: number}} first */
function goesOn(lines, at, first) {
  let next = at;
  while (next < lines.length && !lines[next].trim()) next += 1;
  const one = next < lines.length ? item(lines[next]) : null;
  return one !== null && one.ordered === first.ordered && one.indent >= first.indent;
}

/** @param {Block} block @param {Chip} chip @returns {Node} */
export function build(block, chip) {
  switch (block.kind) {
    case "heading": return el("p", { class: "heading" }, inline(block.text, chip));
    case "code": return el("pre", { tabindex: "0" }, el("code", {}, block.text));
    case "paragraph": return el("p", {}, broken(block.lines, chip));
    case "list": return listNode(block, chip);
    case "table": {
      const row = (/** @type {string} */ tag, /** @type {string[]} */ of) =>
        el("tr", {}, of.map((cell) => el(tag, {}, inline(cell, chip))));
      return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
        el("table", {}, el("thead", {}, row("th", block.head)), el("tbody", {}, block.rows.map((one) => row("td", one)))));
    }
  }
}

/** @param {List} block @param {Chip} chip @returns {Node} */
function listNode(block, chip) {
  const start = block.ordered && block.first !== 1 ? { start: block.first } : {};
  return el(block.ordered ? "ol" : "ul", start, block.items.map((parts) => el("li", {}, parts.flatMap((part, place) => {
    if (typeof part !== "string") return [listNode(part, chip)];
    return place ? [el("br"), ...inline(part, chip)] : inline(part, chip);
  }))));
}

/** @param {string[]} lines @param {Chip} chip @returns {Node[]} */
function broken(lines, chip) {
  return lines.flatMap((line, place) => (place ? [el("br"), ...inline(line, chip)] : inline(line, chip)));
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
