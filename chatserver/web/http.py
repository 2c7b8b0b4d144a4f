"""HTTP on the wire: uvicorn's protocol, with bounds for those who connect and then say nothing, or do not read.

uvicorn waits without end for the head of a first request and for an answer to be read. One machine could hold all of a
node's descriptors so, signed in or not.
"""

import asyncio
from typing import ClassVar

from h11 import IDLE, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from chatserver.core.errors import Refused
from chatserver.web.limits import Addresses, household

HEAD_SECONDS = 10.0
"""From the first byte, or from the beginning of the connection, to the end of the head."""
STALL_SECONDS = 30.0
"""So long an answer may wait without one byte of it leaving."""


class Http(H11Protocol):
    connections_of: ClassVar[Addresses | None] = None
    """Counts those of an address that have not become a WebSocket."""
    head_seconds: ClassVar[float] = HEAD_SECONDS
    stall_seconds: ClassVar[float] = STALL_SECONDS

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.connections_of is not None and self.client is not None:
            address = household(self.client[0])
            try:
                counted = self.connections_of.add(address)
            except Refused:
                # Not a word: to say it would cost more than the connection.
                transport.abort()
                return
            self._address = address if counted else None
        self._waits_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leaves()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is self:
            self._waits_for_head()

    def handle_websocket_upgrade(self, event: Request) -> None:
        self._leaves()
        super().handle_websocket_upgrade(event)

    def _waits_for_head(self) -> None:
        waits = self.conn.their_state is IDLE and not self.transport.is_closing()
        if waits and self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self.transport.abort)
        elif not waits and self._head is not None:
            self._head.cancel()
            self._head = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._waits_for_head()

    def _leaves(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
        address, self._address = self._address, None
        if address is not None and self.connections_of is not None:
            self.connections_of.remove(address)

    # Those who do not read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._looks(None)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _looks(self, unsent: int | None) -> None:
        waiting = self.transport.get_write_buffer_size()
        if waiting == unsent:
            self.transport.abort()
            return
        self._stall = self.loop.call_later(self.stall_seconds, self._looks, waiting)


def http_with(connections: Addresses) -> type[Http]:
    """The protocol, as uvicorn wants it: a class that it makes one of for each connection."""
    return type("CountedHttp", (Http,), {"connections_of": connections})
