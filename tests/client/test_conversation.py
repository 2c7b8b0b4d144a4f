"""What a screen reader hears of a conversation: what comes, and not all that was there when it was opened."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What is added to a log that stands on the page already, and is not busy, is read aloud.
HEARD = """async () => {
  const { ConversationView } = await import("/views/conversation.js");
  const { empty, reduce } = await import("/state.js");
  const view = new ConversationView("me", "You", { kind: "offline" }, {});
  document.body.replaceChildren(view.element);
  const said = (session, seq) => ({ type: "message", session, seq, turn: seq, id: `${session}${seq}`, role: "user",
    content: `${session}${seq}`, timestamp: "2026-11-23T10:00:00Z", author: { id: "u", name: "U", kind: "seeker" } });
  const joined = (id, from, to) => ({ type: "joined", seq: to, turn: to, earlier: from > 1,
    session: { id, status: "active_ai", user: { id: "u", name: "U" } },
    events: Array.from({ length: to - from + 1 }, (_, nth) => said(id, from + nth)) });
  const heard = [];
  const watcher = new MutationObserver(() => {});
  watcher.observe(document.body, { childList: true, subtree: true });
  const shows = (state) => {
    view.show(state, []);
    heard.push(watcher.takeRecords().filter(({ target }) => target.role === "log" && target.ariaBusy !== "true")
      .flatMap(({ addedNodes }) => [...addedNodes]).map((one) => one.dataset.id).join(" "));
    return state;
  };
  let state = shows(reduce(empty(), joined("a", 3, 5)));
  state = shows(reduce(state, said("a", 6)));
  state = shows(reduce(state, { type: "earlier", session: "a", events: [said("a", 1), said("a", 2)], more: false }));
  while (view.log.ariaBusy === "true") await new Promise(requestAnimationFrame);
  state = shows(reduce(state, said("a", 7)));
  shows(reduce(empty(), joined("b", 1, 2)));
  return [heard, document.querySelectorAll("[role=log]").length, view.log.children.length];
}"""


async def test_what_was_there_is_not_read_aloud_and_what_comes_is(page: Page) -> None:
    assert await page.evaluate(HEARD) == [["", "a6", "", "a7", ""], 1, 2]
