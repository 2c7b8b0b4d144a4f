/** Canned answers: what an admin writes often, with places for what differs. No DOM. */

export const CANNED_MAX = 50;
export const TEXT_MAX = 2_000;

/** @typedef {{name: string, text: string}} Canned */

/** @type {Canned[]} */
const FIRST = [
  { name: "Hello", text: "Hello {seeker}, this is {me} from Ottobon Jobs. I have read what you wrote and am here now." },
  { name: "One moment", text: "Thank you, {seeker}. Give me a few minutes to look into it; I will write here." },
  { name: "How to apply", text: "You apply on the employer's own site: open the card of {job} and choose “Apply”." },
  { name: "Back to the assistant", text: "I hand you back to the assistant now, {seeker}. Ask for a person again whenever you like." },
];

export class CannedAnswers {
  /** @param {import("./kept.js").Kept} storage @param {string} key */
  constructor(storage, key) {
    this.storage = storage;
    this.key = key;
  }

  /** @returns {Canned[]} */
  all() {
    try {
      const kept = JSON.parse(this.storage.getItem(this.key) ?? "null");
      return Array.isArray(kept) ? kept.filter((one) => typeof one?.name === "string" && typeof one?.text === "string") : FIRST;
    } catch {
      return FIRST;
    }
  }

  /** The newer of one name takes the place of the older. @param {Canned} answer
   * @returns {string | null} why it cannot be kept */
  keep(answer) {
    const others = this.all().filter((one) => one.name !== answer.name);
    if (!answer.name || !answer.text) return "Give it a name and a text.";
    if (answer.text.length > TEXT_MAX) return `A canned answer has at most ${TEXT_MAX.toLocaleString()} characters.`;
    if (others.length >= CANNED_MAX) return `There are ${CANNED_MAX} already; remove one first.`;
    return this.store([...others, answer]);
  }

  /** @param {string} name */
  remove(name) {
    this.store(this.all().filter((one) => one.name !== name));
  }

  /** @param {Canned[]} answers @returns {string | null} */
  store(answers) {
    if (this.storage.setItem(this.key, JSON.stringify(answers))) return null;
    return "This browser keeps nothing just now: it is here until you close the page.";
  }
}

/** The text with what is known put in; what is not known stays, so that nobody sends a gap unseen.
 * @param {string} text @param {Record<string, string | undefined>} known */
export function filled(text, known) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(known, name) ? known[name] ?? whole : whole));
}
