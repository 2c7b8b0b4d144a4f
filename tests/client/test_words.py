"""The sentences that depend on a time or a number."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

COMING = """async ([then, now]) => {
  const { coming } = await import("/words.js");
  return coming(new Date(...then).toISOString(), new Date(...now).getTime());
}"""
STEPS = """async (given) => (await import("/words.js")).queueSteps(given)"""


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ((2026, 10, 30, 18, 0), "today at 06:00 PM"),
        ((2026, 11, 1, 9, 0), "tomorrow at 09:00 AM"),
        ((2026, 11, 3, 9, 30), "on Thursday at 09:30 AM"),
        ((2027, 0, 4, 9, 0), "on Monday, January 4, 2027 at 9:00 AM"),
    ],
)
async def test_when_somebody_will_be_there(page: Page, then: tuple[int, ...], said: str) -> None:
    """November 30, 2026 is a Monday."""
    words = await page.evaluate(COMING, [list(then), [2026, 10, 30, 17, 0]])
    assert " ".join(words.split()) == said


@pytest.mark.parametrize(
    ("given", "first", "second"),
    [
        ({"open": True, "admins": 2, "position": 1}, "You are next.", "2 people are available."),
        ({"open": True, "admins": 1, "position": 3}, "You are number 3 in the queue.", "One person is available."),
        (
            {"open": True, "admins": 0, "position": 1},
            "You are next.",
            "Nobody has said they are available, but whoever",
        ),
        ({"open": False, "admins": 1, "position": 2}, "You are number 2 in the queue.", "We are closed now; nobody is"),
        ({}, "You are waiting for a person.", "Nobody has said they are available, but whoever"),
    ],
)
async def test_what_happens_next_is_said_in_every_case(
    page: Page, given: dict[str, int], first: str, second: str
) -> None:
    place, there, meanwhile = await page.evaluate(STEPS, given)
    assert place == first
    assert there.startswith(second)
    assert meanwhile.startswith("The assistant goes on until somebody joins: say what it is about")


@pytest.mark.parametrize(("number", "said"), [(0, "0 pages"), (1, "1 page"), (1_200, "1,200 pages")])
async def test_one_of_a_thing_is_one(page: Page, number: int, said: str) -> None:
    script = "async (number) => (await import('/words.js')).counted(number, 'page')"
    assert await page.evaluate(script, number) == said


async def test_a_draft_that_cannot_be_had_again_is_not_offered_again(page: Page) -> None:
    said = await page.evaluate("""async (codes) => {
      const { draftProblem } = await import("/words.js");
      return codes.map(draftProblem);
    }""", ["not_holder", "closed", "not_found", "overloaded"])  # fmt: skip
    assert ["to try again" in one for one in said] == [False, False, False, True]
    assert len(set(said)) == 4
