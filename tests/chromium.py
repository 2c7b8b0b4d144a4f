"""Debian's Chromium under Playwright, and a page on which modules of the web client run without any server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, Route, async_playwright

from tests.installed import program

CLIENT = Path(__file__).parent.parent / "chatserver" / "client"
WINDOWED = ("chromium", "chromium-browser", "google-chrome")
NAMES = ("chromium-headless-shell", *WINDOWED)
"""Without windows of its own the same browser costs half of the time, and shows no notices."""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
NOWHERE = "http://client.test"


@asynccontextmanager
async def chromium(names: tuple[str, ...] = NAMES) -> AsyncIterator[Browser]:
    """A browser; where none is installed the test fails in CI, and is left out elsewhere."""
    path = program(*names, what="There is no Chromium here; install your system's `chromium` to run the browser tests.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def module_page(browser: Browser) -> AsyncIterator[Page]:
    """A blank page from whose origin the client's modules can be imported."""
    context = await browser.new_context()

    async def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{NOWHERE}/")
        if name.endswith(".js"):
            await route.fulfill(body=(CLIENT / name).read_text(), content_type="text/javascript")
        else:
            await route.fulfill(body="<!doctype html><title>modules</title>", content_type="text/html")

    await context.route(f"{NOWHERE}/**", answer)
    try:
        page = await context.new_page()
        await page.goto(f"{NOWHERE}/")
        yield page
    finally:
        await context.close()
