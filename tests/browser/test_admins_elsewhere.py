"""Two admins on two nodes: who looks and who types, and a conversation that slips from a hand that does not move."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import House, another_node
from tests.browser.test_desk import second_admin
from tests.browser.vocabulary import PATIENCE_MS, admin, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEASE_SECONDS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def impatient(house: House) -> AsyncIterator[str]:
    """A node on which a silent admin loses a conversation soon."""
    async with another_node(house, ADMIN_LEASE_SECONDS=str(LEASE_SECONDS)) as url:
        yield url


async def test_admins_on_two_nodes_see_who_looks_and_who_types(browser: Browser, house: House, impatient: str) -> None:
    link = house.on(impatient, await second_admin(house, "devi.elsewhere@example.com"))
    async with AsyncExitStack() as stack:
        asha = await stack.enter_async_context(seeker(browser, house.url))
        meera = await stack.enter_async_context(admin(browser, house.links["admin"]))
        devi = await stack.enter_async_context(admin(browser, link))
        await asha.signs_in("looked.at@example.com")
        session = await asha.session()
        await meera.opens(session)
        await devi.opens(session)
        here = meera.page.get_by_test_id("here")
        await expect(here).to_have_text("the seeker is here; devi.elsewhere looks on", timeout=PATIENCE_MS)
        await expect(devi.page.get_by_test_id("here")).to_contain_text("Meera Nair looks on", timeout=PATIENCE_MS)

        await meera.takes_over()
        await devi.sees("Meera Nair is here now, a person.")
        await meera.field().press_sequentially("Good morn")
        for other in (devi, asha):
            await expect(other.page.get_by_test_id("typing")).to_have_text(
                "Meera Nair is writing…", timeout=PATIENCE_MS
            )
        # Turned to another conversation, she writes here no more, and nobody is told that she does.
        await meera.page.get_by_test_id("lobby-entry").filter(has_text="Ananya Krishnan").click()
        for other in (devi, asha):
            await expect(other.page.get_by_test_id("typing")).to_have_count(0, timeout=PATIENCE_MS)

        await meera.opens(session)
        await meera.sees_mine("Good morn")
        await devi.page.goto("about:blank")
        await expect(here).to_have_text("the seeker is here", timeout=PATIENCE_MS)
        assert [*asha.complaints, *meera.complaints, *devi.complaints] == []


async def test_a_silent_admin_is_warned_keeps_it_by_one_act_and_loses_it_to_another(
    browser: Browser, house: House, impatient: str
) -> None:
    async with AsyncExitStack() as stack:
        asha = await stack.enter_async_context(seeker(browser, house.url))
        meera = await stack.enter_async_context(admin(browser, house.on(impatient, house.links["admin"])))
        devi = await stack.enter_async_context(
            admin(browser, house.on(impatient, await second_admin(house, "devi.takes@example.com")))
        )
        await asha.signs_in("slips.away@example.com")
        session = await asha.session()
        await meera.opens(session)
        await devi.opens(session)
        await meera.takes_over()
        lease, left = meera.page.get_by_test_id("lease"), meera.page.get_by_test_id("left")
        await meera.field().press_sequentially("Half a sentence")
        await expect(lease).to_contain_text("soon the conversation is free for others", timeout=PATIENCE_MS)
        await expect(left).to_have_text(f"{LEASE_SECONDS // 2 - 1} s", timeout=PATIENCE_MS)
        await lease.get_by_role("button", name="I am still here").click()
        await expect(lease).to_be_hidden(timeout=PATIENCE_MS)

        await expect(lease).to_contain_text("any admin may take over now", timeout=PATIENCE_MS)
        await devi.takes_over()
        await meera.sees("devi.takes is here now, a person.")
        await expect(lease).to_be_hidden(timeout=PATIENCE_MS)
        # What she had begun is not lost, cannot be sent in the other's conversation, and the page says why.
        await meera.sees_mine("Half a sentence")
        await expect(meera.field()).not_to_be_editable()
        await expect(meera.page.get_by_role("button", name="Send")).to_be_disabled()
        await expect(meera.page.get_by_test_id("unsendable")).to_contain_text("You do not hold this conversation")
        await meera.takes_over()
        await meera.is_told("devi.takes already holds this conversation.")

        # Where nobody comes, the assistant goes on with what the seeker writes.
        await expect(devi.page.get_by_test_id("lease")).to_contain_text("any admin may take over", timeout=PATIENCE_MS)
        await asha.says("Is anybody there?")
        await asha.sees("Nobody was here for a while, so the assistant goes on.")
        await asha.sees_messages_of("assistant", 2)
        assert [*asha.complaints, *meera.complaints, *devi.complaints] == []
