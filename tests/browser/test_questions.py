"""What stands in front of everything else: what goes wrong there is said there."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.admin_states import pass_on
from tests.browser.conftest import Complaints, House
from tests.browser.conversation_states import job
from tests.browser.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_refusal_is_read_and_closed_in_front_of_the_question(
    browser: Browser, house: House, complaints: Complaints
) -> None:
    complaints.expect("Failed to load resource|WebSocket connection")
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await pass_on(Stage(page, house))
        await context.set_offline(True)
        await expect(page.get_by_test_id("banner")).to_contain_text("offline")
        await page.get_by_role("button", name="Pia Other").click()
        toast = page.get_by_test_id("toast")
        await expect(toast).to_contain_text("There is no connection just now")
        await toast.get_by_role("button", name="Close").click()
        await expect(toast).to_have_count(0)
        await expect(page.get_by_test_id("pass-on")).to_be_visible()
    finally:
        await context.close()


async def test_what_can_be_done_with_a_job_is_in_sight_on_a_phone(browser: Browser, house: House) -> None:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await job(Stage(page, house))
        await page.set_viewport_size({"width": 390, "height": 700})
        for link in (page.get_by_role("link", name="Apply at"), page.get_by_role("button", name="Ask about").last):
            await expect(link).to_be_in_viewport(ratio=1)
    finally:
        await context.close()
