"""The line against a server of three lines: when it comes back, what it joins, and what it lets go."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Each socket of the line stands in `sockets`; clock and chance stand still, so that a pause is a number.
STAGE = """async () => {
  const { Line } = await import("/socket.js");
  const { Outbox } = await import("/outbox.js");
  const [Socket, now, random, sockets] = [globalThis.WebSocket, Date.now, Math.random, []];
  class Wire {
    static OPEN = 1;
    readyState = 1;
    said = [];
    constructor() { sockets.push(this); }
    send(text) { this.said.push(JSON.parse(text)); }
    close() {}
    hear(...frames) { for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) }); }
    end(code, ...last) { this.hear(...last); this.onclose?.({ code, reason: "" }); }
    of(type) { return this.said.filter((one) => one.type === type); }
  }
  const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  const settled = () => new Promise((done) => { const { port1, port2 } = new MessageChannel();
    port1.onmessage = done; port2.postMessage(0); });
  const line = new Line({
    url: "ws://nowhere", token: async () => "token", outbox: new Outbox(storage, "o"),
    onFrame: () => {}, onStatus: () => {},
  });
  const comes = async () => {
    clearTimeout(line.timer);
    await line.open();
    const socket = sockets.at(-1);
    socket.onopen();
    socket.hear({ type: "welcome", heartbeat_seconds: 20 });
    await settled();
    return socket;
  };
  const joined = (asked) => ({ type: "joined", ref: asked.ref, session: { id: asked.session }, seq: 7, events: [] });
  Object.assign(globalThis, { WebSocket: Wire });
  Date.now = () => 0;
  Math.random = () => 1;
  try {
    SCENE
  } finally {
    line.close();
    Object.assign(globalThis, { WebSocket: Socket });
    Object.assign(Date, { now });
    Object.assign(Math, { random });
  }
}"""
BEATS = '{ type: "heartbeat" }'
TOO_MANY = '{ type: "error", code: "rate_limited", message: "Come back in 40 seconds.", retry_after: 40 }'


async def played(page: Page, scene: str) -> Any:
    return await page.evaluate(STAGE.replace("SCENE", scene))


async def test_who_is_sent_away_after_each_welcome_comes_back_more_and_more_slowly(page: Page) -> None:
    assert await played(page, """
      const pauses = [];
      for (let round = 0; round < 4; round += 1) {
        (await comes()).end(1011);
        pauses.push(line.status.retryAt);
      }
      const held = await comes();
      held.end(1011, { type: "heartbeat" });
      return [...pauses, line.status.retryAt];
    """) == [500, 1_000, 2_000, 4_000, 500]  # fmt: skip


async def test_a_pause_that_the_server_named_is_kept_whatever_calls_for_hurry(page: Page) -> None:
    assert await played(page, f"""
      (await comes()).end(4429, {TOO_MANY});
      line.nudge();
      await settled();
      return [line.status.retryAt, line.status.isTold, line.status.state, sockets.length];
    """) == [40_000, True, "waiting", 1]  # fmt: skip


async def test_a_refusal_that_ended_nothing_delays_no_later_return(page: Page) -> None:
    assert await played(page, f"""
      (await comes()).end(1006, {TOO_MANY}, {BEATS});
      const retryAt = line.status.retryAt;
      line.nudge();
      await settled();
      return [retryAt, sockets.length];
    """) == [500, 2]  # fmt: skip


@pytest.mark.parametrize("code", [1002, 1009, 4400, 4403])
async def test_what_cannot_be_mended_by_coming_back_ends_the_line(page: Page, code: int) -> None:
    assert await played(page, f"(await comes()).end({code}); return line.status.state;") == "ended"


async def test_a_room_that_was_left_before_it_was_entered_is_left(page: Page) -> None:
    assert await played(page, """
      const socket = await comes();
      void line.join({ session: "a" }, () => null);
      line.leave("a");
      socket.hear(joined(socket.of("join")[0]));
      await settled();
      const again = (socket.end(1006), await comes());
      return [socket.of("leave").map((one) => one.session), again.of("join").length];
    """) == [["a"], 0]  # fmt: skip


async def test_who_missed_text_joins_the_room_once_more_until_it_is_entered(page: Page) -> None:
    assert await played(page, """
      const socket = await comes();
      void line.join({ session: "a" }, () => 7);
      socket.hear(joined(socket.of("join")[0]));
      await settled();
      line.catchUp("a");
      line.catchUp("never entered");
      return socket.of("join").map(({ session, after }) => [session, after]);
    """) == [["a", 7], ["a", 7]]  # fmt: skip
