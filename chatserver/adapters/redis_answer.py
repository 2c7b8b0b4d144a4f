"""How long an answer of Redis is waited for."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def answered(command: Awaitable[Any], seconds: float) -> Any:
    """Raises `TimeoutError` after `seconds`, and whatever the command raises before.

    The command then goes on to its end, unheard: one that was cut off would leave its answer to the next one on that
    connection.
    """
    task = asyncio.ensure_future(command)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.wait_for(asyncio.shield(task), seconds)
