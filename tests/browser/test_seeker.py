"""What a seeker meets: a first question to press, the job behind a reference, a place in the queue, what was said."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIRST_PAGE_MAX_BYTES = 100_000
SIZES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((one) => [one.name, one.transferSize])"""
RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"


async def axe(page: Page) -> None:
    found: dict[str, Any] = (await Axe().run(page)).response
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


async def test_from_the_first_visit_to_a_cited_answer_and_the_job_behind_it(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        page = asha.page
        await asha.signs_in("first.visit@example.com")
        start = page.get_by_test_id("start")
        await expect(start).to_contain_text("Your resume is read, and open jobs are held against it.")
        await expect(start.get_by_role("button", name="Upload your resume")).to_be_visible()
        await axe(page)
        await asha.uploads(RESUME)
        await asha.sees_what_was_read(RESUME.name)
        await expect(page.get_by_test_id("resume-read")).to_contain_text("page")
        await expect(page.get_by_test_id("resume-read")).to_contain_text("skills")

        await start.get_by_role("button", name="Which jobs fit me best, and why?").click()
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        await expect(start).to_be_hidden()
        chip = asha.messages_of("assistant").last.locator(".chip").first
        await chip.click()
        dialog = page.get_by_test_id("job-dialog")
        await expect(dialog).to_contain_text("Description", timeout=PATIENCE_MS)
        await expect(dialog.get_by_test_id("tips")).to_contain_text("5 tips for your resume")
        await expect(dialog.get_by_test_id("questions")).to_contain_text("5 interview questions")
        await expect(dialog).to_contain_text("You bring")
        await axe(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(chip).to_be_focused()

        await chip.click()
        await dialog.get_by_role("button", name="Ask about this job").click(timeout=PATIENCE_MS)
        panel = page.get_by_test_id("job-panel")
        await panel.locator("summary").first.click(timeout=PATIENCE_MS)
        await panel.get_by_text("5 interview questions").click()
        await panel.get_by_role("button", name="Practise").first.click()
        written = page.get_by_test_id("composer").get_by_role("textbox")
        assert "Practise this interview question with me" in await written.input_value()
        await axe(page)
        assert asha.complaints == []


async def test_who_asks_for_a_person_knows_their_place_and_can_go_back(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha, admin(browser, house.links["admin"]) as meera:
        await asha.signs_in("in.the.queue@example.com")
        await asha.asks_for_a_person()
        queue = asha.page.get_by_test_id("queue")
        await expect(queue).to_contain_text("in the queue.", timeout=PATIENCE_MS)
        await expect(queue).to_contain_text("The assistant goes on until somebody joins")
        await axe(asha.page)
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
        assert "Is there work with *turbines* <b>anywhere</b>?" in saved
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
