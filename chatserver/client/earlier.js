/** The page of events before those that are shown, which REST has, as a frame for the reducer. No DOM. */

const PAGE = 50;

/** @param {import("./api.js").Api} api @param {import("./state.js").State} state @returns {Promise<any>} null where there is
 *   nothing to begin from */
export async function earlierThan(api, { session, events }) {
  if (!session || !events.length) return null;
  const { items } = await api.get(`/api/sessions/${session.id}/messages`, { before: events[0].seq, limit: PAGE });
  return { type: "earlier", session: session.id, events: items, more: items.length > 0 && items[0].seq > 1 };
}
