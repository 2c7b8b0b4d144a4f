"""Which admins seekers may expect, and a Redis that takes calls and says nothing."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from chatserver.adapters import limits, wire
from chatserver.adapters.limits import RedisPresence
from chatserver.adapters.wire import client
from tests.until import WITHIN_SECONDS


async def test_those_are_counted_who_said_so_and_have_not_gone(redis_url: str) -> None:
    redis = client(redis_url)
    presence, ben, chitra, dev = RedisPresence(redis), uuid4(), uuid4(), uuid4()
    await presence.set_available([ben, chitra], True)
    await presence.set_available([ben, dev], True)
    assert await presence.available() == 3, "each once"
    await presence.set_available([chitra], False)
    assert await presence.available() == 2
    await redis.aclose()


async def test_a_redis_that_hangs_holds_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its client would wait much longer, for each admin, and no heartbeat would leave meanwhile."""
    monkeypatch.setattr(limits, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(wire, "SOCKET_SECONDS", 10 * WITHIN_SECONDS)
    silent = asyncio.Event()

    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    redis = client(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            await RedisPresence(redis).set_available([uuid4() for _ in range(7)], True)
            assert await RedisPresence(redis).available() == 0
    finally:
        silent.set()
        server.close()
        with suppress(Exception):
            await redis.aclose()
