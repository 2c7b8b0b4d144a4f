"""Processes beside a test, and how they end."""

import asyncio
from contextlib import suppress


async def ended(child: asyncio.subprocess.Process, within_seconds: float) -> None:
    """Asked to go, and killed where it does not; nothing where it is gone already."""
    if child.returncode is not None:
        return
    child.terminate()
    with suppress(TimeoutError):
        await asyncio.wait_for(child.wait(), within_seconds)
    if child.returncode is None:
        child.kill()
        await child.wait()
