"""Who is writing: said again while it goes on, and forgotten where nothing more is heard of them."""

import pytest
from playwright.async_api import Page

from tests.client.clock import told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_writes_for_long_says_so_again_and_at_rest_once_that_they_stopped(page: Page) -> None:
    assert await told(page, """
      const { Composer } = await import("/views/composer.js");
      const said = [];
      const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
      const composer = new Composer("Reply", storage, () => {}, (on) => said.push([at, on]));
      composer.open("draft:a");
      for (let second = 0; second < 12; second += 1) {
        composer.field.value += "x";
        composer.field.dispatchEvent(new Event("input"));
        passes(1_000);
      }
      passes(60_000);
      return said;
    """) == [[0, True], [6_000, True], [12_000 + 60_000, False]]  # fmt: skip


async def test_a_device_that_goes_away_in_the_middle_of_a_word_is_not_writing_for_ever(page: Page) -> None:
    assert await told(page, """
      const { Typists } = await import("/typists.js");
      const forgotten = [];
      const typists = new Typists((frame) => forgotten.push([at, frame.user.id, frame.on]));
      const hear = (id, on) => typists.hear({ type: "typing", session: "s", user: { id }, on });
      hear("asha", true);
      hear("ravi", true);
      passes(5_000);
      hear("asha", true);
      hear("ravi", false);
      passes(11_000);
      const soon = forgotten.length;
      passes(1_000);
      return [soon, forgotten, typists.timers.size];
    """) == [0, [[17_000, "asha", False]], 0]  # fmt: skip
