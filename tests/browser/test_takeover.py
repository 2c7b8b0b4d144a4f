"""A seeker with a resume gets a grounded answer, an admin takes over in mid-stream, answers and hands back."""

import re
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from chatserver.adapters.postgres import connect
from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import admin, seeker, words
from tests.until import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"


async def stored(pool: asyncpg.Pool, session: str) -> list[tuple[str, str]]:
    rows = await pool.fetch(
        "select role, content from public.chat_messages where session_id = $1 and kind = 'message' order by seq",
        session,
    )
    return [(row["role"], words(row["content"])) for row in rows]


async def logged(pool: asyncpg.Pool, session: str) -> list[tuple[str, str]]:
    log = await pool.fetchval("select conversation_log from public.chat_sessions where id = $1", session)
    return [(entry["role"], words(entry["content"])) for entry in log if not entry.get("hidden")]


async def test_an_admin_takes_over_in_mid_stream(browser: Browser, house: House) -> None:
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
