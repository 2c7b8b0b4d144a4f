"""What a seeker meets: an answer that stands still, a place in the queue, what was said before, a light page."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_PAGE_MAX_BYTES = 100_000
SIZES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((one) => [one.name, one.transferSize])"""
WATCH = """() => {
  window.frames_seen = 0;
  window.moved = [];
  let before = null;
  const look = () => {
    requestAnimationFrame(look);
    const article = document.querySelector("[data-testid=partial]")
      ?? (before && [...document.querySelectorAll("[data-testid=log] [data-role=assistant]")].at(-1));
    if (!article) return;
    window.frames_seen += 1;
    const content = article.querySelector(".content");
    const column = document.querySelector(".column").getBoundingClientRect();
    const { top } = content.getBoundingClientRect();
    const now = {
      stored: article.dataset.testid === "message", height: content.offsetHeight, top: top - column.top,
      blocks: [...content.children].map((node) => {
        const box = node.getBoundingClientRect();
        return [node, node.localName, Math.round(box.top - top), Math.round(box.height)];
      }),
    };
    if (before && !before.stored) {
      if (now.height < before.height) window.moved.push(["shrank", before.height, now.height]);
      if (now.top !== before.top) window.moved.push(["the whole", before.top, now.top]);
      before.blocks.slice(0, -1).forEach(([node, ...was], place) => {
        const [there, ...is] = now.blocks[place] ?? [];
        if (String(was) !== String(is)) window.moved.push([place, was, is]);
        if (there !== node && !now.stored) window.moved.push([place, "made anew"]);
      });
    }
    before = now;
  };
  look();
}"""


async def test_what_is_written_never_moves_what_stands_there(browser: Browser, house: House) -> None:
    """In every frame: blocks that are finished stay the same nodes at the same place, and nothing shrinks; the
    stored answer takes the place of the written one to the pixel."""
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("stands.still@example.com")
        await asha.page.evaluate(WATCH)
        await asha.says("Which jobs are there for a data engineer?")
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        frames, moved = await asha.page.evaluate("() => [window.frames_seen, window.moved]")
        assert frames > 20
        assert moved == []


async def test_who_asks_for_a_person_knows_their_place_and_can_go_back(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha, admin(browser, house.links["admin"]) as meera:
        await asha.signs_in("in.the.queue@example.com")
        await asha.asks_for_a_person()
        queue = asha.page.get_by_test_id("queue")
        await expect(queue).to_contain_text("in the queue.", timeout=PATIENCE_MS)
        await expect(queue).to_contain_text("The assistant goes on until somebody joins")
        await meera.opens(await asha.session())
        await expect(meera.page.get_by_test_id("brief")).to_be_visible(timeout=PATIENCE_MS)
        await queue.get_by_role("button", name="Cancel waiting").click()
        await expect(queue).to_be_hidden(timeout=PATIENCE_MS)
        await expect(meera.page.get_by_test_id("brief")).to_be_hidden(timeout=PATIENCE_MS)
        assert [*asha.complaints, *meera.complaints] == []


async def test_what_was_said_before_is_found_and_can_be_taken_along(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        page = asha.page
        await asha.signs_in("said.before@example.com")
        await asha.says("Is there work with *turbines* <b>anywhere</b>?")
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        first = await asha.session()
        await asha.begins_anew()
        search = page.get_by_test_id("past-search")
        await search.fill("turbines")
        await expect(page.get_by_test_id("past").get_by_role("button")).to_have_count(1, timeout=PATIENCE_MS)
        await page.get_by_test_id("past").get_by_role("button").click()
        await asha.sees("Is there work with *turbines* <b>anywhere</b>?")
        assert await asha.session() == first
        await search.fill("zeppelins")
        await expect(page.get_by_text("Nothing was found; try fewer words.")).to_be_visible(timeout=PATIENCE_MS)

        await page.get_by_test_id("menu").get_by_text("More").click()
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save as text").click()
        saved = Path(await (await saving.value).path()).read_text()
        assert "Is there work with *turbines* &lt;b>anywhere&lt;/b>?" in saved, (
            "a text file that others draw as Markdown"
        )
        assert "Offline assistant" in saved, "who spoke is always plain"
        assert asha.complaints == []


async def test_the_first_page_is_light(browser: Browser, house: House) -> None:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["seeker"])
        await expect(page.get_by_test_id("match").first).to_be_visible(timeout=PATIENCE_MS)
        loaded: list[tuple[str, int]] = await page.evaluate(SIZES)
        client = [size for name, size in loaded if "/api/" not in name]
        assert len(client) > 20
        assert sum(client) < FIRST_PAGE_MAX_BYTES
    finally:
        await context.close()
