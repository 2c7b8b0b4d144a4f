"""Waiting for a condition of another process, which nothing here can be told of."""

import asyncio
from collections.abc import Awaitable, Callable

WITHIN_SECONDS = 15.0
PAUSE_SECONDS = 0.05


async def until(holds: Callable[[], Awaitable[bool]], within: float = WITHIN_SECONDS) -> None:
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(PAUSE_SECONDS)
