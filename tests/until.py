"""Waiting for what happens elsewhere, without guessing how long it takes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

WITHIN_SECONDS = 45.0
"""This ends what hangs; nothing is proven by how long anything takes."""
POLL_SECONDS = 0.01


async def until(holds: Callable[[], Awaitable[bool] | bool], within: float = WITHIN_SECONDS) -> None:
    async with asyncio.timeout(within):
        while True:
            held = holds()
            if await held if inspect.isawaitable(held) else held:
                return
            await asyncio.sleep(POLL_SECONDS)
