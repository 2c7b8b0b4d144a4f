"""Eight hours at the desk: no word is lost, nothing moves under the hand, nothing piles up, and the end is said."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, expect

from tests.browser.conftest import House
from tests.browser.test_desk import second_admin
from tests.browser.test_overview import told
from tests.browser.vocabulary import PATIENCE_MS, Admin, Seeker, admin, answers, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUNDS = 6
TOLERATED_NODES = 60
TOLERATED_LISTENERS = 15


async def comes(stack: AsyncExitStack, browser: Browser, house: House, name: str) -> tuple[Seeker, str]:
    """A seeker of this name, and their conversation."""
    one = await stack.enter_async_context(seeker(browser, house.url))
    await one.signs_in(f"{name}@example.com")
    return one, await one.session()


async def takes(meera: Admin, session: str) -> None:
    await meera.opens(session)
    await meera.takes_over()
    await meera.sees_standing("with you")


async def test_what_was_begun_is_there_after_a_look_elsewhere_and_after_a_reload(
    browser: Browser, house: House
) -> None:
    async with AsyncExitStack() as stack:
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        _, first = await comes(stack, browser, house, "words.first")
        _, second = await comes(stack, browser, house, "words.second")
        page = meera.page
        note = page.get_by_test_id("note-box").locator("textarea")
        draft = page.get_by_test_id("draft-text")
        await takes(meera, first)
        await meera.field().fill("A reply to the first")
        await page.get_by_test_id("note-box").get_by_text("Note for admins").click()
        await note.fill("A note about the first")
        await page.get_by_test_id("draft").click()
        await expect(page.get_by_test_id("draft-box")).to_contain_text("read it before you send", timeout=PATIENCE_MS)
        proposed = await draft.inner_text()

        await takes(meera, second)
        await meera.sees_mine("")
        await expect(page.get_by_test_id("draft-box")).to_be_hidden()
        await expect(note).to_have_value("")
        await meera.field().fill("A reply to the second")

        await page.get_by_test_id("tab").filter(has_text="words.first").click()
        await meera.sees_mine("A reply to the first")
        await expect(note).to_have_value("A note about the first")
        await expect(draft).to_have_text(proposed)

        await page.reload()
        await expect(page.get_by_test_id("tab")).to_have_count(2, timeout=PATIENCE_MS)
        await expect(page.get_by_test_id("tab").filter(has_text="words.first")).to_have_attribute(
            "aria-current", "true"
        )
        await meera.sees_mine("A reply to the first")
        await expect(note).to_have_value("A note about the first")
        await page.keyboard.press("2")
        await meera.sees_mine("A reply to the second")
        assert meera.complaints == []


async def test_the_lobby_does_not_move_under_the_pointer_nor_the_focus_while_somebody_types(
    browser: Browser, house: House
) -> None:
    async with AsyncExitStack() as stack:
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        asha, first = await comes(stack, browser, house, "moves.first")
        ravi, second = await comes(stack, browser, house, "moves.second")
        page = meera.page
        entry = page.locator(f"[data-testid=lobby-entry][data-session='{first}']")
        other = page.locator(f"[data-testid=lobby-entry][data-session='{second}']")
        await expect(entry).to_be_visible(timeout=PATIENCE_MS)
        await expect(other).to_be_visible(timeout=PATIENCE_MS)
        await entry.hover()
        box = await entry.bounding_box()
        await page.mouse.down()
        await ravi.asks_for_a_person()
        await expect(other).to_contain_text("waiting", timeout=PATIENCE_MS)
        now = await entry.bounding_box()
        assert box is not None
        # Its place to the pixel: a line of text may be a fraction of one taller than the last.
        assert now == pytest.approx(box, abs=1), "who waits comes first, and not now"
        await asha.says("Which jobs are there?")
        await expect(entry).to_contain_text("Which jobs are there?", timeout=PATIENCE_MS)
        await page.mouse.up()
        await expect(page.get_by_role("heading", name="moves.first", exact=True)).to_be_visible(timeout=PATIENCE_MS)

        await page.mouse.move(700, 400)
        await meera.takes_over()
        await meera.field().press_sequentially("One long sen")
        order = await page.get_by_test_id("lobby-entry").evaluate_all("all => all.map((one) => one.dataset.session)")
        assert order.index(second) < order.index(first), "the pointer is gone, and the order is right"
        await asha.says("And in Pune?")
        await expect(entry).to_contain_text("And in Pune?", timeout=PATIENCE_MS)
        await expect(meera.field()).to_be_focused()
        await meera.field().press_sequentially("tence")
        await meera.sees_mine("One long sentence")
        assert [*meera.complaints, *asha.complaints] == []


async def test_a_day_of_conversations_leaves_nothing_behind(browser: Browser, house: House) -> None:
    async with AsyncExitStack() as stack:
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        sessions = [(await comes(stack, browser, house, f"day{number}"))[1] for number in range(2)]
        page = meera.page
        cdp = await page.context.new_cdp_session(page)

        async def a_round() -> None:
            for session in sessions:
                await meera.opens(session)
                await expect(page.get_by_test_id("history")).to_contain_text("first", timeout=PATIENCE_MS)
                await expect(page.get_by_test_id("match").first).to_be_visible(timeout=PATIENCE_MS)
            for _ in sessions:
                await page.keyboard.press("x")
            await expect(page.get_by_role("heading", name="No conversation chosen")).to_be_visible()

        await a_round()
        before = await counted(cdp)
        for _ in range(ROUNDS):
            await a_round()
        after = await counted(cdp)
        assert after["nodes"] - before["nodes"] <= TOLERATED_NODES, (before, after)
        assert after["jsEventListeners"] - before["jsEventListeners"] <= TOLERATED_LISTENERS, (before, after)


async def test_a_conversation_that_the_seeker_closes_keeps_the_words_that_were_not_sent(
    browser: Browser, house: House
) -> None:
    async with AsyncExitStack() as stack:
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        asha, session = await comes(stack, browser, house, "closes.first")
        await takes(meera, session)
        await meera.field().fill("You could ask for")
        await asha.page.get_by_test_id("menu").get_by_text("More").click()
        await asha.page.get_by_role("button", name="Close this conversation").click()
        await answers(asha.page, "Close it")
        await meera.sees("closes.first closed this conversation.")
        await meera.sees_mine("You could ask for")
        await expect(meera.field()).not_to_be_editable()
        await expect(meera.page.get_by_test_id("unsendable")).to_contain_text("stays here to be copied")
        await expect(meera.page.get_by_role("button", name="Take over")).to_have_count(0)


async def test_an_admin_who_is_one_no_more_is_told_and_nothing_they_do_counts(browser: Browser, house: House) -> None:
    async with AsyncExitStack() as stack:
        devi = await stack.enter_async_context(admin(browser, await second_admin(house, "devi.demoted@example.com")))
        _, session = await comes(stack, browser, house, "demoted.reader")
        await takes(devi, session)
        await devi.field().fill("I was just")
        await told(house, "update users set role = 'seeker' where email = 'devi.demoted@example.com'")
        # The server looks at everybody's row with each heartbeat; nobody waits for the next one here.
        await devi.is_turned_away("Your access has changed; sign in again.")
        await expect(devi.page.get_by_test_id("banner")).to_contain_text("Your access has changed")
        await expect(devi.page.get_by_role("button", name="Reload")).to_be_visible()
        await devi.sees_mine("I was just")
        await devi.page.get_by_role("button", name="Reload").click()
        await expect(devi.page.get_by_role("heading", name="another page's door")).to_be_visible(timeout=PATIENCE_MS)
        await expect(devi.page.get_by_test_id("lobby-entry")).to_have_count(0)


async def counted(cdp: CDPSession) -> dict[str, Any]:
    await cdp.send("HeapProfiler.collectGarbage")
    found: dict[str, Any] = await cdp.send("Memory.getDOMCounters")
    return found
