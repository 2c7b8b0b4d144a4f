"""The seeker's page in a real browser: when it is ready on a slow machine, and how long frames take while text streams.

The page, its modules and its styles are the served ones; the server's side is the demo that `chatserver up` brings. For
the frames a conversation of 1,000 messages stands on the page and 200 tokens a second come in for five seconds.
"""

import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.chromium import chromium

REPEATS = 5
THROTTLE = 4
TOKENS_PER_SECOND, SECONDS, MESSAGES = 200, 5, 1_000
READY = "() => document.querySelector('[data-testid=message]') !== null"
STREAM = """async ([rate, seconds, messages]) => {
  const { ConversationView } = await import("/client/views/conversation.js");
  const { soon } = await import("/client/soon.js");
  const { empty, reduce } = await import("/client/state.js");
  const nothing = () => {};
  const view = new ConversationView("me", "You", { kind: "anthropic" },
    { stop: nothing, retry: nothing, earlier: nothing, discard: nothing, rate: async () => true, openJob: nothing },
  );
  document.getElementById("main").replaceChildren(view.element);
  const at = new Date().toISOString();
  const text = "**Point**: your work on [J1] fits, and `SQL` too.\\n\\n- one\\n- two\\n\\n"
    + "Some words follow here. ".repeat(12);
  const events = Array.from({ length: messages }, (_, place) => ({
    type: "message", session: "s", seq: place + 1, turn: place + 1, id: `m${place}`, timestamp: at, content: text,
    role: place % 2 ? "assistant" : "user",
    author: place % 2 ? { name: "Assistant", kind: "anthropic" } : { id: "me", name: "Me", kind: "seeker" },
  }));
  const session = { id: "s", status: "active_ai", user: { id: "me", name: "Me" }, created_at: at };
  let state = reduce(empty(), { type: "joined", session, seq: messages, turn: messages, events,
    answer: { turn: messages, content: "", sources: [] } });
  view.show(state, []);
  // The page itself is drawn before it is measured.
  for (let left = 3; left; left -= 1) await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)));
  const draw = soon(() => view.show(state, []));
  const frames = [];
  let last = performance.now();
  let running = true;
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
  const words = "- **Ind AS** fits [J1], you wrote it. A plain sentence stands here.\\n\\n".split(/(?<= )/);
  let sent = 0, offset = 0;
  const began = performance.now();
  while (performance.now() - began < seconds * 1000) {
    const due = Math.floor((performance.now() - began) / 1000 * rate);
    for (; sent < due; sent += 1) {
      const content = words[sent % words.length];
      state = reduce(state, { type: "delta", session: "s", turn: messages, at: offset, content });
      offset += Array.from(content).length;
      draw();
    }
    await new Promise((done) => setTimeout(done, 1));
  }
  running = false;
  return { sent, frames };
}"""


@contextmanager
def house() -> Iterator[dict[str, str]]:
    """The links of a demo of its own."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        process = subprocess.Popen(
            [sys.executable, "-m", "chatserver", "up", "--port", "0", "--data", folder], env=kept, cwd=Path.cwd(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            links: dict[str, str] = {}
            while len(links) < 3:
                line = process.stdout.readline()
                if not line:
                    raise SystemExit("The server ended before it was ready.")
                if found := re.match(r"\s*(seeker|admin|provider)\s+(http\S+)", line):
                    links[found[1]] = found[2]
            yield links
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


async def ready_ms(browser: Browser, link: str) -> tuple[float, int]:
    """Milliseconds until the first message stands on the page, and the bytes that were loaded until then."""
    context = await browser.new_context()
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})
    await page.goto(link)
    await page.wait_for_function(READY)
    now, size = await page.evaluate(
        "() => [performance.now(), [...performance.getEntriesByType('navigation'),"
        " ...performance.getEntriesByType('resource')].filter((one) => !one.name.includes('/api/'))"
        ".reduce((sum, one) => sum + one.transferSize, 0)]"
    )
    await context.close()
    return now, size


async def streamed(browser: Browser, link: str, throttle: int) -> dict[str, Any]:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(link)
    await page.wait_for_function(READY)
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
    found: dict[str, Any] = await page.evaluate(STREAM, [TOKENS_PER_SECOND, SECONDS, MESSAGES])
    await context.close()
    return found


async def measure(links: dict[str, str]) -> None:
    async with chromium() as browser:
        times = [await ready_ms(browser, links["seeker"]) for _ in range(REPEATS)]
        spread = ", ".join(f"{one:.0f}" for one, _ in sorted(times))
        median = statistics.median(one for one, _ in times)
        print(f"ready with {THROTTLE}x CPU throttling: median {median:.0f} ms ({spread})")
        print(f"loaded: {times[0][1] / 1000:.0f} KB")
        for throttle in (1, THROTTLE):
            found = await streamed(browser, links["seeker"], throttle)
            frames = sorted(found["frames"])
            print(json.dumps({
                "throttle": throttle, "tokens": found["sent"], "frames": len(frames),
                "median_ms": round(statistics.median(frames), 1), "p99_ms": round(frames[int(len(frames) * 0.99)], 1),
                "longest_ms": round(frames[-1], 1), "over_50_ms": sum(one > 50 for one in frames),
            }))  # fmt: skip


def main() -> None:
    with house() as links:
        asyncio.run(measure(links))


if __name__ == "__main__":
    main()
