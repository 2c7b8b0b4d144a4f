"""The example of docs/client.md, run as it stands there against the real server."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS
from tests.chromium import CLIENT

PAGE = (Path(__file__).parent.parent.parent / "docs" / "client.md").read_text()
EXAMPLE = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)[0]
TALK = """async () => {
  const { openChat } = await import("/example.js");
  const token = sessionStorage.getItem("token");
  const chat = openChat({ url: `ws://${location.host}/ws`, token: async () => token, user: "example" });
  const until = (holds) => new Promise((done) => {
    const look = () => holds(chat.getSnapshot()) && done(chat.getSnapshot());
    chat.subscribe(look);
    look();
  });
  await until(({ state }) => state.session);
  const { state: { seq } } = chat.getSnapshot();
  chat.post("Which jobs fit me?");
  const { state: running } = await until(({ state }) => state.answer?.text);
  const { state } = await until(({ state }) => state.seq > seq + 1 && !state.answer);
  chat.close();
  return [running.answer.text.length > 0, state.events.slice(-2).map((event) => event.role), chat.getSnapshot().unsent];
}"""


@pytest.mark.asyncio(loop_scope="session")
async def test_the_example_asks_and_gets_an_answer(browser: Browser, house: House) -> None:
    context = await browser.new_context()
    try:
        page = await context.new_page()
        source = EXAMPLE.replace("./ottobon/", "/client/")
        await page.route("**/example.js", lambda route: route.fulfill(body=source, content_type="text/javascript"))
        await page.goto(house.links["seeker"])
        await expect(page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)
        assert await page.evaluate(TALK) == [True, ["user", "assistant"], []]
    finally:
        await context.close()


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"^\| `(\w+\.js)` \|", PAGE, re.MULTILINE)
    assert len(named) == 7
    for name in named:
        assert (CLIENT / name).is_file()
