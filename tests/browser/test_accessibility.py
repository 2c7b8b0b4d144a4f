"""Axe finds nothing on any page, light or dark, and no page is wider than a phone of 320 pixels."""

from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")

READY = {"seeker": "message", "admin": "lobby-entry", "provider": "job-form"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", READY)
async def test_axe_finds_nothing(browser: Browser, house: House, role: str, scheme: Literal["light", "dark"]) -> None:
    # The page's policy lets no foreign script in, axe's neither.
    context = await browser.new_context(color_scheme=scheme, bypass_csp=True)
    try:
        page = await context.new_page()
        await page.goto(house.links[role])
        await expect(page.get_by_test_id(READY[role]).first).to_be_visible(timeout=PATIENCE_MS)
        if role == "admin":
            await page.get_by_test_id("lobby-entry").first.click()
            await expect(page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)
        if role == "seeker":
            await expect(page.get_by_test_id("match").first).to_be_visible(timeout=PATIENCE_MS)
        found: dict[str, Any] = (await Axe().run(page)).response
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    finally:
        await context.close()


@pytest.mark.parametrize("role", READY)
async def test_a_small_phone_scrolls_one_way_only(browser: Browser, house: House, role: str) -> None:
    context = await browser.new_context(viewport={"width": 320, "height": 640})
    try:
        page = await context.new_page()
        await page.goto(house.links[role])
        await expect(page.get_by_test_id("me")).to_be_attached(timeout=PATIENCE_MS)
        for view in await page.locator("#views button").all():
            await view.click()
            assert await page.evaluate("document.documentElement.scrollWidth") == 320
    finally:
        await context.close()
