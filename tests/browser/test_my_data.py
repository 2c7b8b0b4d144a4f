"""A person takes a copy of all that is kept of them, and then all of it away."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"


async def test_my_data_is_mine(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as dora:
        await dora.signs_in("dora.pinto@example.com")
        await dora.uploads(RESUME)
        await dora.sees_what_was_read(RESUME.name)
        await dora.says("Which jobs fit <b>me</b>?")
        await dora.sees_messages_of("assistant", 2)

        async with dora.page.expect_download(timeout=PATIENCE_MS) as downloading:
            await dora.page.get_by_role("button", name="Download a copy").click()
        copy = json.loads(Path(await (await downloading.value).path()).read_text())
        assert copy["profile"]["email"] == "dora.pinto@example.com"
        assert "Which jobs fit <b>me</b>?" in json.dumps(copy["sessions"])

        said = await dora.deletes_everything()
        assert "1 conversation with 3 messages, your resume and its file" in said
        assert "What remains elsewhere" in said
        await dora.page.get_by_role("button", name="Done").click()
        await expect(dora.page.get_by_label("E-mail")).to_be_visible(timeout=PATIENCE_MS)
        await dora.signs_in("dora.pinto@example.com")
        await dora.sees_messages_of("user", 0)
        assert dora.complaints == []


async def test_axe_finds_nothing_in_the_question_before_the_end(browser: Browser, house: House) -> None:
    context = await browser.new_context(bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(house.links["seeker"])
        await page.get_by_role("button", name="Delete everything").click()
        await expect(page.get_by_test_id("delete-dialog")).to_be_visible(timeout=PATIENCE_MS)
        found = (await Axe().run(page)).response
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("delete-dialog")).to_have_count(0)
    finally:
        await context.close()
