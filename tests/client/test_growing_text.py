"""An answer never jumps while it is written.

Exactly: each character that is shown has a form, the chain of elements around it. For every prefix of a text, the
characters with their forms are the beginning of those of every longer prefix, and of the finished text. So no mark is
seen that vanishes later, no line goes, becomes another kind of block or is made bold afterwards, and nothing is put
between what stands there already. What is kept back meanwhile is bounded: whole lines are shown.
"""

import json
import random

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

JUMPS = """async (texts) => {
  const { build, parse, render, settled } = await import("/markdown.js");
  const { GrowingText } = await import("/views/growing.js");
  const chip = (ref) => Object.assign(document.createElement("button"), { textContent: ref });
  // Every character that is not a space, with the elements around it; list items are told apart by their place.
  const formed = (host) => {
    const found = [];
    const walk = (node, form) => {
      if (node.nodeType === Node.TEXT_NODE) for (const one of node.data.replace(/\\s/g, "")) found.push(one + form);
      else [...node.childNodes].forEach((child, place) => walk(child, `${form}>${node.localName}:${place}`));
    };
    [...host.childNodes].forEach((child, place) => walk(child, String(place)));
    return found;
  };
  const whole = (text) => {
    const host = document.createElement("div");
    host.append(...render(text, chip));
    return formed(host);
  };
  const begins = (longer, shorter) =>
    shorter.length <= longer.length && shorter.every((one, at) => one === longer[at]);
  const jumps = [];
  for (const text of texts) {
    const growing = new GrowingText(chip);
    let before = [];
    let at = "";
    for (const point of text) {
      at += point;
      growing.show(at);
      const now = formed(growing.element);
      if (!begins(now, before)) {
        jumps.push([at, before.join(" "), now.join(" ")]);
        break;
      }
      before = now;
    }
    if (at !== text) continue;
    if (!begins(whole(text), before)) jumps.push([text, before.join(" "), `in the end: ${whole(text).join(" ")}`]);
    const lines = `${text}\\n\\n`;
    growing.show(lines);
    if (formed(growing.element).join() !== whole(lines).join()) jumps.push([text, "kept back", "for ever"]);
  }
  return jumps.sort((one, other) => one[0].length - other[0].length).slice(0, 3);
}"""

WRITTEN = [
    "You **fit well** for *this one*: `dbt` and [J1], [J12].",
    "fit *\n\nA lone ` and a lone _ and ** and [J and [J1 stay.",
    "5 * 3 * 2 = 30, 5*3, snake_case_name, _soft_ and __init__.py",
    "***both*** and **strong *soft* strong** and **never closed\nnext line",
    "Look:\n\n| Skill | You |\n|---|:-:|\n| SQL | **yes** |\n| dbt | no |\n\nSo far.",
    "| only | words |\nnot a table\n| a |\n| b |\n|---|\n| c |",
    "- one\n- two **b**\n  - inner `x`\n  and on\n\n- three\n\n1. first\n   ```sql\n   select *\n   ```\n2. second",
    "# Title\n\n## Next *soft*\n#hash\n---\n***\n> a quote\n> goes on\n\n2026 was\n3.5 lakh\n1) x",
    "```js\nconst a = `b`;\n``\n| x |\n- y\n```\nafter",
    "हाँ, **तीन** नौकरियाँ: नमस्ते 👩‍💻 نعم، **وظيفتان**",
    "* * *\n- - -\n-- x\n-5 degrees\n1234567\n• dot",
    "a `" + "very long " * 40 + "` b *" + "and longer " * 40 + "* c",
]
PIECES = [
    "*", "**", "***", "`", "```", "```\n", "_", "|", "| a |", "|---|", "- ", "* ", "1. ", "12", "#", "## ", ">", "> ",
    "---", "[", "[J",
    "[J1]", "]", "\n", "\n", "\n\n", " ", "  ", "    ", "a", "b c", "word ", "é", "👩‍💻", "न", "\\", "<b>",
]  # fmt: skip
RANDOM_TEXTS, PIECES_MAX = 2_000, 20


@pytest.mark.parametrize("text", WRITTEN)
async def test_what_is_written_never_jumps(page: Page, text: str) -> None:
    assert await page.evaluate(JUMPS, [text]) == []


async def test_no_text_at_all_jumps(page: Page) -> None:
    """Marks thrown together as no model would; the shortest of those that jump are named."""
    chance = random.Random(20261130)
    texts = ["".join(chance.choices(PIECES, k=chance.randint(1, PIECES_MAX))) for _ in range(RANDOM_TEXTS)]
    jumps = await page.evaluate(JUMPS, texts)
    assert not jumps, json.dumps(jumps, ensure_ascii=False, indent=1)
