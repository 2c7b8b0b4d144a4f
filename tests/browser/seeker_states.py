"""The states in which the seeker's page is looked at: coming, the resume, the jobs, the line."""

import asyncio
from pathlib import Path

from playwright.async_api import FilePayload, Route, expect

from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.demo import texts
from tests.adapters.resume_files import pdf_with_password, scan
from tests.browser.stage import Reach, Stage, address, id_of
from tests.browser.vocabulary import PATIENCE_MS

LONG_NAME = "Padmavathi-Venkataraman-Subramaniam-Krishnamurthy Chandrasekharan"
RESUME = Path(texts.__file__).parent / "resumes" / "farah-siddiqui.pdf"
AWAY = {"code": "unavailable", "detail": "The database does not answer just now; try again in a moment."}


async def sign_in(stage: Stage) -> None:
    await stage.page.goto(stage.house.url)
    await stage.sees("sign-in")


async def sign_in_refused(stage: Stage) -> None:
    await stage.answers("/auth/dev", 403, code="forbidden", detail="This account is deactivated; ask the operator.")
    await sign_in(stage)
    await stage.page.get_by_label("E-mail").fill("nobody@example.com")
    await stage.page.get_by_role("button", name="Sign in").click()
    await expect(stage.page.get_by_test_id("sign-in-problem")).to_contain_text("deactivated")


async def token_over(stage: Stage) -> None:
    token = DevelopmentIssuer(stage.house.database_url).issue(address("Tara"), id_of("Tara"), seconds=-3600)
    await stage.page.goto(f"{stage.house.url}/#token={token}")
    await expect(stage.page.get_by_test_id("sign-in-problem")).not_to_be_empty(timeout=PATIENCE_MS)


async def server_away(stage: Stage) -> None:
    await stage.page.route("**/api/config", lambda route: route.abort())
    await stage.page.goto(stage.house.url)
    await expect(stage.page.get_by_text("The server cannot be reached yet")).to_be_visible(timeout=PATIENCE_MS)


async def another_door(stage: Stage) -> None:
    await stage.comes("admin", "/")
    await expect(stage.page.get_by_role("heading", name="door")).to_be_visible(timeout=PATIENCE_MS)


async def newcomer(stage: Stage) -> None:
    await stage.seeker("Nila Newcomer")
    await stage.sees("start")
    await stage.sees("match")


async def at_home(stage: Stage) -> None:
    await stage.comes("seeker")
    await stage.sees("source")
    await stage.sees("match")


async def no_match(stage: Stage) -> None:
    await stage.answers("/api/matches", items=[], next=None)
    await stage.comes("seeker")
    await expect(stage.page.get_by_test_id("matches")).to_contain_text("No open job fits", timeout=PATIENCE_MS)


async def database_away(stage: Stage) -> None:
    """REST fails, and what is written is refused for now."""
    for path in ("/api/matches", "/api/me/resume", "/api/sessions"):
        await stage.answers(path, 503, **AWAY)
    await stage.hears(lambda frame: frame)
    await stage.seeker("Wanda Waits")
    await expect(stage.page.get_by_test_id("matches")).to_contain_text("does not answer", timeout=PATIENCE_MS)


async def uploads(stage: Stage, name: str, content: bytes) -> None:
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    await stage.page.get_by_label("Resume file").set_input_files(file)


async def resume_refused(stage: Stage) -> None:
    """One after the other, each with its own sentence; the last one stays."""
    await newcomer(stage)
    problem = stage.page.get_by_test_id("resume-problem")
    for name, content, why in (
        ("holiday.pdf", b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "not a PDF, DOCX, TXT or MD file"),
        ("locked.pdf", pdf_with_password(to_open="s"), "password"),
        ("a-scan-of-a-resume-with-a-very-long-name-that-somebody-gave-it-in-2019-final-FINAL.pdf", scan(), "a scan"),
    ):
        await uploads(stage, name, content)
        await expect(problem).to_contain_text(why, timeout=PATIENCE_MS)


async def resume_on_its_way(stage: Stage) -> None:
    async def wait(route: Route) -> None:
        if route.request.method == "PUT":
            await asyncio.Event().wait()
        await route.fallback()

    await newcomer(stage)
    await stage.page.route("**/api/me/resume", wait)
    await uploads(stage, RESUME.name, RESUME.read_bytes())
    await expect(stage.page.get_by_test_id("resume-status")).to_contain_text(RESUME.name)


async def resume_read(stage: Stage) -> None:
    await stage.seeker("Farida Fresh")
    await uploads(stage, RESUME.name, RESUME.read_bytes())
    await stage.sees("resume-read")
    await expect(stage.page.get_by_test_id("start")).to_contain_text("Which jobs fit me best")


async def nothing_found(stage: Stage) -> None:
    await at_home(stage)
    await stage.page.get_by_test_id("past-search").fill("zeppelins")
    await expect(stage.page.get_by_text("Nothing was found")).to_be_visible(timeout=PATIENCE_MS)


async def before_the_end(stage: Stage) -> None:
    await at_home(stage)
    await stage.page.get_by_role("button", name="Delete everything").click()
    await stage.sees("delete-dialog")


async def all_gone(stage: Stage) -> None:
    await stage.answers(
        "/api/me", 200, id=str(id_of("Gone")), email="gone@example.com", full_name="Gina Gone", role="seeker",
        sessions=3, messages=41, resume=True,
        remains=["Backups of the database hold it for up to 30 days.", "The vendor of the model keeps it 30 days."],
    )  # fmt: skip
    await stage.comes("seeker")
    await stage.page.get_by_role("button", name="Delete everything").click()
    await stage.page.get_by_label("Write DELETE").fill("delete")
    await stage.page.get_by_test_id("delete-dialog").get_by_role("button", name="Delete everything").click()
    await stage.sees("receipt")


async def offline(stage: Stage) -> None:
    await at_home(stage)
    await stage.page.context.set_offline(True)
    await expect(stage.page.get_by_test_id("banner")).to_contain_text("offline", timeout=PATIENCE_MS)
    await stage.page.get_by_test_id("composer").get_by_role("textbox").fill("Written in a tunnel.")
    await stage.page.keyboard.press("Enter")
    await stage.sees("unsent")


async def reconnecting(stage: Stage) -> None:
    await stage.hears(lambda frame: frame)
    await at_home(stage)
    await stage.line_ends(1012)
    await expect(stage.page.get_by_test_id("banner")).to_contain_text("Reconnecting", timeout=PATIENCE_MS)


async def shut_out(stage: Stage) -> None:
    await stage.hears(lambda frame: frame)
    await at_home(stage)
    await stage.line_ends(4403, "This account was deactivated.")
    await expect(stage.page.get_by_test_id("banner")).to_contain_text("deactivated", timeout=PATIENCE_MS)


STATES: dict[str, Reach] = {
    "seeker: sign in": sign_in,
    "seeker: sign-in refused": sign_in_refused,
    "seeker: the sign-in is over": token_over,
    "seeker: no server": server_away,
    "seeker: somebody else's page": another_door,
    "seeker: nothing has happened yet": newcomer,
    "seeker: an answer with its jobs": at_home,
    "seeker: no job fits": no_match,
    "seeker: no database": database_away,
    "seeker: a resume that cannot be read": resume_refused,
    "seeker: a resume on its way": resume_on_its_way,
    "seeker: a resume was read": resume_read,
    "seeker: nothing found": nothing_found,
    "seeker: before everything is deleted": before_the_end,
    "seeker: everything is deleted": all_gone,
    "seeker: offline": offline,
    "seeker: reconnecting": reconnecting,
    "seeker: shut out": shut_out,
}
