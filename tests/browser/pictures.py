"""The pictures of the README and of docs/client.md, taken of the demo: `make pictures`."""

import asyncio
import base64
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.benchmarks.client import house
from tests.browser.vocabulary import PATIENCE_MS
from tests.chromium import chromium

FOLDER = Path(__file__).parent.parent.parent / "docs" / "pictures"
WIDTH, HEIGHT, SHARPNESS = 1280, 800, 2
QUALITY = 75
PICTURE_MAX_BYTES = 150_000


async def take(page: Page, name: str) -> None:
    """What the page shows, once nothing is being loaded and nothing has the focus."""
    await page.wait_for_load_state("networkidle")
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement?.blur()")
    session = await page.context.new_cdp_session(page)
    taken = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    picture = base64.b64decode(taken["data"])
    if len(picture) > PICTURE_MAX_BYTES:
        raise SystemExit(f"{name} has {len(picture):,} bytes, more than {PICTURE_MAX_BYTES:,}.")
    await asyncio.to_thread((FOLDER / name).write_bytes, picture)
    print(f"{name}: {len(picture) / 1000:.0f} KB")


async def visit(browser: Browser, link: str) -> Page:
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS, color_scheme="light",
        reduced_motion="reduce", locale="en-IN", timezone_id="Asia/Kolkata",
    )  # fmt: skip
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(link)
    return page


async def seeker(browser: Browser, link: str) -> None:
    page = await visit(browser, link)
    await expect(page.get_by_test_id("match").first).to_be_visible(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="New conversation").click()
    await page.get_by_test_id("suggestion").first.click()
    await expect(page.get_by_test_id("verdict")).to_have_count(1, timeout=PATIENCE_MS)
    await take(page, "seeker.webp")


async def desk(browser: Browser, link: str) -> None:
    page = await visit(browser, link)
    await page.get_by_test_id("lobby-entry").filter(has_text="Farah").first.click()
    await page.get_by_test_id("match").first.wait_for()
    await page.get_by_role("textbox", name="Reply").fill("The team lead says yes; you have it in writing by tonight.")
    await take(page, "desk.webp")


async def provider(browser: Browser, link: str) -> None:
    page = await visit(browser, link)
    await page.get_by_test_id("job").filter(has_text="open").first.click()
    await page.get_by_test_id("job-page").get_by_test_id("tips").wait_for()
    await take(page, "provider.webp")


async def overview(browser: Browser, link: str) -> None:
    page = await visit(browser, link.replace("/admin#", "/admin/overview#"))
    await page.get_by_test_id("plot").first.wait_for()
    await take(page, "overview.webp")


async def all_of_them(links: dict[str, str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    async with chromium() as browser:
        await seeker(browser, links["seeker"])
        await desk(browser, links["admin"])
        await provider(browser, links["provider"])
        await overview(browser, links["admin"])


def main() -> None:
    with house() as links:
        asyncio.run(all_of_them(links))


if __name__ == "__main__":
    main()
