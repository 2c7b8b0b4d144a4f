/** The lobby: summaries of sessions folded into one ordered list, waiting first. No DOM, no clock. */

/**
 * @typedef {{id: string, user: {id: string, name: string}, status: string, unread: number, updated_at: string,
 *   admin?: {id: string, name: string}, waiting_since?: string, reason?: string, last?: string,
 *   lease_over?: boolean, urgent_since?: string}} Summary
 */

export const LOBBY_MAX = 200;

/** @param {Summary[]} sessions @param {any} frame a `lobby` or `lobby_changed` @returns {Summary[]} */
export function fold(sessions, frame) {
  if (frame.type === "lobby") return ordered(frame.sessions);
  const changed = new Map(frame.sessions.map((/** @type {Summary} */ one) => [one.id, one]));
  const gone = new Set(frame.gone ?? []);
  const kept = sessions.filter((one) => !changed.has(one.id) && !gone.has(one.id));
  return ordered([...kept, ...frame.sessions]);
}

/** @type {Record<string, [string, (one: Summary, me: string) => boolean]>} by name: what the button says, and who is shown */
export const FILTERS = {
  all: ["All", () => true],
  waiting: ["Waiting", (one) => Boolean(one.waiting_since)],
  mine: ["Mine", (one, me) => one.status === "active_human" && one.admin?.id === me],
  unread: ["Unanswered", (one) => one.unread > 0],
};

/** As they stand on the screen, what is new after them; without an `order` as they are.
 * @param {Summary[]} sessions @param {string[] | null} order @returns {Summary[]} */
export function steady(sessions, order) {
  if (!order) return sessions;
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = (/** @type {Summary} */ one) => places.get(one.id) ?? order.length;
  return [...sessions].sort((one, other) => placeOf(one) - placeOf(other));
}

/** Who may be in danger and has nobody comes first, then who waits longest, then what moved last. @param {Summary[]} sessions */
function ordered(sessions) {
  return [...sessions].sort(before).slice(0, LOBBY_MAX);
}

/** @param {Summary} one @param {Summary} other */
function before(one, other) {
  if (isAlone(one) !== isAlone(other)) return isAlone(one) ? -1 : 1;
  if (one.waiting_since && other.waiting_since) return one.waiting_since < other.waiting_since ? -1 : 1;
  if (Boolean(one.waiting_since) !== Boolean(other.waiting_since)) return one.waiting_since ? -1 : 1;
  return one.updated_at < other.updated_at ? 1 : -1;
}

/** Whoever should not be left to wait unseen. @param {Summary} one */
export function needsSomebody(one) {
  return Boolean(one.waiting_since) || isAlone(one);
}

/** @param {Summary} one */
function isAlone(one) {
  return Boolean(one.urgent_since) && (one.status === "active_ai" || Boolean(one.lease_over));
}
