"""Whose access has changed, told to every node at once; each heartbeat looks at everybody, whatever was heard."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from uuid import UUID

from chatserver.core.chat_ports import Wire

log = logging.getLogger(__name__)

CHANNEL = UUID(int=0)
"""No session's; every node listens to it."""
WAITING_MAX = 1_000
"""People who wait for being looked at here; who comes beyond them waits for the heartbeat."""


class Revocations:
    """`look_at` reads the rows of these people anew and ends what they may not have any more. What is heard is a reason
    to look, and decides nothing: whoever forged it would cost a query."""

    def __init__(self, wire: Wire, look_at: Callable[[Set[UUID]], Awaitable[None]]) -> None:
        self._wire = wire
        self._look_at = look_at
        self._changed: set[UUID] = set()
        self._came = asyncio.Event()

    def tell(self, user: UUID) -> None:
        """After the commit. Never blocks, never fails; here it needs no Redis."""
        self._heard(str(user))
        self._wire.publish(CHANNEL, str(user))

    async def run(self) -> None:
        """Until it is cancelled."""
        end = await self._wire.listen(CHANNEL, self._heard)
        try:
            while True:
                await self._came.wait()
                self._came.clear()
                changed, self._changed = self._changed, set()
                try:
                    await self._look_at(changed)
                except Exception:
                    log.exception("whose access has changed could not be looked at; the heartbeat does it")
        finally:
            end()

    def _heard(self, user: str) -> None:
        if len(self._changed) < WAITING_MAX:
            self._changed.add(UUID(user))
            self._came.set()
