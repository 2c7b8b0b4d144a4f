"""What people do in the browser tests, in the words of the story."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebSocketRoute, expect

PATIENCE_MS = 30_000
WALKER = """() => [...document.querySelectorAll('[data-testid=log] [data-testid=message]')].map(
  (one) => [one.dataset.role, one.querySelector('[data-testid=content]').textContent])"""


def words(text: str) -> str:
    """The text without what Markdown is made of, so that a rendered page and a stored row can be held side by side."""
    without_numbers = re.sub(r"^\s*\d+[.)]\s", "", text, flags=re.MULTILINE)
    return re.sub(r"[\s*_`#|\[\]•-]+", "", without_numbers)


@dataclass(slots=True)
class Person:
    """Somebody in a browser of their own."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    _closed: bool = False
    _lines: list[WebSocketRoute] = field(default_factory=list)

    async def says(self, text: str) -> None:
        field = self.page.get_by_test_id("composer").get_by_role("textbox")
        await expect(field).to_be_enabled(timeout=PATIENCE_MS)
        await field.fill(text)
        await field.press("Enter")

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.page.get_by_test_id("log").get_by_text(text).last).to_be_visible(timeout=PATIENCE_MS)

    async def sees_standing(self, text: str) -> None:
        await expect(self.page.get_by_test_id("standing")).to_contain_text(text, timeout=PATIENCE_MS)

    async def sees_an_answer_grow(self) -> None:
        await expect(self.page.get_by_test_id("partial")).to_contain_text(re.compile(r"\w+ \w+"), timeout=PATIENCE_MS)

    async def sees_no_answer_grow(self) -> None:
        await expect(self.page.get_by_test_id("stop")).to_be_hidden(timeout=PATIENCE_MS)
        await expect(self.page.get_by_test_id("partial")).to_have_count(0, timeout=PATIENCE_MS)

    async def sees_messages_of(self, role: str, count: int) -> None:
        await expect(self.messages_of(role)).to_have_count(count, timeout=PATIENCE_MS)

    def messages_of(self, role: str) -> Locator:
        return self.page.locator(f"[data-testid=log] [data-role={role}]")

    async def shown(self) -> list[tuple[str, str]]:
        """Role and words of every finished message on the page."""
        return [(role, words(text)) for role, text in await self.page.evaluate(WALKER)]

    async def loses_the_line(self) -> None:
        """The sockets of this page end, and new ones are turned away."""
        self._closed = True
        for line in self._lines:
            await line.close(code=1012)
        self._lines.clear()

    async def is_turned_away(self, reason: str) -> None:
        for line in self._lines:
            await line.close(code=4403, reason=reason)
        self._lines.clear()

    def may_connect_again(self) -> None:
        self._closed = False

    async def route_lines(self) -> None:
        async def route(line: WebSocketRoute) -> None:
            if self._closed:
                await line.close(code=1012)
                return
            self._lines.append(line)
            line.connect_to_server()

        await self.page.route_web_socket(re.compile(r"/ws$"), route)


class Seeker(Person):
    async def signs_in(self, email: str) -> None:
        await self.page.goto(self.url)
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.messages_of("assistant").first).to_be_visible(timeout=PATIENCE_MS)

    async def uploads(self, file: Path) -> None:
        await self.page.get_by_label("Resume file").set_input_files(file)

    async def is_asked_who_may_read_it(self) -> str:
        """What the question says."""
        dialog = self.page.get_by_test_id("consent-dialog")
        await expect(dialog).to_be_visible(timeout=PATIENCE_MS)
        return await dialog.inner_text()

    async def sees_of_consent(self, text: str) -> None:
        await expect(self.page.get_by_test_id("consent-state")).to_contain_text(text, timeout=PATIENCE_MS)

    async def sees_what_was_read(self, name: str) -> None:
        await expect(self.page.get_by_test_id("resume-read")).to_contain_text(f"{name} was read", timeout=PATIENCE_MS)

    async def sees_why_not(self) -> str:
        problem = self.page.get_by_test_id("resume-problem")
        await expect(problem).to_be_visible(timeout=PATIENCE_MS)
        return await problem.inner_text()

    async def sees_matches(self) -> None:
        await expect(self.page.get_by_test_id("match").first).to_be_visible(timeout=PATIENCE_MS)

    async def begins_anew(self) -> None:
        before = await self.session()
        await self.page.get_by_role("button", name="New conversation").click()
        await self.page.wait_for_function(f"""() => {SESSION} !== {before!r}""", timeout=PATIENCE_MS)
        await expect(self.messages_of("assistant")).to_have_count(1, timeout=PATIENCE_MS)

    async def asks_for_a_person(self) -> None:
        await self.page.get_by_role("button", name="Talk to a person").click()
        await expect(self.page.get_by_test_id("queue")).to_be_visible(timeout=PATIENCE_MS)

    async def stops_the_answer(self) -> None:
        await self.page.get_by_test_id("stop").click()

    async def tries_again(self) -> None:
        await self.page.get_by_role("button", name="Try again").click()

    async def finds_unhelpful(self, why: str) -> None:
        """The newest answer, with a reason."""
        verdict = self.page.get_by_test_id("verdict").last
        await verdict.get_by_role("button", name="Not helpful").click()
        await verdict.get_by_label("What was wrong?").fill(why)
        await verdict.get_by_role("button", name="Send").click()
        await expect(verdict.get_by_text("Thank you")).to_be_visible(timeout=PATIENCE_MS)

    async def deletes_everything(self) -> str:
        """What the receipt says."""
        await self.page.get_by_role("button", name="Delete everything").click()
        dialog = self.page.get_by_test_id("delete-dialog")
        await dialog.get_by_role("button", name="Delete everything").click()
        await dialog.get_by_label("Write DELETE").fill("delete")
        await dialog.get_by_role("button", name="Delete everything").click()
        receipt = self.page.get_by_test_id("receipt")
        await expect(receipt).to_be_visible(timeout=PATIENCE_MS)
        return await receipt.inner_text()

    async def comes_back(self) -> None:
        await self.page.reload()
        await expect(self.messages_of("assistant").first).to_be_visible(timeout=PATIENCE_MS)

    async def session(self) -> str:
        found: str = await self.page.evaluate(SESSION)
        return found


SESSION = "sessionStorage.getItem(Object.keys(sessionStorage).find((key) => key.startsWith('session:')))"


async def answers(page: Page, label: str) -> str:
    """The question that stands in front of everything; returns what it asked."""
    question = page.get_by_test_id("question")
    await expect(question).to_be_visible(timeout=PATIENCE_MS)
    asked = await question.inner_text()
    await question.get_by_role("button", name=label).click()
    await expect(question).to_have_count(0)
    return asked


async def posts_a_job(page: Page, title: str, place: str, description: str) -> Locator:
    """On the provider's page; returns what is shown of the job, once it is open."""
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Place").fill(place)
    await page.get_by_label("Description").fill(description)
    await page.get_by_role("button", name="Post this job").click()
    posted = page.get_by_test_id("job-page")
    await expect(posted).to_have_attribute("data-status", "active", timeout=PATIENCE_MS)
    return posted


class Admin(Person):
    async def opens(self, session: str) -> None:
        entry = self.page.locator(f"[data-testid=lobby-entry][data-session='{session}']")
        await entry.click(timeout=PATIENCE_MS)
        await expect(self.page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)

    async def takes_over(self) -> None:
        await self.page.get_by_role("button", name="Take over").click()

    async def hands_back(self) -> None:
        await self.page.get_by_role("button", name="Hand back").click()

    def field(self) -> Locator:
        return self.page.get_by_test_id("composer").get_by_role("textbox")

    async def sees_mine(self, text: str) -> None:
        """The words that are kept in the field and were not sent."""
        await expect(self.field()).to_have_value(text, timeout=PATIENCE_MS)

    async def leaves_the_window(self) -> None:
        """A browser under test takes every page for the one in front: the page is told otherwise."""
        await self.page.evaluate(
            "Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    async def looks_again(self) -> None:
        await self.page.evaluate(
            "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))"
        )

    async def notes(self, text: str) -> None:
        box = self.page.get_by_test_id("note-box")
        await box.get_by_text("Note for admins").click()
        await box.get_by_role("textbox").fill(text)
        await box.get_by_role("button", name="Keep note").click()
        await expect(self.page.get_by_test_id("note").get_by_text(text)).to_be_visible(timeout=PATIENCE_MS)

    async def sees_the_resume(self, text: str) -> None:
        await expect(self.page.get_by_test_id("resume")).to_contain_text(text, timeout=PATIENCE_MS)

    async def is_told(self, text: str) -> None:
        await expect(self.page.get_by_test_id("toast")).to_contain_text(text, timeout=PATIENCE_MS)


async def _listen(context: BrowserContext, person: Person) -> None:
    note_complaints(context, person.page, person.complaints)
    await person.route_lines()


def note_complaints(context: BrowserContext, page: Page, complaints: list[str]) -> None:
    """Whatever the browser complains of, violations of the policy included."""
    context.on("weberror", lambda error: complaints.append(str(error.error)))

    def hear(said: ConsoleMessage) -> None:
        # The browser reports every 404 by itself, and "no resume yet" is one.
        asked_for_a_resume = said.location["url"].endswith("/resume") and "404" in said.text
        if said.type in ("error", "warning") and not asked_for_a_resume:
            complaints.append(said.text)

    page.on("console", hear)


@asynccontextmanager
async def seeker(browser: Browser, url: str) -> AsyncIterator[Seeker]:
    context = await browser.new_context()
    try:
        person = Seeker(await context.new_page(), url)
        await _listen(context, person)
        yield person
    finally:
        await context.close()


@asynccontextmanager
async def admin(browser: Browser, link: str, script: str | None = None) -> AsyncIterator[Admin]:
    """In front of the lobby; `script` is there before the page's own."""
    context = await browser.new_context()
    try:
        if script is not None:
            await context.add_init_script(script)
        person = Admin(await context.new_page(), link)
        await _listen(context, person)
        await person.page.goto(link)
        await expect(person.page.get_by_test_id("lobby-entry").first).to_be_visible(timeout=PATIENCE_MS)
        yield person
    finally:
        await context.close()
