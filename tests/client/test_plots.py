"""Figures by day as bars: how high they are, what they are called, and what stands where there is nothing."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAYS = ["2026-11-22", "2026-11-23", "2026-11-24"]
DRAW = """async ([given, unit]) => {
  const { plot, UNITS } = await import("/views/plots.js");
  const made = plot({ ...given, unit: UNITS[unit] });
  const all = (selector, of) => [...made.querySelectorAll(selector)].map(of);
  return {
    bars: all("svg[role=img] rect:not(.hit)", (one) => [
      one.getAttribute("class"), ...["x", "y", "width", "height"].map((name) => Number(one.getAttribute(name)))]),
    told: all("svg[role=img] > title, svg[role=img] > desc", (one) => one.textContent),
    named: all("svg[role=img]", (one) => ["labelledby", "describedby"].map(
      (name) => made.querySelector(`#${one.getAttribute(`aria-${name}`)}`).tagName)),
    top: all(".scale", (one) => one.textContent),
    rows: all("tbody tr", (one) => [...one.children].map((cell) => cell.textContent)),
    legend: all(".legend li", (one) => one.textContent),
    text: made.textContent,
  };
}"""


async def drawn(page: Page, unit: str, series: dict[str, list[float | None]], **more: Any) -> dict[str, Any]:
    given = {
        "title": "Ratings", "summary": "All in all", "nothing": "They will stand here.", "days": DAYS,
        "series": [{"name": name, "values": values} for name, values in series.items()], **more,
    }  # fmt: skip
    found: dict[str, Any] = await page.evaluate(DRAW, [given, unit])
    return found


async def test_bars_stand_on_one_another_up_to_a_round_number(page: Page) -> None:
    plot = await drawn(page, "count", {"Helpful": [4, 0, 1], "Not": [3, 2, 0]})
    assert plot["top"] == ["10"]
    assert plot["bars"] == [
        ["tone-0", 1, 60, 8, 40], ["tone-1", 1, 30, 8, 30],
        ["tone-1", 11, 80, 8, 20],
        ["tone-0", 21, 90, 8, 10],
    ]  # fmt: skip
    assert plot["legend"] == ["Helpful", "Not"]


async def test_a_part_lies_within_the_whole(page: Page) -> None:
    plot = await drawn(page, "seconds", {"Nine in ten": [60, None, 30], "Half": [30, None, 30]}, within=True)
    assert plot["top"] == ["1 min"]
    assert plot["bars"] == [
        ["tone-0", 1, 0, 8, 100], ["tone-1", 3, 50, 4, 50],
        ["tone-0", 21, 50, 8, 50], ["tone-1", 23, 50, 4, 50],
    ]  # fmt: skip


async def test_the_picture_has_a_name_a_description_and_its_figures_as_a_table(page: Page) -> None:
    plot = await drawn(page, "usd", {"Answers": [1.5, 0.00312, None]})
    assert plot["told"] == [
        "Ratings",
        "3 days up to Nov 24. All in all. The highest bar is Nov 22, with $1.50.",
    ]
    assert plot["named"] == [["title", "desc"]]
    assert plot["rows"] == [["Nov 24", "–"], ["Nov 23", "$0.00312"], ["Nov 22", "$1.50"]]
    assert plot["legend"] == [], "one colour needs no key"


async def test_where_there_is_nothing_it_says_what_will_be(page: Page) -> None:
    for nothing in ([0, 0, 0], [None, None, None]):
        plot = await drawn(page, "seconds", {"Half": list(nothing)})
        assert (plot["bars"], plot["rows"]) == ([], [])
        assert plot["text"] == "RatingsThey will stand here."


@pytest.mark.parametrize(
    ("unit", "most", "top"),
    [
        ("count", 1, "2"), ("count", 5, "5"), ("count", 51, "100"), ("count", 1_234_567, "2M"),
        ("usd", 0.0031, "$0.005"), ("usd", 12, "$20"), ("usd", 0.2, "$0.2"),
        ("seconds", 0.4, "10 s"), ("seconds", 61, "2 min"), ("seconds", 4_000, "2 h"), ("seconds", 100_000, "48 h"),
    ],
)  # fmt: skip
async def test_the_scale_ends_at_a_round_number(page: Page, unit: str, most: float, top: str) -> None:
    plot = await drawn(page, unit, {"One": [most, None, None]})
    assert plot["top"] == [top]
    assert 0 < plot["bars"][0][4] <= 100


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (90, "2 min"), (3_599, "1 h"), (3_660, "1 h 1 min")],
)
async def test_how_long_something_took(page: Page, seconds: float, words: str) -> None:
    said = await page.evaluate("async (it) => (await import('/views/plots.js')).duration(it)", seconds)
    assert said == words
