"""A word to oneself over the wire, every few seconds: how late is what others hear, and does it come at all."""

import asyncio
from collections.abc import Callable
from time import monotonic
from uuid import UUID

from chatserver.core.chat_ports import Wire
from chatserver.core.observer import Observer

PROBE_SECONDS = 5.0
LOST_SECONDS = 4.0


class WireProbe:
    """On a channel that nobody else listens to: that of the node's own id, which is no session's."""

    def __init__(self, wire: Wire, node: UUID, observer: Observer, clock: Callable[[], float] = monotonic) -> None:
        self._wire = wire
        self._node = node
        self._observer = observer
        self._clock = clock
        self._asked = 0
        self._came = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        end = await self._wire.listen(self._node, self._heard)
        try:
            while True:
                await self.ask(LOST_SECONDS)
                await asyncio.sleep(PROBE_SECONDS)
        finally:
            end()

    async def ask(self, seconds: float) -> None:
        """One probe, until it came back or `seconds` are over: then it is lost."""
        self._asked += 1
        self._came.clear()
        began = self._clock()
        self._wire.publish(self._node, f"probe {self._asked}")
        try:
            async with asyncio.timeout(seconds):
                await self._came.wait()
        except TimeoutError:
            self._observer.wire_lost()
        else:
            self._observer.wire_carried(self._clock() - began)

    def _heard(self, item: str) -> None:
        if item == f"probe {self._asked}":
            self._came.set()
