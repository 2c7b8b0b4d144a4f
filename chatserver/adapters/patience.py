"""A deadline that moves with every step of a stream and costs a step next to nothing."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Waits for one thing after the other until `ends_at` (seconds of the loop's clock), each time at most until then.

    `asyncio.timeout` sets and clears a timer for every wait: ten microseconds, of which a stream has thousands a
    second. Here one timer goes on; when it rings it looks whether the deadline has moved meanwhile.
    """

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Task[object] | None = None
        self._over = False
        self._timer = self._loop.call_at(ends_at, self._ring)

    def prolong(self, seconds: float, ends_at: float) -> None:
        """The deadline is `seconds` from now, and `ends_at` at the latest."""
        self.ends_at = min(ends_at, self._loop.time() + seconds)

    def close(self) -> None:
        self._timer.cancel()

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Raises `TimeoutError` at the deadline, with `awaited` cancelled. For one task at a time."""
        task = asyncio.current_task()
        assert task is not None
        cancelling = task.cancelling()
        self._waiting = task
        try:
            return await awaited
        except asyncio.CancelledError:
            # Whoever else cancelled the task meanwhile is not to be overheard.
            if self._over and task.uncancel() <= cancelling:
                raise TimeoutError from None
            raise
        finally:
            self._waiting = None

    def _ring(self) -> None:
        if self._loop.time() < self.ends_at:
            self._timer = self._loop.call_at(self.ends_at, self._ring)
        elif self._waiting is not None:
            self._over = True
            self._waiting.cancel()
        else:
            # Nobody waits just now; who begins to after the deadline is told at the next step of the loop.
            self._timer = self._loop.call_later(_AGAIN_SECONDS, self._ring)


_AGAIN_SECONDS = 0.05
