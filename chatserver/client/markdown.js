/**
 * A small part of Markdown: text into blocks of plain data, blocks into DOM nodes. Links stay text: a model must not
 * lead anybody anywhere but to a card.
 */

import { el } from "./dom.js";
import { decided, inline } from "./inline.js";

const BULLET = /^(\s{0,6})[-*•]\s+(.*)$/;
const NUMBER = /^(\s{0,6})(\d{1,4})[.)]\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const FENCE = /^\s{0,3}```+[^`]*$/;
const INNER_FENCE = /^\s*```+[^`]*$/;
const FENCE_END = /^\s*```+\s*$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const LINE = /^\s{0,3}([-*_])\1{2,}\s*$/;
const ROW = /^\s*\|(.+)\|\s*$/;
const RULE_ROW = /^\s*\|(\s*:?-+:?\s*\|)+\s*$/;
const NESTING_MAX = 6;

// A line of which nobody knows yet what it is: the next characters may make it a list, a heading, a fence, a row.
const UNDECIDED = /^\s*(?:(?:[-*•_]+|\d{1,4}[.)]?|#{1,6}|`{1,2}|>)?\s*$|\||```)/;
const MAYBE_RULE_ROW = /^\s*(?:\|[\s:|-]*)?$/;
const MAYBE_FENCE_END = /^\s*`*\s*$/;

/**
 * @typedef {import("./inline.js").Chip} Chip
 * @typedef {{kind: "code", text: string, closed: boolean}} Code
 * @typedef {{kind: "list", ordered: boolean, first: number, items: (string | List | Code)[][]}} List
 * @typedef {List | Code | {kind: "paragraph" | "quote", lines: string[]} | {kind: "heading", text: string}
 *   | {kind: "line"} | {kind: "table", head: string[], rows: string[][]}} Block
 */

/** @param {string} text @param {Chip} chip @returns {Node[]} */
export function render(text, chip) {
  return parse(text).map((block) => build(block, chip));
}

/** @param {string} text @returns {Block[]} */
export function parse(text) {
  const lines = text.replaceAll("\r", "").split("\n");
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

/**
 * As much of a text that still grows as will stay as it is shown: whatever comes, each character keeps its place and its
 * form. At most the last line is kept back, and the one before it where that may become the head of a table.
 * @param {string} text
 */
export function settled(text) {
  const start = text.lastIndexOf("\n") + 1;
  const whole = text.slice(0, start);
  const last = text.slice(start);
  const end = lastOf(parse(whole));
  if (end?.kind === "code" && !end.closed) return MAYBE_FENCE_END.test(last) ? whole : text;
  if (!UNDECIDED.test(last)) return whole + last.slice(0, decided(last));
  const head = end?.kind === "paragraph" ? end.lines[end.lines.length - 1] : "";
  if (!ROW.test(head) || !MAYBE_RULE_ROW.test(last) || !whole.trimEnd().endsWith(head.trimEnd())) return whole;
  return /\n\s*\n$/.test(whole) ? whole : whole.slice(0, whole.lastIndexOf(head));
}

/** What the next line would go on with. @param {Block[]} blocks @returns {Block | undefined} */
function lastOf(blocks) {
  let last = blocks[blocks.length - 1];
  while (last?.kind === "list") {
    const part = last.items[last.items.length - 1].at(-1);
    if (part === undefined || typeof part === "string") return last;
    last = part;
  }
  return last;
}

/** @param {string[]} lines @param {number} at @returns {[Block, number]} the block and the line after it */
function blockAt(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) return fenced(lines, at);
  if (ROW.test(line) && RULE_ROW.test(lines[at + 1] ?? "")) return table(lines, at);
  if (LINE.test(line)) return [{ kind: "line" }, at + 1];
  if (item(line)) return list(lines, at, 0);
  if (QUOTE.test(line)) return quote(lines, at);
  const heading = HEADING.exec(line);
  if (heading) return [{ kind: "heading", text: heading[1] }, at + 1];
  let end = at + 1;
  while (end < lines.length && !startsBlock(lines[end])) end += 1;
  return [{ kind: "paragraph", lines: lines.slice(at, end) }, end];
}

/** @param {string} line */
function startsBlock(line) {
  return !line.trim() || [FENCE, ROW, LINE, BULLET, NUMBER, QUOTE, HEADING].some((start) => start.test(line));
}

/** @param {string[]} lines @param {number} at @returns {[Code, number]} */
function fenced(lines, at) {
  const indent = lines[at].length - lines[at].trimStart().length;
  let end = at + 1;
  while (end < lines.length && !FENCE_END.test(lines[end])) end += 1;
  const within = lines.slice(at + 1, end).map((line) => (line.slice(0, indent).trim() ? line : line.slice(indent)));
  return [{ kind: "code", text: within.join("\n"), closed: end < lines.length }, end + 1];
}

/** @param {string[]} lines @param {number} at @returns {[Block, number]} */
function quote(lines, at) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  return [{ kind: "quote", lines: lines.slice(at, end).map((line) => line.replace(QUOTE, "$1")) }, end];
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
  if (LINE.test(line)) return null;
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
      const [part, after] = INNER_FENCE.test(line) ? fenced(lines, next) : [line.trim(), next + 1];
      last.push(part);
      next = after;
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
    // Each block finds its own direction: an answer may hold Arabic and English.
    case "heading": return el("p", { class: "heading", dir: "auto" }, inline(block.text, chip));
    case "code": return codeNode(block);
    case "paragraph": return el("p", { dir: "auto" }, broken(block.lines, chip));
    case "quote": return el("blockquote", { dir: "auto" }, broken(block.lines, chip));
    case "line": return el("hr");
    case "list": return listNode(block, chip);
    case "table": {
      const row = (/** @type {string} */ tag, /** @type {string[]} */ of) =>
        el("tr", {}, of.map((cell) => el(tag, { dir: "auto" }, inline(cell, chip))));
      return el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
        el("table", { dir: "auto" }, el("thead", {}, row("th", block.head)), el("tbody", {}, block.rows.map((one) => row("td", one)))));
    }
  }
}

/** @param {Code} block */
function codeNode(block) {
  return el("pre", { tabindex: "0", dir: "ltr" }, el("code", {}, block.text));
}

/** @param {List} block @param {Chip} chip @returns {Node} */
function listNode(block, chip) {
  const start = block.ordered && block.first !== 1 ? { start: block.first } : {};
  return el(block.ordered ? "ol" : "ul", { ...start, dir: "auto" }, block.items.map((parts) => el("li", {}, parts.flatMap((part, place) => {
    if (typeof part !== "string") return [part.kind === "code" ? codeNode(part) : listNode(part, chip)];
    return place ? [el("br"), ...inline(part, chip)] : inline(part, chip);
  }))));
}

/** @param {string[]} lines @param {Chip} chip @returns {Node[]} */
function broken(lines, chip) {
  return lines.flatMap((line, place) => (place ? [el("br"), ...inline(line, chip)] : inline(line, chip)));
}
