"""What a hand does: a link leads to the web alone, a held key acts once, what is dropped goes where it may."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

LED = """async (urls) => {
  const { outward } = await import("/dom.js");
  return urls.map((url) => outward(url, "Apply")).map((made) => made && [made.href, made.title, made.target, made.rel]);
}"""
NOWHERE = ("javascript:alert(1)", " https://a.example", "java\nscript:alert(1)", "data:text/html,x", "//a.example",
           "https://", "ftp://a.example", None)  # fmt: skip


async def test_nothing_but_the_web_is_led_to(page: Page) -> None:
    assert await page.evaluate(LED, NOWHERE) == [None] * len(NOWHERE)


async def test_a_link_says_where_it_leads_and_letters_that_look_like_others_are_spelled_out(page: Page) -> None:
    kept = ["_blank", "noopener noreferrer"]
    urls = ["https://jobs.example/a?b=1", "https://раypal.example/", "https://kpmg.com@evil.example"]
    assert await page.evaluate(LED, urls) == [
        ["https://jobs.example/a?b=1", "Opens jobs.example", *kept],
        ["https://xn--ypal-43d9g.example/", "Opens xn--ypal-43d9g.example", *kept],
        ["https://kpmg.com@evil.example/", "Opens evil.example", *kept],
    ]  # fmt: skip


async def test_a_key_that_is_held_down_acts_once_and_runs_only_through_the_lobby(page: Page) -> None:
    assert await page.evaluate("""async () => {
      const { listen } = await import("/keys.js");
      const acted = [];
      const acts = { closeTab: () => acted.push("x"), next: () => acted.push("j") };
      listen(acts, () => acted.push("turn"), { getItem: () => null });
      const press = (key, repeat) => document.dispatchEvent(new KeyboardEvent("keydown", { key, repeat }));
      for (const key of ["x", "j", "1"]) [false, true, true].forEach((repeat) => press(key, repeat));
      return acted.join(" ");
    }""") == "x j j j turn"  # fmt: skip


async def test_words_are_dropped_where_the_hand_lets_go_and_a_file_never_replaces_the_page(page: Page) -> None:
    assert await page.evaluate("""async () => {
      const { ResumeView } = await import("/views/resume.js");
      const view = new ResumeView({}, () => {}, async () => false);
      const field = document.body.appendChild(document.createElement("textarea"));
      const drop = (...items) => {
        const dataTransfer = new DataTransfer();
        items.forEach((one) => dataTransfer.items.add(...one));
        return !field.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
      };
      return [drop(["some words", "text/plain"]), drop([new File(["x"], "resume.txt")])];
    }""") == [False, True]  # fmt: skip
