"""HTTP on the wire: uvicorn's protocol, with bounds for those who connect and then say nothing, or do not read.

uvicorn waits without end for the head of a first request and for an answer to be read. One machine could hold all of a
node's descriptors so, signed in or not.
"""

import asyncio
import logging
from typing import Any, ClassVar

from h11 import DONE, IDLE, SEND_BODY, SEND_RESPONSE, SERVER, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from chatserver.core.errors import Refused
from chatserver.web.limits import Addresses, household
from chatserver.web.strict import HEAD_MAX_BYTES, StrictConnection

log = logging.getLogger(__name__)
# In the place of uvicorn's own, which has a line for each that is no request; what failed here is still said.
_errors = logging.getLogger("uvicorn.error.http")
_errors.setLevel(logging.ERROR)

HEAD_SECONDS = 10.0
"""From the first byte, or from the beginning of the connection, to the end of the head."""
STALL_SECONDS = 30.0
"""So long an answer may wait without one byte of it leaving."""
JUNK_SECONDS = 60.0
"""Between two lines in the log about what was no request."""


class Junk:
    """Counts what was no request, and says so once in a while: a line for each would let anybody fill the log."""

    def __init__(self, seconds: float = JUNK_SECONDS) -> None:
        self._seconds = seconds
        self._more: int | None = None
        """Since the last line; None where the next one is said at once."""

    def came(self) -> None:
        if self._more is None:
            self._say(1)
        else:
            self._more += 1

    def _say(self, count: int) -> None:
        log.warning("what came was no HTTP request, or asked for an unknown protocol: %d times", count)
        self._more = 0
        asyncio.get_running_loop().call_later(self._seconds, self._look)

    def _look(self) -> None:
        if self._more:
            self._say(self._more)
        else:
            self._more = None


class Http(H11Protocol):
    connections_of: ClassVar[Addresses | None] = None
    """Counts those of an address that have not become a WebSocket."""
    head_seconds: ClassVar[float] = HEAD_SECONDS
    stall_seconds: ClassVar[float] = STALL_SECONDS

    junk: ClassVar[Junk] = Junk()

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _address: str | None = None

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = StrictConnection(SERVER, HEAD_MAX_BYTES)
        self.logger = _errors

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

    def send_400_response(self, msg: str) -> None:
        self.junk.came()
        if self.conn.our_state in (IDLE, SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            # In the middle of an answer to what came before: there is no place for another.
            self.transport.abort()

    def _unsupported_upgrade_warning(self) -> None:
        self.junk.came()

    def _waits_for_head(self) -> None:
        # Who goes on with the body of a request that was answered already is waited for no longer than for a head.
        is_left = self.conn.their_state is SEND_BODY and self.conn.our_state is DONE
        waits = (self.conn.their_state is IDLE or is_left) and not self.transport.is_closing()
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
    return type("CountedHttp", (Http,), {"connections_of": connections, "junk": Junk()})
