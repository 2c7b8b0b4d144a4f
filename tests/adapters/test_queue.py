"""The queue's connection: patient where a worker waits, quick where a person does, silent about nothing."""

import asyncio
import logging

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from chatserver.adapters.queue import (
    GOODBYE_SECONDS,
    PUBLISHER_RETRIES,
    WAITED_FOR_QUEUE,
    WORKER_RETRIES,
    deserialize,
    queue_redis,
    serialize,
)


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A Redis that answers every command with PONG."""
    while head := await reader.readline():
        for _ in range(2 * int(head[1:])):
            await reader.readline()
        writer.write(b"+PONG\r\n")
    writer.close()


async def test_a_worker_waits_for_a_redis_that_is_not_there_yet(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    redis = queue_redis(f"redis://127.0.0.1:{unused_tcp_port}", queue=WAITED_FOR_QUEUE, retries=WORKER_RETRIES)
    with caplog.at_level(logging.WARNING):
        ping = asyncio.create_task(redis.ping())
        while "Check REDIS_URL" not in caplog.text:
            assert not ping.done()
            await asyncio.sleep(0.01)
    server = await asyncio.start_server(pong, "127.0.0.1", unused_tcp_port)
    assert await ping
    await redis.aclose()
    server.close()
    await server.wait_closed()


async def test_who_publishes_is_told_soon(unused_tcp_port: int) -> None:
    redis = queue_redis(f"redis://127.0.0.1:{unused_tcp_port}", queue=WAITED_FOR_QUEUE, retries=PUBLISHER_RETRIES)
    with pytest.raises(RedisConnectionError):
        await redis.ping()
    await redis.aclose()


async def test_a_worker_that_goes_does_not_wait_for_redis(unused_tcp_port: int) -> None:
    redis = queue_redis(f"redis://127.0.0.1:{unused_tcp_port}", queue=WAITED_FOR_QUEUE, retries=WORKER_RETRIES)
    async with asyncio.timeout(10 * GOODBYE_SECONDS):
        assert await redis.delete("health") == 0
    await redis.aclose()


def test_what_is_queued_is_json() -> None:
    assert serialize({"f": "enrich", "a": ("id",), "r": ValueError("with content")}) == (
        b'{"f":"enrich","a":["id"],"r":"ValueError"}'
    )
    assert deserialize(b'{"f":"enrich"}') == {"f": "enrich"}
