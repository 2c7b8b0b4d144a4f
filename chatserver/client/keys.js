/** The shortcuts of the admin's page: one table for the keyboard and for the sheet that explains it. */

const OFF = "shortcuts-off";

/** @typedef {{key: string, act: string, label: string}} Shortcut */

/** @type {Shortcut[]} */
export const SHORTCUTS = [
  { key: "?", act: "help", label: "Show this sheet" },
  { key: "/", act: "search", label: "Search conversations" },
  { key: "j", act: "next", label: "Next conversation in the lobby" },
  { key: "k", act: "previous", label: "Previous conversation in the lobby" },
  { key: "q", act: "longest", label: "Open who waits longest" },
  { key: "t", act: "takeOver", label: "Take over" },
  { key: "r", act: "reply", label: "Write a reply" },
  { key: "d", act: "draft", label: "Ask for a private draft" },
  { key: "c", act: "canned", label: "Choose a canned answer" },
  { key: "n", act: "note", label: "Write a note for admins" },
  { key: "b", act: "handBack", label: "Hand back to the assistant" },
  { key: "p", act: "passOn", label: "Pass on to another admin" },
  { key: "x", act: "closeTab", label: "Put this conversation away" },
  { key: "a", act: "available", label: "Available or not" },
];
const RUNNING = ["j", "k"];
export const TAB_LABEL = "Turn to an open conversation";

/** Calls what a key stands for, where nobody is writing. @param {Record<string, () => any>} acts
 * @param {(place: number) => void} turnTo @param {import("./kept.js").Kept} storage */
export function listen(acts, turnTo, storage) {
  document.addEventListener("keydown", (event) => {
    // A key that is held down acts once; only through the lobby one may run.
    if (event.repeat && !RUNNING.includes(event.key)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isWriting(event.target)) return;
    // Whoever speaks to their machine fires single letters by accident: they can be turned off.
    if (!areOn(storage) && event.key !== "?") return;
    if (document.querySelector("dialog[open]")) return;
    if (/^[1-9]$/.test(event.key)) turnTo(Number(event.key) - 1);
    else {
      const found = SHORTCUTS.find((one) => one.key === event.key);
      if (!found) return;
      acts[found.act]();
    }
    event.preventDefault();
  });
}

/** @param {EventTarget | null} target */
function isWriting(target) {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), textarea, select");
}

/** @param {import("./kept.js").Kept} storage */
export function areOn(storage) {
  return storage.getItem(OFF) === null;
}

/** @param {import("./kept.js").Kept} storage @param {boolean} on */
export function turn(storage, on) {
  if (on) storage.removeItem(OFF);
  else storage.setItem(OFF, "yes");
}
