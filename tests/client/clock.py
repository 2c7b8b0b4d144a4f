"""Time that passes in a page when a story says so."""

from playwright.async_api import Page

# `passes` lets happen what was to happen by then, in its order; `at` is the time, in milliseconds.
TIME = """
  const [now, later, never] = [Date.now, globalThis.setTimeout, globalThis.clearTimeout];
  let [at, ids] = [0, 0];
  const due = new Map();
  Date.now = () => 1_000_000 + at;
  globalThis.setTimeout = (act, ms) => { due.set((ids += 1), [at + ms, act]); return ids; };
  globalThis.clearTimeout = (id) => due.delete(id);
  const passes = (ms) => {
    at += ms;
    for (const [id, [when, act]] of [...due]) if (when <= at && due.delete(id)) act();
  };
  try { STORY } finally {
    Date.now = now;
    Object.assign(globalThis, { setTimeout: later, clearTimeout: never });
  }
"""


async def told(page: Page, story: str) -> object:
    return await page.evaluate(f"async () => {{ {TIME.replace('STORY', story)} }}")
