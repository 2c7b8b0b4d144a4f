"""An admin looks at the figures, reads the trail, and changes accounts, on a page that anybody can use."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Complaints, House
from tests.browser.vocabulary import PATIENCE_MS, answers, note_complaints

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def overview(browser: Browser, house: House, **how: Any) -> AsyncIterator[Page]:
    """The page, reached from the lobby; what the browser complained of must be nothing."""
    context = await browser.new_context(**how)
    complaints: list[str] = []
    try:
        page = await context.new_page()
        note_complaints(context, page, complaints)
        await page.goto(house.links["admin"])
        await page.get_by_role("link", name="Overview").click()
        await expect(page.get_by_test_id("plot").first).to_be_visible(timeout=PATIENCE_MS)
        yield page
        assert complaints == []
    finally:
        await context.close()


async def somebody(house: House, name: str) -> UUID:
    """A seeker who has come once."""
    id = uuid4()
    await told(house, "insert into users (id, email, full_name) values ($1, $2, $3)", id, f"{id}@example.com", name)
    return id


async def told(house: House, statement: str, *values: Any) -> Any:
    connection = await asyncpg.connect(house.database_url)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close()


async def opens(page: Page, view: str) -> None:
    await page.get_by_role("navigation").get_by_role("button", name=view).click()
    await expect(page.get_by_role("heading", level=1, name=view)).to_be_visible()


async def test_the_figures_are_pictures_with_names_and_tables_beside_them(browser: Browser, house: House) -> None:
    # Whoever was here before may have asked a model that is paid.
    await told(house, "delete from spend")
    async with overview(browser, house) as page:
        begun = await told(house, "select count(*) from chat_sessions where created_at > now() - interval '1 day'")
        plot = page.get_by_role("img", name="Conversations begun")
        await expect(plot).to_have_accessible_description(re.compile(r"^14 days up to .*\. \d+ in all\. The highest"))
        figure = page.get_by_test_id("plot").filter(has=plot)
        await figure.get_by_text("As a table").click()
        rows = figure.get_by_role("row")
        await expect(rows).to_have_count(15)
        shown = [int(await rows.nth(nth).get_by_role("cell").inner_text()) for nth in (1, 2)]
        assert sum(shown) >= begun >= 3
        await page.get_by_label("The last").select_option("7 days")
        await expect(plot).to_have_accessible_description(re.compile(r"^7 days"))
        nothing = page.get_by_test_id("plot").filter(has_text="Cost of models")
        await expect(nothing.get_by_text("What a model is paid")).to_be_visible()


async def test_ingestion_is_plotted_with_its_boards(browser: Browser, house: House) -> None:
    await something_happens(house)
    async with overview(browser, house) as page:
        boards = page.get_by_role("img", name="Boards")
        await expect(boards).to_have_accessible_description(re.compile(r"\d+ read, [1-9]\d* in trouble\. The highest"))
        await expect(page.get_by_role("img", name="Runs")).to_have_accessible_description(re.compile("[1-9] failed"))


async def test_figures_that_cannot_be_read_are_asked_for_again_and_older_ones_stay(
    browser: Browser, house: House, complaints: Complaints
) -> None:
    complaints.expect("status of 503")
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["admin"].replace("/admin#", "/admin/overview#"))
        plot = page.get_by_test_id("plot").first
        await expect(plot).to_be_visible(timeout=PATIENCE_MS)
        await page.route(
            "**/api/admin/overview?*", lambda route: route.fulfill(status=503, json={"detail": "Not now."})
        )
        await page.get_by_role("button", name="Refresh").click()
        await expect(page.get_by_test_id("toast")).to_contain_text("could not be read anew: Not now.")
        await expect(plot).to_be_visible()
        await page.reload()
        problem = page.get_by_test_id("figures-problem")
        await expect(problem).to_contain_text("Not now.", timeout=PATIENCE_MS)
        await page.unroute_all()
        await problem.get_by_role("button", name="Try again").click()
        await expect(plot).to_be_visible(timeout=PATIENCE_MS)
    finally:
        await context.close()


async def test_who_waits_is_one_step_from_the_overview(browser: Browser, house: House) -> None:
    session = await told(
        house, "insert into chat_sessions (user_id, waiting_since, waiting_reason)"
        " values ($1, now() - interval '3 minutes', 'A visa') returning id", await somebody(house, "Waltraud Wartet"),
    )  # fmt: skip
    async with overview(browser, house) as page:
        waiting = page.get_by_test_id("queue").get_by_role("listitem").filter(has_text="Waltraud Wartet")
        await expect(waiting).to_contain_text("3 min")
        await waiting.get_by_role("link").click()
        await expect(page.get_by_test_id("standing")).to_contain_text("waiting for a person", timeout=PATIENCE_MS)
        assert page.url.endswith(f"/admin?session={session}")
    await told(house, "delete from chat_sessions where id = $1", session)


async def test_a_user_is_found_made_a_provider_shut_out_and_let_in_and_the_trail_says_so(
    browser: Browser, house: House
) -> None:
    tara = await somebody(house, "Tara Trail")

    async def standing() -> tuple[str, bool]:
        row = "select role::text || ' ' || (deactivated_at is not null) from users where id = $1"
        role, _, deactivated = str(await told(house, row, tara)).partition(" ")
        return role, deactivated == "true"

    async with overview(browser, house) as page:
        await opens(page, "Users")
        await page.get_by_role("searchbox", name="Search").fill("tara t")
        person = page.get_by_test_id("person")
        await expect(person).to_have_count(1)
        role = person.get_by_label("Role of Tara Trail")
        await role.select_option("admin")
        assert await standing() == ("seeker", False), "a choice alone changes nothing"
        await person.get_by_role("button", name="Change role").click()
        assert (await answers(page, "Cancel")).startswith("Make Tara Trail an admin?")
        assert await standing() == ("seeker", False)
        await role.select_option("provider")
        await person.get_by_role("button", name="Change role").click()
        await answers(page, "Change role")
        await expect(page.get_by_test_id("people-said")).to_have_text("Tara Trail is a provider now.")
        await person.get_by_role("button", name="Deactivate").click()
        await page.keyboard.press("Escape")
        assert await standing() == ("provider", False), "who leaves the question has not said yes"
        await person.get_by_role("button", name="Deactivate").click()
        assert "until somebody activates them again" in await answers(page, "Deactivate")
        await expect(person).to_have_attribute("data-deactivated", "true")
        await expect(
            person.get_by_role("button", name="Activate"), "who uses the keyboard goes on there"
        ).to_be_focused()
        assert await standing() == ("provider", True)
        await person.get_by_role("button", name="Activate").click()
        await answers(page, "Activate")
        await expect(person).to_have_attribute("data-deactivated", "false")
        assert await standing() == ("provider", False)

        await opens(page, "Audit trail")
        rows = page.get_by_test_id("trail-rows").get_by_role("row")
        await rows.first.get_by_role("button", name="Tara Trail").click()
        await expect(page.get_by_test_id("trail-said")).to_have_text("Only what is about Tara Trail.")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(0)).to_contain_text("deactivated: yes → no")
        await expect(rows.nth(2)).to_contain_text("role: seeker → provider")
        await page.get_by_label("By whom").fill("nobody@example.com")
        await page.get_by_label("By whom").press("Enter")
        await expect(page.get_by_test_id("trail-said")).to_contain_text("There is nothing by nobody@example.com")
        await page.get_by_role("button", name="Show all").click()
        await expect(page.get_by_test_id("trail-said")).to_have_text("Newest first.")


async def test_nobody_changes_their_own_account_and_seekers_stay_outside(browser: Browser, house: House) -> None:
    async with overview(browser, house) as page:
        await opens(page, "Users")
        await page.get_by_label("Role", exact=True).select_option("Admins")
        me = page.get_by_test_id("person").filter(has_text="This is you")
        await expect(me).to_have_count(1)
        await expect(me.get_by_role("button")).to_have_count(0)
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(house.links["seeker"].replace("/#", "/admin/overview#"))
        await expect(page.get_by_role("heading", name="another page's door")).to_be_visible(timeout=PATIENCE_MS)
        await expect(page.get_by_test_id("figures")).to_have_count(0)
    finally:
        await context.close()


async def something_happens(house: House) -> None:
    """So that no part of the page is empty."""
    long = await somebody(house, "Padmavathi-Venkataraman-Subramaniam-Krishnamurthy")
    session = await told(
        house, "insert into chat_sessions (user_id, status, seq) values ($1, 'closed', 3) returning id", long
    )
    for seq, reason in enumerate(("waiting", "taken_over", "closed"), start=1):
        await told(
            house, "insert into chat_messages (session_id, seq, id, turn, kind, content, meta, created_at)"
            " values ($1, $2, $3, 0, 'status', 'closed', jsonb_build_object('by', 'system', 'reason', $4::text),"
            " now() - interval '1 hour' + make_interval(mins => $5))", session, seq, uuid4(), reason, seq,
        )  # fmt: skip
    await told(
        house, "insert into audit_log (actor_id, action, subject_type, subject_id, detail) values"
        """ ($1, 'user_changed', 'user', $2, '{"role": {"from": "seeker", "to": "admin"}}')""", long, uuid4(),
    )  # fmt: skip
    await told(
        house, "insert into spend (day, user_id, purpose, settled_usd, calls)"
        " values ((now() at time zone 'UTC')::date - 8, $1, 'answers', 0.0123, 3)", long,
    )  # fmt: skip
    run = await told(
        house, "insert into scraping_logs (source_name, status, detail) values ('pwc', 'failed', 'The worker died.')"
        " returning id",
    )  # fmt: skip
    await told(
        house, "insert into scraping_boards (run_id, board, status, detail)"
        " values ($1, 'pwc-south-east-asia-consulting', 'blocked', 'The site answers 403.')", run,
    )  # fmt: skip
