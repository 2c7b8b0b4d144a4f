"""What every page must hold in every state: axe finds nothing, it fits, and the keyboard alone leads through it."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

# Of WCAG 2.2 the tool knows the size of targets too, and leaves it out unless it is asked for.
OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
STANDARD = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
STOPS_MAX = 150

# The tool works the same few colours out thousands of times, which is a third of its work.
REMEMBERING = """() => {
  const color = axe.commons.color.Color.prototype;
  const parse = color.parseString;
  const known = new Map();
  color.parseString = function (said) {
    if (known.has(said)) return Object.assign(this, known.get(said));
    parse.call(this, said);
    known.set(said, { r: this.r, g: this.g, b: this.b, alpha: this.alpha });
    return this;
  };
}"""

WIDER = """() => [...document.querySelectorAll("html, body, #app, #main, #side, #gate, .scroll, dialog[open]")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
  .map((one) => `${one.localName}#${one.id}.${one.className}: ${one.scrollWidth} > ${one.clientWidth}`)"""
MOVING = """() => document.getAnimations().filter((one) => one.playState === "running")
  .map((one) => one.effect?.target?.className ?? "?")"""
# Where the focus is, whether it can be seen there, and whether something marks it.
STOP = """() => {
  const here = document.activeElement;
  if (!here || here === document.body) return null;
  const box = here.getBoundingClientRect();
  const style = getComputedStyle(here);
  const inside = (x, y) => {
    const found = document.elementFromPoint(x, y);
    return found && (here.contains(found) || found.contains(here) || found.closest("label")?.control === here);
  };
  const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]]
    .map(([x, y]) => [box.left + box.width * x, box.top + box.height * y]);
  here.dataset.stop ??= String(document.querySelectorAll("[data-stop]").length + 1);
  return {
    stop: here.dataset.stop,
    what: here.outerHTML.slice(0, 120),
    seen: points.some(([x, y]) => inside(x, y)),
    marked: style.outlineStyle !== "none" || here.matches("[tabindex='-1']"),
  };
}"""


async def axe(page: Page, *, strictly: bool = True) -> None:
    """WCAG 2.2 AA and, strictly, what the tool calls best practices. It is given to the page from outside of it, so
    that the page's policy stays in force."""
    options = OPTIONS if strictly else OPTIONS | STANDARD
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
        await page.evaluate(REMEMBERING)
    found: list[dict[str, Any]] = await page.evaluate(
        "(options) => axe.run(options).then((found) => found.violations)", options
    )
    told = [f"{one['id']}: {node['html'][:300]}" for one in found for node in one["nodes"]]
    assert not told, "\n".join(told)


async def fits(page: Page) -> None:
    """Nothing but what is made to scroll is wider than its place."""
    wider: list[str] = await page.evaluate(WIDER)
    assert not wider, "\n".join(wider)


async def keeps_still(page: Page) -> None:
    moving: list[str] = await page.evaluate(MOVING)
    assert not moving, moving


async def leads_by_keyboard(page: Page) -> int:
    """Tab from stop to stop, each seen and marked, until one comes twice or the page is left; says how many."""
    stops: set[str] = set()
    for _ in range(STOPS_MAX):
        await page.keyboard.press("Tab")
        at: dict[str, Any] | None = await page.evaluate(STOP)
        # The focus may have stood at the end already, from where the first steps lead out.
        if at is None and not stops:
            continue
        if at is None or at["stop"] in stops:
            return len(stops)
        assert at["seen"], f"the focus is where nobody sees it: {at['what']}"
        assert at["marked"], f"nothing marks the focus: {at['what']}"
        stops.add(at["stop"])
    raise AssertionError(f"there is no end after {STOPS_MAX} stops")
