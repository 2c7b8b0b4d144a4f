"""Nobody waits long for Redis, and what it says afterwards troubles nobody."""

import asyncio
import gc

import pytest

from chatserver.adapters.redis_answer import answered


async def test_what_comes_too_late_is_heard_by_nobody_and_cut_off_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def command() -> None:
        await goes_on.wait()
        ended.set()
        raise ConnectionError("Connection closed by server.")

    with pytest.raises(TimeoutError):
        await answered(command(), 0.01)
    goes_on.set()
    await ended.wait()
    await asyncio.sleep(0)
    gc.collect()
    assert caplog.text == ""


async def test_what_redis_says_in_time_is_the_answer() -> None:
    async def three() -> int:
        return 3

    async def away() -> None:
        raise ConnectionError

    assert await answered(three(), 10) == 3
    with pytest.raises(ConnectionError):
        await answered(away(), 10)
