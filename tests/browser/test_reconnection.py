"""The line goes and comes: it is seen, nothing is lost, nothing is said twice."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_was_written_without_a_line_is_sent_once_after_a_reload(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("asha.without.a.line@example.com")
        await asha.loses_the_line()
        await expect(asha.page.get_by_test_id("banner")).to_contain_text("Reconnecting", timeout=PATIENCE_MS)
        await asha.says("Written without a line.")
        await expect(asha.page.get_by_test_id("unsent")).to_have_count(1)
        await asha.page.reload()
        asha.may_connect_again()
        await asha.sees_messages_of("user", 1)
        await expect(asha.page.get_by_test_id("unsent")).to_have_count(0, timeout=PATIENCE_MS)
        await expect(asha.page.get_by_test_id("banner")).to_be_hidden(timeout=PATIENCE_MS)
        await asha.sees_messages_of("assistant", 2)
        await asha.page.reload()
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_messages_of("user", 1)


async def test_an_answer_that_grew_meanwhile_is_whole_after_the_line_is_back(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("asha.in.a.tunnel@example.com")
        await asha.says("Which jobs are there for a data engineer?")
        await asha.sees_an_answer_grow()
        await asha.loses_the_line()
        asha.may_connect_again()
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        followed = await asha.shown()
        await asha.page.reload()
        await asha.sees_messages_of("assistant", 2)
        assert await asha.shown() == followed


async def test_an_answer_is_stopped_and_tried_again(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("asha.in.a.hurry@example.com")
        await asha.says("Which jobs are there for an auditor?")
        await asha.sees_an_answer_grow()
        await asha.stops_the_answer()
        await asha.sees("You stopped the answer.")
        await asha.tries_again()
        await asha.sees_an_answer_grow()
        await asha.sees_messages_of("assistant", 3)
        await asha.begins_anew()
        await asha.sees_messages_of("user", 0)


async def test_a_draft_outlives_a_reload(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("asha.thinks@example.com")
        composer = asha.page.get_by_test_id("composer").get_by_role("textbox")
        await composer.fill("first line")
        await composer.press("Shift+Enter")
        await composer.press_sequentially("second line")
        await asha.page.reload()
        await expect(composer).to_have_value("first line\nsecond line", timeout=PATIENCE_MS)
        await composer.fill("x" * 8_001)
        await expect(asha.page.get_by_role("button", name="Send")).to_be_disabled()
        await expect(asha.page.get_by_text("1 character too many")).to_be_visible()
