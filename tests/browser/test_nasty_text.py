"""Markup, script and addresses that would run something stay text, wherever words are shown, on every page."""

import json

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from tests.browser.conftest import House
from tests.browser.stage import Stage, id_of
from tests.browser.vocabulary import PATIENCE_MS, Admin, Seeker, admin, posts_a_job, seeker

pytestmark = pytest.mark.asyncio(loop_scope="session")

NASTY = (
    "<img src=x onerror=window.ran=1><script>window.ran=1</script><b id=nasty>b</b>"
    " {{7*7}} ${7*7} [x](javascript:window.ran=1) \"'>"
)
SEEN = "<img src=x onerror=window.ran=1>"
RAN = """() => [window.ran ?? null, location.pathname, [...document.querySelectorAll(
  "img, #nasty, iframe, svg script, script:not([src^='/client/']), a[href^='javascript' i], [onerror], [onload]",
)].map((one) => one.outerHTML.slice(0, 200))]"""
DESCRIPTION = f"{NASTY} We ask for Python and SQL, two years of payroll, and patience with {SEEN} and with people. " * 3


async def stays_text(page: Page, *testids: str) -> None:
    """It is there to be read in each of these places, and nothing came of it."""
    for testid in testids:
        await expect(page.get_by_test_id(testid).filter(has_text=SEEN).first).to_be_visible(timeout=PATIENCE_MS)
    ran, _, found = await page.evaluate(RAN)
    assert (ran, found) == (None, [])


async def talks(nell: Seeker, stage: Stage, job: str) -> str:
    """A seeker whose name, resume, messages and jobs are all of this kind; returns the conversation."""
    user = id_of("Nell Nasty")
    await stage.told("insert into users (id, email, full_name) values ($1, 'nell.nasty@example.com', $2)", user, NASTY)
    session = await stage.conversation(
        user, ("user", NASTY), ("assistant", f"**{NASTY}** | {SEEN} | [J1]"), ("admin", NASTY), ("system", NASTY),
        ("assistant", f"`{SEEN}`\n\n| {SEEN} |\n|---|\n| {SEEN} |"), waiting_reason=NASTY,
    )  # fmt: skip
    source = {
        "ref": "J1", "job": job, "title": NASTY, "company": NASTY, "location": NASTY, "status": "active",
        "apply_url": "javascript:window.ran=1", "reasons": [{"resume": NASTY, "job": NASTY}],
        "matched_skills": [NASTY], "missing_skills": [NASTY],
    }  # fmt: skip
    await stage.told(
        "update chat_messages set meta = meta || $2::text::jsonb where session_id = $1 and role = 'assistant'",
        session, json.dumps({"sources": [source]}),
    )  # fmt: skip
    await stage.told("update chat_sessions set waiting_since = now() where id = $1", session)
    page = nell.page
    await page.goto(f"{stage.house.url}/#token={stage.token('Nell Nasty')}")
    await page.get_by_label("Resume file").set_input_files(
        FilePayload(name=f"{SEEN}.txt", mimeType="text/plain", buffer=(DESCRIPTION + NASTY).encode())
    )
    await stays_text(page, "resume-read", "message", "past", "source", "system", "me")
    await page.get_by_test_id("source").first.click()
    await stays_text(page, "job-dialog")
    await page.keyboard.press("Escape")
    await nell.finds_unhelpful(NASTY)
    await nell.says(NASTY)
    await nell.sees(SEEN)
    await stays_text(page)
    return str(session)


async def is_looked_at(meera: Admin, session: str) -> None:
    page = meera.page
    await stays_text(page, "lobby-entry")
    await meera.opens(session)
    await page.get_by_text("Whole text").click(timeout=PATIENCE_MS)
    await page.evaluate("document.querySelectorAll('#beside details').forEach((one) => { one.open = true; })")
    await stays_text(page, "brief", "message", "resume", "sources", "rated")
    await meera.takes_over()
    await meera.notes(SEEN)
    await stays_text(page, "note")


async def test_it_stays_text(browser: Browser, house: House) -> None:
    async with seeker(browser, house.url) as nell, admin(browser, house.links["admin"]) as meera:
        stage = Stage(nell.page, house)
        provider = await (await browser.new_context()).new_page()
        await provider.goto(house.links["provider"])
        await posts_a_job(provider, SEEN, SEEN, DESCRIPTION)
        await stays_text(provider, "job", "job-page")
        job = str(await stage.told("select id from jobs where title = $1", SEEN))
        await stage.told("update jobs set external_apply_url = 'javascript:window.ran=1' where id = $1::uuid", job)
        session = await talks(nell, stage, job)
        await is_looked_at(meera, session)
        page = meera.page
        await page.goto(f"{house.url}/admin/overview")
        for view, place in (("Overview", None), ("Audit trail", "trail-rows"), ("Users", "person")):
            await page.get_by_role("navigation").get_by_role("button", name=view).click()
            await stays_text(page, *([place] if place else []))
        await stage.told("delete from jobs where id = $1::uuid", job)
        await provider.context.close()
