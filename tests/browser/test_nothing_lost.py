"""What was written or asked for is there again: after a reload, a refusal, and where the browser keeps nothing."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.admin_states import held
from tests.browser.conftest import Complaints, House
from tests.browser.seeker_states import AWAY
from tests.browser.stage import Stage
from tests.browser.vocabulary import PATIENCE_MS, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

DENIED = """for (const name of ["sessionStorage", "localStorage"]) Object.defineProperty(window, name, {
  get() { throw new DOMException("The user has said no.", "SecurityError"); } });"""
FULL = """Storage.prototype.setItem = () => { throw new DOMException("No room.", "QuotaExceededError"); };"""


def ended(frame: dict[str, Any]) -> dict[str, Any] | None:
    """The beginning of a draft as the whole of it: nobody has to wait until the assistant has written all."""
    if frame["type"] == "draft_delta" and frame["at"] == 0:
        return frame | {"type": "draft", "author": {"name": "Offline assistant", "kind": "offline"}}
    return None if frame["type"].startswith("draft") else frame


async def test_a_private_draft_outlives_a_reload_and_nobody_else_finds_it(browser: Browser, house: House) -> None:
    context = await browser.new_context()
    try:
        stage = Stage(await context.new_page(), house)
        await stage.hears(ended)
        await held(stage)
        await stage.page.get_by_test_id("draft").click()
        text = stage.page.get_by_test_id("draft-text")
        await expect(text).not_to_be_empty(timeout=PATIENCE_MS)
        proposed = await text.inner_text()
        await stage.page.get_by_label("What the draft should say").fill("Shorter, please")
        await stage.page.reload()
        await expect(text).to_have_text(proposed, timeout=PATIENCE_MS)
        await expect(stage.page.get_by_label("What the draft should say")).to_have_value("Shorter, please")
        await stage.page.get_by_role("button", name="Put it into the reply").click()
        await stage.page.reload()
        await expect(stage.page.get_by_test_id("composer").get_by_role("textbox")).to_have_value(proposed)
        await expect(stage.page.get_by_test_id("draft-box")).to_be_hidden()
    finally:
        await context.close()


async def test_a_draft_that_was_being_written_says_after_a_reload_that_it_was_broken_off(
    browser: Browser, house: House
) -> None:
    context = await browser.new_context()
    try:
        stage = Stage(await context.new_page(), house)
        # Its end comes to nobody.
        await stage.hears(lambda frame: None if frame["type"] in ("draft", "draft_delta") else frame)
        await held(stage)
        await stage.page.get_by_test_id("draft").click()
        await expect(stage.page.get_by_test_id("draft-box")).to_contain_text("Writing")
        await stage.page.reload()
        await expect(stage.page.get_by_test_id("draft-problem")).to_contain_text(
            "loaded anew while it was written", timeout=PATIENCE_MS
        )
    finally:
        await context.close()


async def test_who_cannot_be_deleted_just_now_is_told_so_and_goes_on(
    browser: Browser, house: House, complaints: Complaints
) -> None:
    complaints.expect("503")
    context = await browser.new_context()
    try:
        stage = Stage(page := await context.new_page(), house)
        await stage.seeker("Esha Stays")
        await stage.answers("/api/me", 503, **AWAY)
        await page.get_by_role("button", name="Delete everything").click()
        await page.get_by_label("Write DELETE").fill("delete")
        await page.get_by_test_id("delete-dialog").get_by_role("button", name="Delete everything").click()
        await expect(page.get_by_test_id("my-data").get_by_role("alert")).to_contain_text("does not answer")
        await page.get_by_test_id("composer").get_by_role("textbox").fill("I am still here.")
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("log").get_by_text("I am still here.")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.get_by_test_id("unsent")).to_have_count(0)
    finally:
        await context.close()


@pytest.mark.parametrize("script", [DENIED, FULL], ids=["denied", "full"])
async def test_a_browser_that_keeps_nothing_costs_the_reload_and_nothing_else(
    browser: Browser, house: House, script: str
) -> None:
    async with admin(browser, house.links["admin"], script) as meera, seeker(browser, house.url) as asha:
        await asha.page.add_init_script(script)
        await asha.signs_in("asha.keeps.nothing@example.com")
        field = asha.page.get_by_test_id("composer").get_by_role("textbox")
        await field.fill("Begun here")
        past = asha.page.get_by_test_id("past")
        begun = await past.locator("[aria-current]").get_attribute("data-session")
        await asha.page.get_by_role("button", name="New conversation").click()
        await expect(field).to_have_value("", timeout=PATIENCE_MS)
        await past.locator(f"[data-session='{begun}']").click()
        await expect(field).to_have_value("Begun here", timeout=PATIENCE_MS)
        assert asha.complaints == meera.complaints == []
