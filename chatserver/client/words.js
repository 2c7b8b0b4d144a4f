/** The sentences of the client: who speaks, what a status means, how long ago something was. No DOM. */

/** @typedef {import("./state.js").DurableEvent} DurableEvent */

const DAY_MS = 86_400_000;

const FAILURES = {
  bad_key: "The assistant is not set up correctly here; ask for a person instead.",
  cut: "The line to the assistant broke off.",
  down: "The assistant cannot be reached just now.",
  empty: "The assistant had nothing to say.",
  gave_up: "The answer broke off three times and was given up.",
  overloaded: "The assistant is overloaded just now.",
  refused: "The assistant declined to answer this.",
  withdrawn: "You withdrew your consent while this was being written. Try again: it is answered without your resume.",
  stalled: "The answer took too long and was given up.",
  too_long: "The conversation has become too long for the assistant; start a new one.",
  unavailable: "The answer could not be finished: a service did not answer.",
};

/** @param {string} code */
export function failureSentence(code) {
  return FAILURES[/** @type {keyof typeof FAILURES} */ (code)] ?? "The answer failed.";
}

const DRAFT_OVER = {
  closed: "The conversation was closed while this was written.",
  not_found: "The conversation was erased while this was written.",
  not_holder: "You do not hold this conversation any more, so nothing is proposed in it.",
};

/** Why there is no draft, and what to do where something can be done. @param {string} code */
export function draftProblem(code) {
  const over = DRAFT_OVER[/** @type {keyof typeof DRAFT_OVER} */ (code)];
  return over ?? `${failureSentence(code)} Press “Draft” to try again.`;
}

/** Nobody takes a machine for a person, nor a composer for a model.
 * @param {string | undefined} kind @param {string} role @returns {string} */
export function nature(kind, role) {
  if (kind === "anthropic") return "AI";
  if (kind === "offline") return "no AI model, composed from the job data";
  if (kind === "admin" || role === "admin") return "a person";
  return "";
}

/** @param {DurableEvent} event @param {string} me the viewer's id */
export function speaker(event, me) {
  if (event.author?.id === me) return "You";
  if (event.author?.name) return event.author.name;
  return { user: "Seeker", assistant: "Assistant", admin: "Ottobon" }[event.role ?? ""] ?? "Ottobon Jobs";
}

/** @param {DurableEvent} event @param {string} me */
export function statusSentence(event, me) {
  const by = event.by && event.by !== "system" ? event.by : null;
  const who = by ? (by.id === me ? "You" : by.name) : "The system";
  const reason = event.reason ?? "";
  if (reason.startsWith("answer_failed")) {
    return failureSentence(reason.slice("answer_failed:".length));
  }
  switch (reason) {
    case "taken_over": return by?.id === me ? "You took this conversation over." : `${who} is here now, a person.`;
    case "handed_back": return `${who} handed the conversation back to the assistant.`;
    case "lease_over": return "Nobody was here for a while, so the assistant goes on.";
    case "transferred": return event.to?.id === me ? `${who} passed this conversation on to you.`
      : `${who} passed the conversation on to ${event.to?.name ?? "somebody else"}.`;
    case "closed": return `${who} closed this conversation.`;
    case "idle": return "This conversation was closed because nothing happened for a long time.";
    case "stopped": return `${who} stopped the answer.`;
    case "waiting": return by ? `${who} asked for a person.` : "A person was asked to join.";
    case "waiting_over": return `${who === "You" ? "You are" : `${who} is`} not waiting for a person any more.`;
    default: return event.status === "closed" ? "This conversation is closed." : "The conversation goes on.";
  }
}

/** @param {string} phase */
export function phaseSentence(phase) {
  return { matching: "Looking through the jobs…", thinking: "Thinking…", writing: "Writing…" }[phase] ?? "Working…";
}

/** @param {{phase: string, detail: string | null}} answer */
export function phaseOf(answer) {
  return answer.detail && answer.phase !== "writing" ? `${answer.detail}…` : phaseSentence(answer.phase);
}

/** @param {string} status of a job */
export function jobStanding(status) {
  return {
    active: "Open", closed: "Closed: nobody can apply any more", processing: "Being prepared", failed: "Not available",
  }[status] ?? status;
}

/** Where a job was found; a provider's own bears no name of a source. @param {string | null | undefined} source */
export function sourceName(source) {
  return source ? "from its careers site" : null;
}

/** The assistant's text in a list, where its marks stand for nothing. @param {string} text */
export function plain(text) {
  return text.replace(/\*\*|`|^#+ /gm, "").replace(/\[(J[1-9]\d{0,5})\]/g, "$1");
}

/** @param {{status: string, admin?: {name: string}, waiting_since?: string}} session */
export function standing(session) {
  if (session.status === "closed") return "closed";
  if (session.status === "active_human") return `with ${session.admin?.name ?? "a person"}`;
  return session.waiting_since ? "waiting for a person" : "with the assistant";
}

/** @param {number} number @param {string} noun */
export function counted(number, noun) {
  return `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** @param {string} timestamp @param {number} [now] epoch milliseconds */
export function moment(timestamp, now = Date.now()) {
  const then = new Date(timestamp);
  const near = Math.abs(now - then.getTime()) < 18 * 3600 * 1000;
  return near ? CLOCK.format(then) : `${DAY.format(then)}, ${CLOCK.format(then)}`;
}

/** @param {string} timestamp */
export function day(timestamp) {
  return DAY.format(new Date(timestamp));
}

/** @param {string} timestamp */
export function wholeMoment(timestamp) {
  return WHOLE.format(new Date(timestamp));
}

/** When somebody will be there, as one says it. @param {string} timestamp @param {number} [now] epoch milliseconds */
export function coming(timestamp, now = Date.now()) {
  const then = new Date(timestamp);
  const days = Math.round((midnight(then) - midnight(new Date(now))) / DAY_MS);
  if (days > 6) return `on ${WHOLE.format(then)}`;
  return `${days === 0 ? "today" : days === 1 ? "tomorrow" : `on ${WEEKDAY.format(then)}`} at ${CLOCK.format(then)}`;
}

/** @param {Date} moment */
function midnight(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

/** @param {string} since @param {number} [now] epoch milliseconds */
export function waited(since, now = Date.now()) {
  const minutes = Math.max(0, Math.floor((now - Date.parse(since)) / 60_000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** What happens after "Talk to a person", as the server's `ok` has it: the place first, then who is there, then what to
 * do meanwhile.
 * @param {{open?: boolean, opens_at?: string, admins?: number, position?: number}} given @returns {string[]} */
export function queueSteps(given) {
  const place = !given.position ? "You are waiting for a person."
    : given.position === 1 ? "You are next." : `You are number ${given.position} in the queue.`;
  const meanwhile = "The assistant goes on until somebody joins: say what it is about, so that they need not ask. You may close this page; what is said is kept here.";
  if (given.open === false) {
    const back = given.opens_at ? `people are back ${coming(given.opens_at)}` : "nobody is here just now";
    return [place, `We are closed now; ${back}.`, meanwhile];
  }
  const there = given.admins
    ? `${given.admins === 1 ? "One person is" : `${given.admins} people are`} available.`
    : "Nobody has said they are available, but whoever looks in sees those who wait before all others.";
  return [place, there, meanwhile];
}
