"""Whoever sees the system's own colours, strong contrast or paper finds what all others find."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, expect

from tests.browser import admin_states, conversation_states, overview_states, provider_states, seeker_states
from tests.browser.conftest import Complaints, House
from tests.browser.stage import Reach, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATES: dict[str, Reach] = {
    "what was written offline": seeker_states.offline, "a job in front": conversation_states.job,
    "all of Markdown": conversation_states.whole_markdown, "waiting": conversation_states.waiting,
    "a busy lobby": admin_states.busy, "a note": admin_states.note, "refused": admin_states.refused,
    "the provider's jobs": provider_states.provider, "figures": overview_states.figures,
}  # fmt: skip
# Numbers what has another ground than what it stands on: the system takes all grounds away.
GROUNDS = """() => {
  const ground = (one) => getComputedStyle(one).backgroundColor;
  const isClear = (one) => /^transparent$|(,|\\/) 0\\)$/.test(ground(one));
  const own = [...document.querySelectorAll("body *")].filter((one) => {
    let below = one.parentElement;
    while (below && isClear(below)) below = below.parentElement;
    return one.checkVisibility() && !isClear(one) && below && ground(below) !== ground(one);
  });
  own.forEach((one) => { one.dataset.ground = ""; });
  return own.length;
}"""
# Those that nothing marks then: no frame, no line round them, no type of their own.
UNMARKED = """() => [...document.querySelectorAll("[data-ground]:not(code, mark, progress)")].filter((one) => {
  const style = getComputedStyle(one);
  const has = (side) => style[`border${side}Style`] !== "none" && parseFloat(style[`border${side}Width`]) > 0;
  return !["Top", "Right", "Bottom", "Left"].some(has) && style.outlineStyle === "none";
}).map((one) => one.outerHTML.slice(0, 150))"""
UNCHOSEN = """() => [...document.querySelectorAll("[aria-current], [aria-pressed=true]")].filter((one) =>
  one.checkVisibility() && getComputedStyle(one).outlineStyle === "none").map((one) => one.outerHTML.slice(0, 150))"""
# Colours that the page insists on: on a ground that it does not choose they may not be seen.
INSISTED = """() => {
  const known = new Set(["CanvasText", "GrayText", "Highlight", "rgba(0, 0, 0, 0)", "none"].map((colour) => {
    const probe = document.body.appendChild(document.createElement("p"));
    probe.style.color = colour;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }));
  return [...document.querySelectorAll("#main svg :is(rect:not(.hit), line)")]
    .map((one) => getComputedStyle(one)[one.localName === "line" ? "stroke" : "fill"])
    .filter((colour) => !known.has(colour));
}"""
# By the strict measure of contrast: seven to one.
FAINT = """async () => (await axe.run({ runOnly: ["color-contrast-enhanced"] })).violations
  .flatMap((one) => one.nodes.map((node) => node.html.slice(0, 150)))"""
CUT_OFF = """() => [...document.querySelectorAll("body, #app, #main, .scroll")]
  .filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== "visible")
  .map((one) => `${one.id}.${one.className}`)"""


@pytest_asyncio.fixture(loop_scope="session")
async def stage(browser: Browser, house: House, complaints: Complaints) -> AsyncIterator[Stage]:
    complaints.expect("Failed to load resource|WebSocket connection")
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    try:
        yield Stage(await context.new_page(), house)
    finally:
        await context.close()


async def none_of(stage: Stage, script: str) -> None:
    found: list[Any] = await stage.page.evaluate(script)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", STATES)
async def test_nothing_is_told_by_its_ground_alone(stage: Stage, name: str) -> None:
    await STATES[name](stage)
    assert await stage.page.evaluate(GROUNDS) > 0
    await stage.page.emulate_media(forced_colors="active")
    for script in (UNMARKED, UNCHOSEN, INSISTED):
        await none_of(stage, script)


async def test_who_asks_for_contrast_gets_it(stage: Stage) -> None:
    # In light: the dark colours are as strong without being asked.
    await stage.page.emulate_media(color_scheme="light", contrast="more")
    await seeker_states.at_home(stage)
    await stage.page.evaluate(AXE_SCRIPT)
    await none_of(stage, FAINT)


async def test_a_conversation_is_printed_whole_and_alone(stage: Stage) -> None:
    await conversation_states.full_length(stage)
    assert await stage.page.evaluate(CUT_OFF) != []
    await stage.page.emulate_media(media="print")
    await none_of(stage, CUT_OFF)
    for part in (".top", "#side", ".foot", ".verdict"):
        await expect(stage.page.locator(part).first).to_be_hidden()
