"""What the renderer makes of an assistant's text, and that no text becomes markup, script or a link."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

RENDER = """async (text) => {
  const { render } = await import("/markdown.js");
  const host = document.createElement("div");
  host.append(...render(text, (ref) => Object.assign(document.createElement("button"), { textContent: ref })));
  return host.innerHTML.replaceAll(/ dir="(auto|ltr)"/g, "");
}"""


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One\ntwo\n\nthree", "<p>One<br>two</p><p>three</p>"),
        ("**bold** and *soft* and `code`", "<p><strong>bold</strong> and <em>soft</em> and <code>code</code></p>"),
        ("- one\n- two\n  - inner\n\nafter", "<ul><li>one</li><li>two<ul><li>inner</li></ul></li></ul><p>after</p>"),
        ("3. three\n4. four", '<ol start="3"><li>three</li><li>four</li></ol>'),
        ("# Title", '<p class="heading">Title</p>'),
        ("Look at [J3].", "<p>Look at <button>J3</button>.</p>"),
        ("a [J0] b [J] c", "<p>a [J0] b [J] c</p>"),
        ("5 * 3 * 2 and snake_case_name", "<p>5 * 3 * 2 and snake_case_name</p>"),
        ("```\n<b>*x*\n```", '<pre tabindex="0"><code>&lt;b&gt;*x*</code></pre>'),
        ("**never closed\nnext", "<p><strong>never closed</strong><br>next</p>"),
        ("a ** b and ****", "<p>a ** b and ****</p>"),
        ("*never and `never", "<p>*never and `never</p>"),
        ("***both*** and 5*3*2", "<p><strong><em>both</em></strong> and 5*3*2</p>"),
        ("> said\n> so\n\n---\nafter", "<blockquote>said<br>so</blockquote><hr><p>after</p>"),
        (
            "1. do\n   ```sh\n   ls\n     -l\n   ```\n2. done",
            '<ol><li>do<pre tabindex="0"><code>ls\n  -l</code></pre></li><li>done</li></ol>',
        ),
        ("```\n```js is no end\n```\nx", '<pre tabindex="0"><code>```js is no end</code></pre><p>x</p>'),
    ],
)
async def test_a_small_part_of_markdown(page: Page, text: str, html: str) -> None:
    assert await page.evaluate(RENDER, text) == html


async def test_a_table_becomes_a_table(page: Page) -> None:
    html = await page.evaluate(RENDER, "| Skill | You |\n|---|:--|\n| SQL | **yes** |")
    assert "<th>Skill</th><th>You</th>" in html
    assert "<td>SQL</td><td><strong>yes</strong></td>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](https://example.com/steal?q=1)",
        "| <b>a</b> |\n|---|\n| <i>b</i> |",
    ],
)
async def test_no_text_becomes_markup_or_leads_away(page: Page, text: str) -> None:
    found = await page.evaluate(
        f"""async (text) => {{
          const host = document.createElement("div");
          host.innerHTML = await ({RENDER})(text);
          return [host.querySelectorAll("a, img, script, b, i").length, host.textContent.length > 0];
        }}""",
        text,
    )
    assert found == [0, True]


@pytest.mark.parametrize("text", ["- " * 5_000, "*" * 8_000, "[J1]" * 2_000, "> " * 4_000, "|" * 8_000, "_a" * 4_000])
async def test_odd_text_of_full_length_is_rendered_whole(page: Page, text: str) -> None:
    assert await page.evaluate(RENDER, text[:8_000])


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("a **bo", "a **bo"), ("a **", "a "), ("**done** x", "**done** x"), ("**a\nnext", "**a\nnext"),
        ("fit *", "fit "), ("fit *so", "fit "), ("fit *so*", "fit *so*"), ("fit * ", "fit * "), ("a `b", "a "),
        ("[J", ""), ("[J12", ""), ("[J12]", "[J12]"), ("[Jo", "[Jo"), ("so\n- ", "so\n"), ("so\n-x", "so\n-x"),
        ("so\n| a |", "so\n"), ("so\n| a |\n|-", "so\n"), ("so\n| a |\nb", "so\n| a |\nb"),
        ("| a |\n|---|\n| b", "| a |\n|---|\n"), ("```\n| a", "```\n| a"), ("```\na\n``", "```\na\n"),
        ("`" + "x" * 200, "`" + "x" * 200),
    ],
)  # fmt: skip
async def test_what_may_yet_become_something_else_is_kept_back(page: Page, text: str, settled: str) -> None:
    script = """async (text) => (await import("/markdown.js")).settled(text)"""
    assert await page.evaluate(script, text) == settled


async def test_each_block_finds_its_own_direction(page: Page) -> None:
    script = """async (text) => {
      const { render } = await import("/markdown.js");
      document.body.replaceChildren(...render(text, () => new Text("")));
      return [...document.body.children].map((one) => getComputedStyle(one).direction);
    }"""
    assert await page.evaluate(script, "Hello\n\nنعم، **وظيفتان**\n\n- واحد\n\n```\nنعم\n```") == [
        "ltr", "rtl", "rtl", "ltr",
    ]  # fmt: skip
