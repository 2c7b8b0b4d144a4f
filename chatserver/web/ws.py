"""The WebSocket endpoint, and what is done for all sockets of the process together."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Sequence, Set
from typing import Protocol
from uuid import UUID

from starlette.websockets import WebSocket

from chatserver.core.access import User
from chatserver.core.codec import encode
from chatserver.core.errors import Refused
from chatserver.core.limits import Limits
from chatserver.core.observer import UNOBSERVED, Observer
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import CLOSE_FORBIDDEN, CLOSE_GOING_AWAY, CLOSE_TOO_MANY, CLOSE_UNAUTHORIZED
from chatserver.core.server_frames import AssistantInfo, Error, Reconnect
from chatserver.dispatch import Dispatcher
from chatserver.hub import Hub
from chatserver.subscriptions import Connection
from chatserver.web.handshake import EXTENSION
from chatserver.web.limits import Doors, household
from chatserver.web.line import Line
from chatserver.web.ws_socket import Admission, Socket

log = logging.getLogger(__name__)

LOOK_SECONDS = 4.0
"""Between two looks at who reads: one who does not is cut at most so much later."""
RECONNECT_SPREAD_MS = 2_000
RECONNECT_SLICE = 100
SLICE_PAUSE_SECONDS = 0.05


class People(Admission, Protocol):
    async def some(self, ids: Sequence[UUID]) -> list[User]: ...
    async def believes(self, key: str) -> bool: ...


class Sockets:
    """All sockets of this process; `now` is the time in epoch seconds, which tokens are judged by."""

    def __init__(
        self, hub: Hub, dispatcher: Dispatcher, users: People, assistant: AssistantInfo, node: str, *,
        origins: Collection[str], limits: Limits, now: Callable[[], float] = time.time, observer: Observer = UNOBSERVED,
    ) -> None:  # fmt: skip
        self.hub = hub
        self.dispatcher = dispatcher
        self.users = users
        self.assistant = assistant
        self.node = node
        self.now = now
        self.observer = observer
        self.doors = Doors(limits)
        self._origins = frozenset(origins)
        self._owing: set[Socket] = set()
        self._gone_bytes = 0
        self._frames: set[asyncio.Task[None]] = set()
        self.leaving = False

    async def endpoint(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if self.leaving or (origin is not None and not self._is_allowed(origin, websocket)):
            # Closing before the handshake is done answers it with 403.
            await websocket.close()
            return
        line: Line = websocket.scope["extensions"][EXTENSION]
        await websocket.accept()
        address = household(websocket.client.host) if websocket.client else ""
        try:
            self.doors.requested(address, time.monotonic())
            self.doors.addresses.add(address)
        except Refused as refused:
            socket = Socket(self, line, None)
            line.attach(socket)
            error = Error(code=refused.code, message=refused.message, retry_after=refused.retry_after)
            socket.refuse(error, CLOSE_TOO_MANY)
            return
        socket = Socket(self, line, address)
        socket.begin()
        line.attach(socket)

    def _is_allowed(self, origin: str, websocket: WebSocket) -> bool:
        # A page of this very server names the host that it was loaded from.
        own = f"{'https' if websocket.url.scheme == 'wss' else 'http'}://{websocket.headers.get('host', '')}"
        return origin in self._origins or (not self._origins and origin == own)

    # For the sockets

    def begin(self, frame: Coroutine[object, object, None]) -> None:
        """A frame is carried out to its end, also where its socket is lost meanwhile: half a post helps nobody."""
        task = asyncio.get_running_loop().create_task(frame)
        self._frames.add(task)
        task.add_done_callback(self._frames.discard)

    def owes(self, socket: Socket) -> None:
        self._owing.add(socket)

    def ended(self, socket: Socket) -> None:
        self._owing.discard(socket)
        self._gone_bytes += socket.written

    @property
    def sent_bytes(self) -> int:
        """To all, ever. Added up when it is asked for: while text streams there is nothing to count."""
        here = (connection.link for connection in self.hub.connections)
        return self._gone_bytes + sum(link.written for link in here if isinstance(link, Socket))

    # For all

    async def watch(self) -> None:
        """Until it is cancelled: ends the connections of those who do not read."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Only at those who were written to and have not acknowledged all of it: idle sockets cost nothing."""
        self._owing.difference_update([socket for socket in tuple(self._owing) if not socket.look(now)])

    async def beat(self) -> None:
        """Heartbeats, renewed availability, and the end of connections whose token or user is not valid any more."""
        self.hub.beat()
        self.doors.forget(time.monotonic())
        # Whoever comes while the rows are read is not among them, and was judged just now.
        staying = await self._judge(list(self.hub.connections))
        if available := {connection.user.id for connection in staying if connection.available}:
            await self.dispatcher.availability.set_available(available, True)

    async def look_at(self, users: Set[UUID]) -> None:
        """As a heartbeat does, at the connections of these people alone."""
        if connections := [connection for connection in self.hub.connections if connection.user.id in users]:
            await self._judge(connections)

    async def _judge(self, connections: Sequence[Connection]) -> list[Connection]:
        """Ends those that may not be here any more, and gives the others."""
        now = self.now()
        current = {connection.user.id: connection.user for connection in connections}
        try:
            stored = {user.id: user for user in await self.users.some(list(current))}
        except Unavailable:
            # Nobody is thrown out because a database is away.
            stored = current
        # Whoever has a key that was withdrawn writes themselves tokens that never end.
        keys = {connection.key for connection in connections if connection.key is not None}
        withdrawn = {key for key in keys if not await self.users.believes(key)}
        staying = []
        for connection in connections:
            if connection.closed:
                continue
            known = stored.get(connection.user.id)
            if known is None or known.deactivated or known.role != connection.user.role:
                connection.link.close(CLOSE_FORBIDDEN, "Your access has changed; sign in again.")
            elif connection.expires_at <= now:
                connection.link.close(CLOSE_UNAUTHORIZED, "The token has expired; sign in again.")
            elif connection.key in withdrawn:
                connection.link.close(CLOSE_UNAUTHORIZED, "The token's key was withdrawn; sign in again.")
            else:
                staying.append(connection)
        return staying

    async def send_away(self) -> None:
        """In slices, so that the other nodes are not stormed."""
        self.leaving = True
        for place, connection in enumerate(list(self.hub.connections)):
            after_ms = (place * 37) % RECONNECT_SPREAD_MS
            connection.send(encode(Reconnect(after_ms=after_ms)))
            connection.link.close(CLOSE_GOING_AWAY, "This node is going away; reconnect.")
            if place % RECONNECT_SLICE == RECONNECT_SLICE - 1:
                await asyncio.sleep(SLICE_PAUSE_SECONDS)
