"""Before the first resume is sent a person reads who else would get something of it, and chooses."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, seeker
from tests.load.town import a_node
from tests.model_server import ModelServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"
OF_THE_RESUME = "Farah"


@dataclass(frozen=True, slots=True)
class Asking:
    """A node of the same house, on which a language model answers."""

    url: str
    model: ModelServer

    def read_by_the_model(self) -> str:
        return json.dumps(self.model.requests[-1].body)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asking(house: House) -> AsyncIterator[Asking]:
    async with (
        ModelServer() as model,
        a_node(
            house.database_url, house.redis_url, ANTHROPIC_API_KEY="sk-made-up", ANTHROPIC_BASE_URL=model.url
        ) as served,
    ):
        yield Asking(f"http://127.0.0.1:{served.port}", model)


async def test_a_person_is_asked_first_agrees_and_withdraws(browser: Browser, asking: Asking) -> None:
    async with seeker(browser, asking.url) as nila:
        await nila.signs_in("nila.asked.first@example.com")
        await nila.sees_of_consent("stays on this server")
        await nila.uploads(RESUME)
        said = await nila.is_asked_who_may_read_it()
        assert "model's server at 127.0.0.1" in said
        assert "taken out first" in said
        # By keyboard alone: put off, nothing is sent.
        await nila.page.keyboard.press("Escape")
        await expect(nila.page.get_by_test_id("consent-dialog")).to_have_count(0)
        await expect(nila.page.get_by_test_id("resume-read")).to_have_count(0)

        await nila.uploads(RESUME)
        await nila.is_asked_who_may_read_it()
        agree = nila.page.get_by_role("button", name="I agree")
        for _ in range(4):
            if await agree.evaluate("(button) => button === document.activeElement"):
                break
            await nila.page.keyboard.press("Tab")
        await nila.page.keyboard.press("Enter")
        await nila.sees_what_was_read(RESUME.name)
        await nila.sees_of_consent("may get something of your resume: the model's server at 127.0.0.1")
        await nila.says("Which jobs fit me?")
        await nila.sees_messages_of("assistant", 2)
        assert OF_THE_RESUME in asking.read_by_the_model()

        await nila.page.get_by_role("button", name="Withdraw consent").click()
        await nila.sees_of_consent("you did not agree")
        await nila.says("And in Pune?")
        await nila.sees_messages_of("assistant", 3)
        assert OF_THE_RESUME not in asking.read_by_the_model()
        assert nila.complaints == []


async def test_without_consent_the_resume_is_read_here_alone_and_nobody_asks_again(
    browser: Browser, asking: Asking
) -> None:
    async with seeker(browser, asking.url) as omar:
        await omar.signs_in("omar.goes.without@example.com")
        await omar.uploads(RESUME)
        await omar.is_asked_who_may_read_it()
        await omar.page.get_by_role("button", name="Go on without").click()
        await omar.sees_what_was_read(RESUME.name)
        await omar.sees_matches()
        await omar.comes_back()
        await omar.sees_of_consent("you did not agree")
        await expect(omar.page.get_by_test_id("consent-notice")).to_be_hidden()
        await omar.says("Which jobs fit me?")
        await omar.sees_messages_of("assistant", 2)
        assert OF_THE_RESUME not in asking.read_by_the_model()
        assert omar.complaints == []


async def test_who_had_a_resume_before_there_was_anybody_to_ask_about_is_asked_beside_the_conversation(
    browser: Browser, house: House, asking: Asking
) -> None:
    async with seeker(browser, house.url) as dev:
        await dev.signs_in("dev.was.here.before@example.com")
        await dev.sees_of_consent("Nobody outside this server")
        await dev.uploads(RESUME)
        await dev.sees_what_was_read(RESUME.name)
    async with seeker(browser, asking.url) as dev:
        await dev.signs_in("dev.was.here.before@example.com")
        notice = dev.page.get_by_test_id("consent-notice")
        await notice.get_by_role("button", name="Read and choose").click()
        await dev.is_asked_who_may_read_it()
        await dev.page.get_by_role("button", name="I agree").click()
        await expect(notice).to_be_hidden(timeout=PATIENCE_MS)
        await dev.sees_of_consent("may get something of your resume")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_question(
    browser: Browser, asking: Asking, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        color_scheme=scheme, bypass_csp=True, viewport={"width": 320, "height": 640}
    )  # fmt: skip
    try:
        page = await context.new_page()
        await page.goto(asking.url)
        await page.get_by_label("E-mail").fill(f"axe.{scheme}@example.com")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)
        await page.get_by_label("Resume file").set_input_files(RESUME)
        await expect(page.get_by_test_id("consent-dialog")).to_be_visible(timeout=PATIENCE_MS)
        assert await page.evaluate("document.documentElement.scrollWidth") == 320
        found: dict[str, Any] = (await Axe().run(page)).response
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    finally:
        await context.close()
