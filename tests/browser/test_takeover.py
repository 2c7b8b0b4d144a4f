"""Who holds a conversation: one admin, on every screen of theirs."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from chatserver.adapters.postgres import connect
from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"


async def link_of_another_admin(browser: Browser, house: House, email: str) -> str:
    context = await browser.new_context()
    pool = await connect(house.database_url, size=1)
    try:
        signed_in = await (await context.request.post(f"{house.url}/auth/dev", data={"email": email})).json()
        await pool.execute("update public.users set role = 'admin' where email = $1", email)
    finally:
        await pool.close()
        await context.close()
    return f"{house.url}/admin#token={signed_in['token']}"


async def test_who_comes_second_is_told_who_holds_the_conversation(browser: Browser, house: House) -> None:
    link = await link_of_another_admin(browser, house, "vikram.rao@example.com")
    async with (
        seeker(browser, house.url) as ravi,
        admin(browser, house.links["admin"]) as meera,
        admin(browser, link) as vikram,
    ):
        await ravi.signs_in("ravi.waits@example.com")
        await ravi.asks_for_a_person()
        session = await ravi.session()
        await meera.opens(session)
        await vikram.opens(session)
        await meera.takes_over()
        await vikram.sees("Meera Nair is here now, a person.")
        await vikram.takes_over()
        await vikram.is_told("Meera Nair already holds this conversation.")
        await expect(vikram.page.get_by_role("textbox", name="Reply")).to_be_disabled()


async def test_an_admin_holds_a_conversation_on_every_screen_of_theirs(browser: Browser, house: House) -> None:
    async with (
        seeker(browser, house.url) as ravi,
        admin(browser, house.links["admin"]) as meera,
        admin(browser, house.links["admin"]) as again,
    ):
        await ravi.signs_in("ravi.iyer@example.com")
        await ravi.asks_for_a_person()
        session = await ravi.session()
        await meera.opens(session)
        await again.opens(session)
        await meera.takes_over()
        # The same admin on another screen holds it too, and need not take it again.
        await again.sees("You took this conversation over.")
        await again.says("From the other screen.")
        await ravi.sees("From the other screen.")
        await meera.sees("From the other screen.")
