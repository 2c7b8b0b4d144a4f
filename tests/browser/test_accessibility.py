"""Every page in every state: axe finds nothing (WCAG 2.2 AA), on a desktop in light and on a small phone in dark; it
fits 320 pixels and a desktop at 200 %; nothing moves for who wants that; Tab leads through all of it, seen and marked.

A state is a function that brings a fresh page there; the tables are in `seeker_states.py`,
`conversation_states.py` and `desk_states.py`.
"""

import pytest
from playwright.async_api import Browser, Page, ViewportSize

from tests.browser import conversation_states, desk_states, seeker_states
from tests.browser.accessibility import axe, fits, keeps_still, leads_by_keyboard
from tests.browser.conftest import Complaints, House
from tests.browser.stage import Reach, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATES: dict[str, Reach] = {**desk_states.STATES, **seeker_states.STATES, **conversation_states.STATES}
DESKTOP, ZOOMED, PHONE = (
    ViewportSize(width=1280, height=800), ViewportSize(width=640, height=400), ViewportSize(width=320, height=640)
)  # fmt: skip


@pytest.mark.parametrize("name", STATES)
async def test_everybody_can_use_it(browser: Browser, house: House, complaints: Complaints, name: str) -> None:
    # Some states are what is seen when the server refuses or cannot be reached.
    complaints.expect("Failed to load resource|WebSocket connection")
    context = await browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    try:
        page = await context.new_page()
        await STATES[name](Stage(page, house))
        await axe(page)
        await keeps_still(page)
        assert await leads_by_keyboard(page) > 0
        await page.set_viewport_size(ZOOMED)
        await fits(page)
        await page.set_viewport_size(PHONE)
        await page.emulate_media(color_scheme="dark")
        # A window that shows one part at a time is looked at part by part, unless a dialog stands in front of them.
        parts = await page.locator("body:not(:has(dialog[open])) #views button:visible").all()
        for part in parts:
            await part.click()
            await holds_on_a_phone(page)
        if not parts:
            await holds_on_a_phone(page)
    finally:
        await context.close()


async def holds_on_a_phone(page: Page) -> None:
    await fits(page)
    # There is no room for a heading of each part.
    await axe(page, strictly=False)
