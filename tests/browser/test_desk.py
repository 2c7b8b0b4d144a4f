"""The admin's desk: two admins side by side."""

from contextlib import AsyncExitStack

import httpx2
import pytest
from playwright.async_api import Browser, expect

from chatserver.adapters.postgres import connect
from tests.browser.accessibility import axe
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_history_stands_beside_and_the_lobby_is_searched_and_filtered(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha, admin(browser, house.links["admin"]) as meera:
        await asha.signs_in("has.a.history@example.com")
        await asha.says("Is there anything about zirconium?")
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        first = await asha.session()
        await asha.begins_anew()
        second = await asha.session()
        page = meera.page
        await meera.opens(second)
        history = page.get_by_test_id("history")
        await expect(history.get_by_role("button")).to_have_count(1, timeout=PATIENCE_MS)
        await history.get_by_role("button").click()
        await meera.sees("Is there anything about zirconium?")
        await expect(page.get_by_test_id("tab")).to_have_count(2)
        await expect(history.locator(f"[data-session='{second}']")).to_be_visible(timeout=PATIENCE_MS)

        await meera.takes_over()
        filters = page.get_by_role("group", name="Which conversations")
        entries = page.get_by_test_id("lobby-entry")
        await filters.get_by_role("button", name="Mine").click()
        await expect(page.locator(f"[data-testid=lobby-entry][data-session='{first}']")).to_contain_text("with you")
        await expect(page.locator(f"[data-testid=lobby-entry][data-session='{second}']")).to_have_count(0)
        await filters.get_by_role("button", name="All").click()
        await page.get_by_test_id("search").fill("zirconium")
        await expect(entries).to_have_count(1, timeout=PATIENCE_MS)
        await expect(entries).to_have_attribute("data-session", first)
        await page.get_by_test_id("search").fill("molybdenum")
        await expect(page.get_by_text("Nothing was found; try fewer words")).to_be_visible(timeout=PATIENCE_MS)
        assert [*asha.complaints, *meera.complaints] == []


async def test_two_admins_see_each_other_and_one_passes_the_conversation_on(browser: Browser, house: House) -> None:
    link = await second_admin(house, "devi.rao@example.com")
    async with AsyncExitStack() as stack:
        asha = await stack.enter_async_context(seeker(browser, house.url))
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        devi = await stack.enter_async_context(admin(browser, link))
        await asha.signs_in("passed.on@example.com")
        session = await asha.session()
        await meera.opens(session)
        await expect(meera.page.get_by_test_id("here")).to_have_text("the seeker is here", timeout=PATIENCE_MS)
        await asha.page.goto("about:blank")
        await expect(meera.page.get_by_test_id("here")).to_have_text("the seeker is away", timeout=PATIENCE_MS)
        await devi.opens(session)
        await expect(meera.page.get_by_test_id("here")).to_contain_text("devi.rao looks on", timeout=PATIENCE_MS)
        await meera.takes_over()
        await devi.sees("Meera Nair is here now, a person.")
        await meera.page.get_by_role("button", name="Pass on", exact=True).click()
        sheet = meera.page.get_by_test_id("pass-on")
        await expect(sheet.get_by_role("button", name="devi.rao")).to_be_visible(timeout=PATIENCE_MS)
        await axe(meera.page)
        await sheet.get_by_role("button", name="devi.rao").click()
        await devi.sees("Meera Nair passed this conversation on to you.")
        await devi.says("Devi here; I go on.")
        await meera.sees("Devi here; I go on.")
        assert [*meera.complaints, *devi.complaints] == []


async def second_admin(house: House, email: str) -> str:
    """The link that signs them in."""
    async with httpx2.AsyncClient(base_url=house.url) as http:
        signed_in = (await http.post("/auth/dev", json={"email": email})).json()
    pool = await connect(house.database_url, size=1)
    try:
        await pool.execute("update public.users set role = 'admin' where email = $1", email)
    finally:
        await pool.close()
    return f"{house.url}/admin#token={signed_in['token']}"
