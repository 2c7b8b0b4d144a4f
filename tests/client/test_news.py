"""What came while nobody looked is counted in the title, until somebody does."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_others_said_to_a_page_that_nobody_sees_stands_in_its_title(page: Page) -> None:
    assert await page.evaluate("""async () => {
      const { NewsTitle } = await import("/newstitle.js");
      const news = new NewsTitle("Jobs");
      const titles = [];
      const hear = (type, role) => { news.hear({ type, role }); titles.push(document.title); };
      news.unread(2);
      hear("message", "admin");
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      hear("message", "admin");
      hear("message", "user");
      hear("delta");
      delete document.visibilityState;
      news.seen();
      return [...titles, document.title];
    }""") == ["(2) Jobs", "(3) Jobs", "(3) Jobs", "(3) Jobs", "(2) Jobs"]  # fmt: skip
