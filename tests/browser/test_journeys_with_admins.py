"""Three of the ten journeys, those with an admin, each from its beginning to its end."""

import re
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import Browser, Page, expect

from chatserver.adapters.postgres import connect
from chatserver.demo import texts
from tests.browser.accessibility import axe
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS, Admin, Seeker, admin, seeker, words
from tests.until import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"
SIX = 6


async def stored(pool: asyncpg.Pool, session: str) -> list[tuple[str, str]]:
    rows = await pool.fetch(
        "select role, content from public.chat_messages where session_id = $1 and kind = 'message' order by seq",
        session,
    )
    return [(row["role"], words(row["content"])) for row in rows]


async def logged(pool: asyncpg.Pool, session: str) -> list[tuple[str, str]]:
    log = await pool.fetchval("select conversation_log from public.chat_sessions where id = $1", session)
    return [(entry["role"], words(entry["content"])) for entry in log if not entry.get("hidden")]


async def test_takeover_and_hand_back(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as asha, admin(browser, house.links["admin"]) as meera:
        await asha.signs_in("asha.menon@example.com")
        await asha.uploads(RESUME)
        await asha.sees_what_was_read(RESUME.name)
        await asha.sees_matches()

        await asha.says("Which jobs fit me, and why?")
        await asha.sees_messages_of("assistant", 2)
        await asha.sees_no_answer_grow()
        answer = asha.messages_of("assistant").last
        assert await answer.get_by_test_id("source").count() >= 1
        assert re.fullmatch(r"J\d+", await answer.locator(".chip").first.inner_text())
        assert await answer.locator(".kind").inner_text() == "no AI model, composed from the job data"

        session = await asha.session()
        await meera.opens(session)
        await meera.sees_the_resume(RESUME.name)
        await asha.says("How do I prepare for the interviews?")
        await asha.sees_an_answer_grow()
        await meera.sees_an_answer_grow()
        await meera.takes_over()
        await meera.sees("You took this conversation over.")
        await asha.sees("Meera Nair is here now, a person.")
        await asha.sees_no_answer_grow()
        await asha.sees("Interrupted here.")
        await asha.sees_standing("with Meera Nair")

        await meera.says("Hello Asha, Meera here. Two of these teams are known to me.")
        await asha.sees("Two of these teams are known to me.")
        await asha.says("Wonderful, thank you!")
        await meera.sees("Wonderful, thank you!")
        await meera.notes("She would move to Pune; <b>ask her</b>.")
        await meera.says("Ask for the team lead by name. *Good luck!*")
        await asha.sees("Ask for the team lead by name.")
        await meera.hands_back()
        await asha.sees("Meera Nair handed the conversation back to the assistant.")
        await asha.sees_standing("with the assistant")

        assert "move to Pune" not in (await asha.page.text_content("body") or ""), "a note is for admins"
        await asha.says("And which skills are missing?")
        await asha.sees_messages_of("assistant", 4)
        await asha.sees_no_answer_grow()
        await meera.sees_messages_of("assistant", 4)

        await asha.finds_unhelpful("It names no <i>missing</i> skill.")
        await asha.comes_back()
        pressed = asha.page.get_by_test_id("verdict").last.locator("[aria-pressed=true]")
        await expect(pressed).to_have_text("Not helpful")
        await meera.page.reload()
        await meera.opens(session)
        await expect(meera.page.get_by_test_id("rated")).to_contain_text("It names no <i>missing</i> skill.")

        pool = await connect(house.database_url, size=1)
        try:
            unread = (
                "select s.seq - r.seq from chat_sessions s join chat_reads r on r.session_id = s.id where s.id = $1"
            )

            async def is_read() -> bool:
                return bool(await pool.fetchval(unread + " and r.user_id = s.user_id", UUID(session)) == 0)

            await until(is_read)
            comment = "select meta ->> 'rating_comment' from chat_messages where session_id = $1 and meta ? 'rating'"
            assert await pool.fetchval(comment, UUID(session)) == "It names no <i>missing</i> skill."
            rows = await stored(pool, session)
            assert [role for role, _ in rows] == [
                "assistant", "user", "assistant", "user", "assistant", "admin", "user", "admin", "user", "assistant",
            ]  # fmt: skip
            assert await asha.shown() == rows
            assert await meera.shown() == rows

            async def caught_up() -> bool:
                return await logged(pool, session) == rows

            await until(caught_up)
        finally:
            await pool.close()
        assert (asha.complaints, meera.complaints) == ([], [])


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


async def test_an_admin_with_six_sessions_by_keyboard_alone(browser: Browser, house: House) -> None:
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


async def test_draft_edit_send(browser: Browser, house: House) -> None:
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
