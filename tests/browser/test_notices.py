"""Who looks elsewhere is told that somebody waits: in the title always, by the browser and a sound if wished."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import Complaints, House
from tests.browser.vocabulary import PATIENCE_MS, Admin, admin, seeker
from tests.chromium import WINDOWED, chromium

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The real ones do their work; the page only writes down that they were asked.
WATCHED = """
window.told = [];
window.tones = 0;
window.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    told.push([title, options.body, document.title]);
    window.last = this;
  }
};
const made = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.tones += 1;
  return made.call(this);
};
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def with_windows() -> AsyncIterator[Browser]:
    async with chromium(WINDOWED) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def windowed(with_windows: Browser, complaints: Complaints) -> AsyncIterator[Browser]:
    with_windows.on("context", complaints.watch)
    yield with_windows
    with_windows.remove_listener("context", complaints.watch)


async def waiting(meera: Admin) -> int:
    found = re.match(r"\((\d+) waiting", await meera.page.title())
    return int(found[1]) if found else 0


async def shows(meera: Admin, count: int) -> None:
    await expect(meera.page).to_have_title(re.compile(rf"^\({count} waiting"), timeout=PATIENCE_MS)


async def test_who_waits_is_told_in_the_title_by_a_notice_and_by_a_sound(windowed: Browser, house: House) -> None:
    async with (
        admin(windowed, house.links["admin"], WATCHED) as meera,
        seeker(windowed, house.url) as asha,
        seeker(windowed, house.url) as ravi,
        seeker(windowed, house.url) as tara,
    ):
        page = meera.page
        await page.context.grant_permissions(["notifications"])
        for number, one in enumerate((asha, ravi, tara)):
            await one.signs_in(f"told{number}@example.com")
        before = await waiting(meera)
        wishes = page.get_by_test_id("wishes")
        await wishes.get_by_text("Tell me when somebody waits").click()
        await wishes.get_by_label("By a notice of the browser").check()
        await meera.leaves_the_window()
        await asha.asks_for_a_person()
        await shows(meera, before + 1)
        [told] = await page.evaluate("told")
        assert told[0] == "told0 asks for a person"
        assert told[2].startswith(f"({before + 1} waiting"), "the title came first"
        assert await page.evaluate("tones") == 0, "nobody asked for a sound"

        await page.evaluate("last.dispatchEvent(new Event('click'))")
        await expect(page.get_by_role("heading", name="told0", exact=True)).to_be_visible(timeout=PATIENCE_MS)

        # A sound alone would say nothing to who does not hear it: with the notice off, the title says it.
        await wishes.get_by_label("By a notice of the browser").uncheck()
        await wishes.get_by_label("By a sound too").check()
        heard = await page.evaluate("tones")
        await ravi.asks_for_a_person()
        await shows(meera, before + 2)
        await page.wait_for_function(f"tones === {heard + 1}", timeout=PATIENCE_MS)
        assert len(await page.evaluate("told")) == 1

        # Both wishes are kept in this browser, and what was off stays off.
        await page.reload()
        await wishes.get_by_text("Tell me when somebody waits").click()
        await expect(wishes.get_by_label("By a sound too")).to_be_checked(timeout=PATIENCE_MS)
        await expect(wishes.get_by_label("By a notice of the browser")).not_to_be_checked()
        await shows(meera, before + 2)
        await tara.asks_for_a_person()
        await shows(meera, before + 3)
        assert await page.evaluate("told") == []


async def test_who_holds_a_conversation_is_told_of_its_words_until_they_look(windowed: Browser, house: House) -> None:
    async with admin(windowed, house.links["admin"]) as meera, seeker(windowed, house.url) as asha:
        await asha.signs_in("counted@example.com")
        await meera.opens(await asha.session())
        await meera.takes_over()
        await meera.sees("You took this conversation over.")
        await meera.leaves_the_window()
        await asha.says("Are you there?")
        await expect(meera.page).to_have_title(re.compile(r"1 new\) Lobby"), timeout=PATIENCE_MS)
        await meera.looks_again()
        await expect(meera.page).not_to_have_title(re.compile("new"), timeout=PATIENCE_MS)
        assert meera.complaints == []


async def test_a_browser_that_shows_no_notices_is_said_to(windowed: Browser, house: House) -> None:
    # Under test a browser refuses whatever was not granted.
    async with admin(windowed, house.links["admin"]) as meera:
        wishes = meera.page.get_by_test_id("wishes")
        await wishes.get_by_text("Tell me when somebody waits").click()
        box = wishes.get_by_label("By a notice of the browser")
        await box.click()
        await expect(wishes.get_by_role("alert")).to_contain_text("allow them in its settings")
        await expect(box).not_to_be_checked()
