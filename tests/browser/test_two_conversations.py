"""Somebody with more than one conversation: the page shows the one that was chosen, whatever the line does."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_chosen_without_a_line_is_shown_once_it_is_back(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha:
        await asha.signs_in("asha.chooses@example.com")
        await asha.says("The first conversation.")
        await asha.sees_messages_of("assistant", 2)
        chosen = await asha.session()
        await asha.begins_anew()
        other = await asha.session()
        await asha.loses_the_line()
        await expect(asha.page.get_by_test_id("banner")).to_contain_text("Reconnecting", timeout=PATIENCE_MS)
        await asha.page.get_by_test_id("past").locator(f"[data-session='{chosen}']").click()
        asha.may_connect_again()
        await asha.sees("The first conversation.")
        # Both were joined by then, the one that was left behind last.
        await expect(asha.page.get_by_test_id("banner")).to_be_hidden(timeout=PATIENCE_MS)
        await asha.says("Here I go on.")
        await asha.sees("Here I go on.")
        assert await asha.session() == chosen != other
        assert [words for role, words in await asha.shown() if role == "user"] == [
            "Thefirstconversation.", "HereIgoon.",
        ]  # fmt: skip
