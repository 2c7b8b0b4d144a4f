"""The states in which the admin's desk is looked at."""

from uuid import UUID

from playwright.async_api import Route, expect

from tests.browser.stage import Reach, Stage, address, id_of
from tests.browser.vocabulary import PATIENCE_MS

LONG = "Padmavathi-Venkataraman Subramaniam-Krishnamurthy"
LEASE_SECONDS = 3


async def person(stage: Stage, name: str, role: str = "seeker") -> UUID:
    id = id_of(name)
    await stage.told(
        "insert into users (id, email, full_name, role) values ($1, $2, $3, $4::text::user_role)"
        " on conflict (id) do nothing", id, address(name), name, role,
    )  # fmt: skip
    return id


async def unfold(stage: Stage, where: str) -> None:
    await stage.page.locator(f"{where} details").evaluate_all("all => all.forEach((one) => { one.open = true; })")


async def sign_in(stage: Stage) -> None:
    await stage.page.goto(f"{stage.house.url}/admin")
    await stage.sees("sign-in")


async def lobby(stage: Stage) -> None:
    await stage.comes("admin")
    await stage.sees("lobby-entry")


async def nothing_found(stage: Stage) -> None:
    await lobby(stage)
    await stage.page.get_by_test_id("search").fill("no such words anywhere")
    await expect(stage.page.get_by_text("Nothing was found")).to_be_visible(timeout=PATIENCE_MS)


async def waiting(stage: Stage, name: str) -> UUID:
    """Somebody who asked for a person, with all that a brief can say."""
    seeker = await person(stage, name)
    await stage.conversation(
        seeker, ("user", "An earlier question"), ("assistant", "An earlier answer"), status="closed"
    )
    session = await stage.conversation(
        seeker, ("user", "Does my articleship count?"), ("assistant", "About **that** nothing is known here."),
        ("admin", "I ask the institute and come back to you by noon."), ("user", "It is past noon now. <b>Hello?</b>"),
    )  # fmt: skip
    await stage.told(
        "update chat_messages set meta = meta || '{\"rating\": -1, \"rating_comment\": \"No help at all\"}'"
        " where session_id = $1 and role = 'assistant'", session,
    )  # fmt: skip
    await stage.told(
        "update chat_sessions set waiting_since = now() - interval '7 minutes', waiting_reason = $2 where id = $1",
        session, "A promise that was not kept, and a " + "very " * 20 + "long reason",
    )  # fmt: skip
    return session


async def busy(stage: Stage) -> None:
    for name in (LONG, "Busy Bina", "Busy Chetan", "Busy <script>Divya</script>"):
        session = await waiting(stage, name)
    await stage.told("update chat_sessions set urgent_since = now() where id = $1", session)
    await lobby(stage)
    await expect(stage.page.get_by_text(LONG).first).to_be_visible(timeout=PATIENCE_MS)
    await stage.page.get_by_text("Tell me when somebody waits").click()


async def opened(stage: Stage, session: UUID) -> None:
    await stage.comes("admin", f"/admin?session={session}")
    await stage.sees("message")


async def brief(stage: Stage) -> None:
    await opened(stage, await waiting(stage, LONG))
    await expect(stage.page.get_by_test_id("brief")).to_contain_text("by noon", timeout=PATIENCE_MS)
    await expect(stage.page.get_by_test_id("history").get_by_role("button").first).to_be_visible(timeout=PATIENCE_MS)


async def beside(stage: Stage) -> None:
    """Somebody with a resume and matches."""
    await lobby(stage)
    await stage.page.get_by_test_id("lobby-entry").filter(has_text="Ananya Krishnan").click()
    await stage.sees("match")
    await unfold(stage, "#beside")


async def held(stage: Stage) -> None:
    session = await stage.conversation(await person(stage, "Held Hari"), ("user", "Hello?"), ("assistant", "Yes?"))
    await opened(stage, session)
    await stage.page.keyboard.press("t")
    await expect(stage.page.get_by_test_id("standing")).to_contain_text("with you", timeout=PATIENCE_MS)


async def several(stage: Stage) -> None:
    await held(stage)
    await stage.page.get_by_test_id("lobby-entry").filter(has_text="Ananya Krishnan").click()
    await expect(stage.page.get_by_test_id("tab")).to_have_count(2, timeout=PATIENCE_MS)
    await stage.sees("match")


async def draft_grows(stage: Stage) -> None:
    await held(stage)
    await stage.page.get_by_test_id("draft").click()
    await stage.sees("draft-text")


async def draft_is_ready(stage: Stage) -> None:
    await draft_grows(stage)
    await expect(stage.page.get_by_role("button", name="Put it into the reply")).to_be_enabled(timeout=PATIENCE_MS)


async def draft_failed(stage: Stage) -> None:
    await draft_grows(stage)
    await stage.page.context.set_offline(True)
    await stage.sees("banner")
    await stage.page.context.set_offline(False)
    await expect(stage.page.get_by_test_id("banner")).to_be_hidden(timeout=PATIENCE_MS)


async def canned(stage: Stage) -> None:
    await held(stage)
    await stage.page.get_by_text("Canned answers").click()
    await stage.page.get_by_text("Add or change one").click()
    await stage.page.get_by_role("button", name="Keep it").click()
    await expect(stage.page.get_by_text("Give it a name and a text.")).to_be_visible()


async def note(stage: Stage) -> None:
    await held(stage)
    await stage.page.get_by_text("Note for admins").click()
    await stage.page.get_by_label("Note for admins").fill("Call <i>them</i> back")
    await stage.page.get_by_role("button", name="Keep note").click()
    await stage.sees("note")
    await stage.page.get_by_text("Note for admins").first.click()


async def pass_on(stage: Stage) -> None:
    await person(stage, "Pia Other", "admin")
    await held(stage)
    await stage.page.get_by_role("button", name="Pass on", exact=True).click()
    await expect(stage.page.get_by_role("button", name="Pia Other")).to_be_visible(timeout=PATIENCE_MS)


async def help_sheet(stage: Stage) -> None:
    await lobby(stage)
    await stage.page.keyboard.press("Shift+?")
    await stage.sees("help")


async def silent(stage: Stage) -> None:
    async def shorter(route: Route) -> None:
        given = await (await route.fetch()).json()
        await route.fulfill(json=given | {"admin_lease_seconds": LEASE_SECONDS})

    await stage.page.route("**/api/config", shorter)
    await held(stage)
    await expect(stage.page.get_by_test_id("lease")).to_contain_text("any admin may take over", timeout=PATIENCE_MS)


async def lost(stage: Stage) -> None:
    await held(stage)
    await stage.page.context.set_offline(True)
    await stage.sees("banner")


async def refused(stage: Stage) -> None:
    """Somebody else holds it, which this page has not heard of yet."""
    other = await person(stage, "Other Omar", "admin")
    session = await stage.conversation(await person(stage, "Fought For"), ("user", "Hello?"))
    await opened(stage, session)
    await stage.told(
        "update chat_sessions set status = 'active_human', admin_id = $2,"
        " admin_lease_until = now() + interval '1 hour' where id = $1", session, other,
    )  # fmt: skip
    await stage.page.get_by_role("button", name="Take over").click()
    await stage.sees("toast")


async def closed(stage: Stage) -> None:
    await opened(stage, await stage.conversation(await person(stage, "Closed Clara"), ("user", "Bye"), status="closed"))


STATES: dict[str, Reach] = {
    "admin: sign in": sign_in,
    "admin: the lobby": lobby,
    "admin: nothing found": nothing_found,
    "admin: a busy lobby": busy,
    "admin: a brief": brief,
    "admin: resume, matches and history": beside,
    "admin: a conversation that is held": held,
    "admin: several conversations": several,
    "admin: a draft that grows": draft_grows,
    "admin: a draft that is ready": draft_is_ready,
    "admin: a draft that failed": draft_failed,
    "admin: canned answers": canned,
    "admin: a note": note,
    "admin: to whom it is passed on": pass_on,
    "admin: the help sheet": help_sheet,
    "admin: silent for long": silent,
    "admin: without a line": lost,
    "admin: refused": refused,
    "admin: a closed conversation": closed,
}
