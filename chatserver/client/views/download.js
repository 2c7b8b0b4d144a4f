/** What somebody takes away as a file. */

import { el } from "../dom.js";

/** By then the browser has begun to read it; some begin later than the press. */
const READ_MS = 60_000;

/** @param {Blob} content @param {string} name */
export function save(content, name) {
  const url = URL.createObjectURL(content);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), READ_MS);
}
