/**
 * The marks within a line: strong, emphasis, code and references like `[J3]`. What a character becomes is decided from
 * left to right and never taken back, so that a line may be shown while it is written.
 */

import { el } from "./dom.js";

/** Emphasis and code that are not closed within so many characters are none. */
const SPAN_MAX = 200;
const REFERENCE = /\[J[1-9]\d{0,5}\]/y;
const REFERENCE_BEGUN = /\[(?:J(?:[1-9]\d{0,5})?)?$/y;
const PLAIN = /[^`*_[]+/y;
const WORD = /[\p{L}\p{N}]/u;

/**
 * @typedef {(ref: string) => Node} Chip makes the node that stands for a reference like `J3`
 * @typedef {{kind: "text" | "strong" | "em" | "code" | "ref", end: number}} Mark `strong` begins or ends there, the
 *   others go up to `end`
 */

/** @param {string} line @param {Chip} chip @returns {Node[]} */
export function inline(line, chip) {
  /** @type {Node[]} */
  const nodes = [];
  /** @type {Node[] | null} what is strong, as long as that is not closed: by its mark or with the line */
  let strong = null;
  let plain = "";
  const rest = () => {
    if (plain) (strong ?? nodes).push(document.createTextNode(plain));
    plain = "";
  };
  for (let at = 0; at < line.length;) {
    const { kind, end } = /** @type {Mark} */ (markAt(line, at, strong !== null, false));
    const whole = line.slice(at, end);
    at = end;
    if (kind === "text") {
      plain += whole;
      continue;
    }
    rest();
    if (kind !== "strong") (strong ?? nodes).push(spanned(kind, whole.slice(1, -1), chip));
    else if (!strong) strong = [];
    else {
      nodes.push(el("strong", {}, strong));
      strong = null;
    }
  }
  rest();
  if (strong) nodes.push(el("strong", {}, strong));
  return nodes;
}

/** How much of a line that still grows is decided. @param {string} line @returns {number} */
export function decided(line) {
  let strong = false;
  let shown = 0;
  for (let at = 0; at < line.length;) {
    const mark = markAt(line, at, strong, true);
    if (!mark) break;
    at = mark.end;
    // Stars without what they mark would be shown as themselves.
    if (mark.kind === "strong") strong = !strong;
    else if (!strong || mark.kind !== "text" || line[at - 1] !== "*") shown = at;
  }
  return shown;
}

/** @param {"em" | "code" | "ref"} kind @param {string} inner @param {Chip} chip */
function spanned(kind, inner, chip) {
  if (kind === "ref") return chip(inner);
  return kind === "code" ? el("code", {}, inner) : el("em", {}, inline(inner, chip));
}

/** @param {string} line @param {number} at @param {boolean} strong whether it is open there
 * @param {boolean} grows more may come @returns {Mark | null} null where only more text can tell */
function markAt(line, at, strong, grows) {
  switch (line[at]) {
    case "`": return codeAt(line, at, grows);
    case "*": return starsAt(line, at, strong, grows);
    case "_": return emphasisAt(line, at, grows);
    case "[": return referenceAt(line, at, grows);
    default: PLAIN.lastIndex = at;
      return text(at, /** @type {RegExpExecArray} */ (PLAIN.exec(line))[0].length);
  }
}

/** @param {string} line @param {number} at @param {boolean} grows @returns {Mark | null} */
function codeAt(line, at, grows) {
  const many = run(line, at);
  if (many > 1) return text(at, many);
  const end = line.indexOf("`", at + 1);
  if (end < 0) return grows && line.length - at <= SPAN_MAX ? null : text(at, 1);
  return end - at <= SPAN_MAX ? { kind: "code", end: end + 1 } : text(at, 1);
}

/** @param {string} line @param {number} at @param {boolean} strong @param {boolean} grows @returns {Mark | null} */
function starsAt(line, at, strong, grows) {
  const many = run(line, at);
  if (many > 3) return text(at, many);
  if (grows && at + many === line.length) return null;
  if (many === 1) return emphasisAt(line, at, grows);
  const opens = /\S/.test(line[at + many] ?? " ");
  return strong || opens ? { kind: "strong", end: at + 2 } : text(at, many);
}

/** @param {string} line @param {number} at @param {boolean} grows @returns {Mark | null} */
function emphasisAt(line, at, grows) {
  const mark = line[at];
  const many = run(line, at);
  if (many > 1) return text(at, many);
  if (at && WORD.test(line[at - 1])) return text(at, 1);
  if (at + 1 === line.length) return grows ? null : text(at, 1);
  if (/\s/.test(line[at + 1])) return text(at, 1);
  const end = line.indexOf(mark, at + 1);
  if (end < 0) return grows && line.length - at <= SPAN_MAX ? null : text(at, 1);
  if (end - at > SPAN_MAX || /\s/.test(line[end - 1])) return text(at, 1);
  if (mark === "*") return { kind: "em", end: end + 1 };
  // Snakes like `_in_this_name` are no emphasis.
  if (end + 1 === line.length && grows) return null;
  return WORD.test(line[end + 1] ?? " ") || line[end + 1] === "_" ? text(at, 1) : { kind: "em", end: end + 1 };
}

/** @param {string} line @param {number} at @param {boolean} grows @returns {Mark | null} */
function referenceAt(line, at, grows) {
  REFERENCE.lastIndex = REFERENCE_BEGUN.lastIndex = at;
  if (REFERENCE.test(line)) return { kind: "ref", end: REFERENCE.lastIndex };
  return grows && REFERENCE_BEGUN.test(line) ? null : text(at, 1);
}

/** How often the character at `at` stands there in a row. @param {string} line @param {number} at */
function run(line, at) {
  let end = at + 1;
  while (line[end] === line[at]) end += 1;
  return end - at;
}

/** @param {number} at @param {number} length @returns {Mark} */
function text(at, length) {
  return { kind: "text", end: at + length };
}
