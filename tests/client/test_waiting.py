"""Who waits for a person asks how the queue stands, and not while they leave it."""

import pytest
from playwright.async_api import Page

from tests.client.clock import told

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORY = """
  const { PersonView } = await import("/views/person.js");
  let [asked, answer] = [0, () => {}];
  const soon = () => Promise.resolve().then(() => {}).then(() => {}).then(() => {});
  const view = new PersonView(async () => { asked += 1; return { position: 1 }; },
    () => new Promise((done) => { answer = done; }));
  view.show("2026-11-23T10:00:00Z");
  await soon();
  passes(20_000);
  await soon();
  const before = asked;
  view.element.querySelector("button").click();
  await soon();
  passes(60_000);
  const meanwhile = asked;
  answer(LEFT);
  await soon();
  await soon();
  passes(20_000);
  return [before, meanwhile, asked];
"""


@pytest.mark.parametrize(("left", "then"), [("{}", 2), ("null", 3)], ids=["left", "refused"])
async def test_nobody_is_put_back_into_the_queue_while_they_leave_it(page: Page, left: str, then: int) -> None:
    """Refused, they go on waiting, and asking."""
    assert await told(page, STORY.replace("LEFT", left)) == [2, 2, then]
