/**
 * What a client knows of one session: frames folded into a state by the rules of delivery. No DOM, no clock.
 *
 * The mirror of the server's `core/delivery.py`: an event comes once, text grows exactly at its offset, and whatever
 * bears a higher turn discards the text of an older one.
 */

/**
 * @typedef {{id: string, name: string, role?: string}} Person
 * @typedef {{ref: string, job: string, title: string, company: string, status: string, location?: string,
 *   apply_url?: string, reasons?: {resume: string, job: string}[], matched_skills?: string[],
 *   missing_skills?: string[]}} Source
 * @typedef {{id: string, status: "active_ai" | "active_human" | "closed", user: Person, created_at: string,
 *   admin?: Person, waiting_since?: string, job?: string}} SessionInfo
 * @typedef {{type: "message" | "status" | "note", session: string, seq: number, turn: number, timestamp: string,
 *   id?: string, role?: string, content?: string, author?: {name: string, kind: string, id?: string},
 *   sources?: Source[], interrupted?: boolean, of_turn?: number, status?: SessionInfo["status"],
 *   rating?: number, comment?: string, code?: string, by?: Person | "system", to?: Person, reason?: string}} DurableEvent
 * @typedef {{turn: number, phase: string, detail: string | null, text: string, at: number,
 *   sources: Source[]}} Answer `at` is the length of `text` in Unicode code points.
 * @typedef {{session: SessionInfo | null, seq: number, turn: number, events: DurableEvent[], earlier: boolean,
 *   answer: Answer | null, retry: {turn: number, since: number} | null, sources: Record<string, Source>,
 *   typing: Record<string, Person>, behind: boolean}} State
 *   `retry` names the turn that may be answered again; `behind` says that text was missed and a join is due.
 */

/** @returns {State} */
export function empty() {
  return {
    session: null, seq: 0, turn: 0, events: [], earlier: false,
    answer: null, retry: null, sources: {}, typing: {}, behind: false,
  };
}

/** The length as the server counts it: a JavaScript string counts UTF-16 units, which is another number.
 * @param {string} text */
export function codePoints(text) {
  return Array.from(text).length;
}

/** The state after a frame of the server, or after a page of earlier events; frames of other sessions change nothing.
 * @param {State} state
 * @param {any} frame
 * @returns {State} */
export function reduce(state, frame) {
  if (frame.type === "joined") return joined(state, frame);
  if (!state.session || frame.session !== state.session.id) return state;
  const rule = RULES[frame.type];
  return rule ? rule(state, frame) : state;
}

/** @type {Record<string, (state: State, frame: any) => State>} */
const RULES = {
  message: durable,
  note: durable,
  status: durable,
  answering,
  delta,
  rebase,
  typing,
  earlier,
};

/** @param {State} state @param {any} frame @returns {State} */
function joined(state, frame) {
  const same = state.session !== null && state.session.id === frame.session.id && !frame.reset;
  let next = same ? state : empty();
  next = { ...next, session: next.session ?? frame.session, earlier: same ? next.earlier : Boolean(frame.earlier) };
  for (const event of frame.events) next = durable(next, event);
  next = raise(next, frame.turn);
  const answer = frame.answer ? begun(frame.answer.turn, frame.answer.sources) : null;
  if (answer) {
    answer.text = frame.answer.content ?? "";
    answer.at = codePoints(answer.text);
    answer.phase = answer.text ? "writing" : "thinking";
  }
  return {
    ...next,
    session: frame.session,
    seq: Math.max(next.seq, frame.seq),
    answer,
    retry: answer ? null : next.retry,
    sources: known(next.sources, frame.answer?.sources),
    typing: {},
    behind: false,
  };
}

/** @param {State} state @param {DurableEvent} event @returns {State} */
function durable(state, event) {
  if (event.seq <= state.seq) return state;
  let next = raise(state, event.turn);
  if (event.of_turn !== undefined && next.answer?.turn === event.of_turn) next = { ...next, answer: null };
  next = {
    ...next,
    seq: event.seq,
    events: [...next.events, event],
    sources: known(next.sources, event.sources),
    typing: without(next.typing, event.author?.id),
  };
  return event.type === "status" ? changed(next, event) : next;
}

/** @param {State} state @param {DurableEvent} event @returns {State} */
function changed(state, event) {
  const session = /** @type {SessionInfo} */ ({ ...state.session, status: event.status });
  if (event.status !== "active_human") delete session.admin;
  else if (event.reason === "taken_over" && event.by && event.by !== "system") session.admin = event.by;
  else if (event.reason === "transferred" && event.to) session.admin = event.to;
  if (event.reason === "waiting") session.waiting_since = event.timestamp;
  else if (event.reason === "waiting_over" || event.status !== "active_ai") delete session.waiting_since;
  const ended = event.reason === "stopped" || event.reason?.startsWith("answer_failed");
  const retry = ended && event.of_turn !== undefined ? { turn: event.of_turn, since: event.turn } : state.retry;
  return { ...state, session, retry: event.status === "active_ai" ? retry : null };
}

/** A higher turn discards the partial text, and what might have been tried again. @param {State} state
 * @param {number} turn @returns {State} */
function raise(state, turn) {
  if (turn <= state.turn) return state;
  return { ...state, turn, answer: null, retry: null };
}

/** @param {State} state @param {any} frame @returns {State} */
function answering(state, frame) {
  if (frame.turn < state.turn) return state;
  const next = raise(state, frame.turn);
  const answer = {
    ...(next.answer ?? begun(frame.turn)), phase: frame.phase, detail: frame.detail ?? null,
  };
  if (frame.sources) answer.sources = frame.sources;
  return { ...next, answer, retry: null, sources: known(next.sources, frame.sources) };
}

/** @param {State} state @param {any} frame @returns {State} */
function delta(state, frame) {
  if (frame.turn < state.turn) return state;
  const next = raise(state, frame.turn);
  const answer = next.answer ?? begun(frame.turn);
  if (frame.at < answer.at) return state;
  if (frame.at > answer.at) return { ...state, behind: true };
  return {
    ...next,
    retry: null,
    answer: {
      ...answer, phase: "writing", text: answer.text + frame.content, at: answer.at + codePoints(frame.content),
    },
  };
}

/** @param {State} state @param {any} frame @returns {State} */
function rebase(state, frame) {
  if (frame.turn < state.turn) return state;
  const next = raise(state, frame.turn);
  const answer = next.answer ?? begun(frame.turn);
  return {
    ...next,
    retry: null,
    behind: false,
    answer: {
      ...answer, text: frame.content, at: codePoints(frame.content), phase: frame.content ? "writing" : "thinking",
    },
  };
}

/** @param {State} state @param {any} frame @returns {State} */
function typing(state, frame) {
  const rest = without(state.typing, frame.user.id);
  return { ...state, typing: frame.on ? { ...rest, [frame.user.id]: frame.user } : rest };
}

/** A page of older events that REST gave. @param {State} state @param {any} page @returns {State} */
function earlier(state, page) {
  const first = state.events.length ? state.events[0].seq : state.seq + 1;
  const older = page.events.filter((/** @type {DurableEvent} */ event) => event.seq < first);
  /** @type {Record<string, Source>} */
  let sources = {};
  for (const event of older) sources = known(sources, event.sources);
  return {
    ...state, events: [...older, ...state.events], earlier: page.more, sources: { ...sources, ...state.sources },
  };
}

/** @param {number} turn @param {Source[]} [sources] @returns {Answer} */
function begun(turn, sources = []) {
  return { turn, phase: "thinking", detail: null, text: "", at: 0, sources };
}

/** @param {Record<string, Source>} sources @param {Source[] | undefined} more */
function known(sources, more) {
  if (!more || !more.length) return sources;
  return { ...sources, ...Object.fromEntries(more.map((source) => [source.ref, source])) };
}

/** @param {Record<string, Person>} typing @param {string | undefined} id */
function without(typing, id) {
  if (!id || !(id in typing)) return typing;
  const rest = { ...typing };
  delete rest[id];
  return rest;
}

/** Whether a question stands that nothing has been seen of yet: an answer must be on its way.
 * @param {State} state */
export function isAwaited(state) {
  if (state.answer || state.session?.status !== "active_ai") return false;
  for (let place = state.events.length - 1; place >= 0; place -= 1) {
    const event = state.events[place];
    if (event.turn < state.turn) return false;
    if (event.type === "message" && event.role === "user") return true;
    if (event.type === "status" && event.of_turn !== undefined) return false;
    if (event.type === "message" && event.role === "assistant") return false;
    // Whoever may be in danger got help in place of an answer.
    if (event.code?.startsWith("help_in_distress")) return false;
  }
  return false;
}
