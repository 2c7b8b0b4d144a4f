"""The admin's desk: six conversations by keyboard alone; a draft asked for, changed, sent; two admins side by side."""

from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from chatserver.adapters.postgres import connect
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, Admin, Seeker, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIX = 6


async def focused(page: Page) -> str | None:
    found: str | None = await page.evaluate("document.activeElement?.dataset.session ?? null")
    return found


async def walks_to(meera: Admin, session: str) -> None:
    """Down the lobby, key by key, to the entry of the session, and in."""
    page = meera.page
    for _ in range(40):
        if await focused(page) == session:
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("j")
    raise AssertionError(f"{session} cannot be reached by keys")


async def test_an_admin_works_on_six_conversations_by_keyboard_alone(browser: Browser, house: House) -> None:
    async with AsyncExitStack() as stack:
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        page = meera.page
        people: list[tuple[Seeker, str, str]] = []
        for number in range(SIX):
            name = f"desk{number}"
            one = await stack.enter_async_context(seeker(browser, house.url))
            await one.signs_in(f"{name}@example.com")
            people.append((one, name, await one.session()))
        await expect(page.get_by_test_id("lobby-entry").filter(has_text="desk5")).to_be_visible(timeout=PATIENCE_MS)

        for one, name, session in people:
            await page.locator("body").focus()
            # From the top each time, as somebody does who does not remember where it stood.
            await page.evaluate("document.querySelector('[data-testid=lobby-entry]').focus()")
            await walks_to(meera, session)
            await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=PATIENCE_MS)
            await page.keyboard.press("t")
            await expect(page.get_by_role("textbox", name="Reply")).to_be_focused(timeout=PATIENCE_MS)
            await page.keyboard.type(f"Hello {name}, a person is here.")
            await page.keyboard.press("Enter")
            await one.sees(f"Hello {name}, a person is here.")
            await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("tab")).to_have_count(SIX)

        first, name, _ = people[0]
        await first.says("Are you still there?")
        await expect(page.get_by_test_id("news")).to_have_text("1 new", timeout=PATIENCE_MS)
        await page.keyboard.press("1")
        await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        await meera.sees("Are you still there?")
        await expect(page.get_by_test_id("news")).to_have_count(0)
        await page.keyboard.press("r")
        await page.keyboard.type("Yes, I am.")
        await page.keyboard.press("Enter")
        await first.sees("Yes, I am.")
        await page.keyboard.press("Escape")
        await page.keyboard.press("b")
        await first.sees_standing("with the assistant")
        await page.keyboard.press("x")
        await expect(page.get_by_test_id("tab")).to_have_count(SIX - 1)
        await page.keyboard.press("Shift+?")
        await expect(page.get_by_test_id("help")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("help")).to_have_count(0)
        assert [person.complaints for person in (meera, *(one for one, *_ in people))] == [[]] * (SIX + 1)


async def test_a_draft_is_asked_for_changed_and_sent(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha, admin(browser, house.links["admin"]) as meera:
        await asha.signs_in("draft.reader@example.com")
        await asha.says("Which jobs in audit are there?")
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        await asha.asks_for_a_person()
        page = meera.page
        await meera.opens(await asha.session())
        brief = page.get_by_test_id("brief")
        await expect(brief).to_contain_text("Which jobs in audit are there?", timeout=PATIENCE_MS)
        await expect(brief).to_contain_text("2 answers of the assistant")
        await meera.takes_over()
        await meera.sees("You took this conversation over.")
        await page.get_by_test_id("draft").click()
        box = page.get_by_test_id("draft-box")
        await expect(box).to_contain_text("Only you see this; read it", timeout=PATIENCE_MS)
        await expect(box).to_contain_text("Offline assistant")
        await axe(page)
        await box.get_by_role("button", name="Put it into the reply").click()
        reply = page.get_by_role("textbox", name="Reply")
        text = await reply.input_value()
        assert text.startswith("Hello draft.reader, this is Meera Nair.")
        assert "draft-box" not in await asha.page.content()
        assert "this is Meera Nair" not in (await asha.page.text_content("body") or ""), "nothing was sent yet"
        await reply.fill("Hello! I am Meera; let us look at audit together.")
        await reply.press("Enter")
        await asha.sees("let us look at audit together")

        await page.get_by_text("Canned answers").click()
        await page.get_by_role("button", name="Hello", exact=True).click()
        assert await reply.input_value() == (
            "Hello draft.reader, this is Meera Nair from Ottobon Jobs. I have read what you wrote and am here now."
        )
        assert [*asha.complaints, *meera.complaints] == []


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


async def axe(page: Page) -> None:
    """The page's policy lets no foreign script in; the tool is given to the page from outside of it."""
    found: dict[str, Any] = (await Axe().run(page)).response
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
