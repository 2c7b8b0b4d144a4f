"""The WebSocket endpoint: one reader and one pump per socket around the grammar, the dispatcher and the hub."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Protocol
from uuid import UUID

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from chatserver.core.access import User
from chatserver.core.connection import Answered, Grammar
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import (
    CLOSE_FORBIDDEN,
    CLOSE_GOING_AWAY,
    CLOSE_TOO_MANY,
    CLOSE_TOO_SLOW,
    CLOSE_UNAUTHORIZED,
    CONTENT_MAX_CHARACTERS,
    FRAME_MAX_BYTES,
    HEARTBEAT_SECONDS,
    HELLO_SECONDS,
    AssistantInfo,
    Auth,
    Error,
    Hello,
    Ok,
    Person,
    Reconnect,
    ServerFrame,
    Welcome,
    encode,
)
from chatserver.dispatch import Dispatcher
from chatserver.hub import Connection, Hub

log = logging.getLogger(__name__)

STALL_SECONDS = 20.0
CLOSE_SECONDS = 1.0
RECONNECT_SPREAD_MS = 2_000
RECONNECT_SLICE = 100
SLICE_PAUSE_SECONDS = 0.05
RETRY_CONNECTION_SECONDS = 30.0


class Admitted(Protocol):
    @property
    def user(self) -> User: ...
    @property
    def expires_at(self) -> float: ...


class Admission(Protocol):
    async def admit(self, token: str) -> Admitted: ...
    async def some(self, ids: Sequence[UUID]) -> list[User]: ...


class Sockets:
    """All sockets of this process; `now` is the time in epoch seconds, which tokens are judged by."""

    def __init__(
        self, hub: Hub, dispatcher: Dispatcher, users: Admission, assistant: AssistantInfo, node: str, *,
        origins: Collection[str], frames_per_minute: int, per_user: int, per_address: int,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.hub = hub
        self.dispatcher = dispatcher
        self.users = users
        self.assistant = assistant
        self.node = node
        self.now = now
        self.frames_per_minute = frames_per_minute
        self._origins = frozenset(origins)
        self._per_user = per_user
        self._per_address = per_address
        self._users: Counter[UUID] = Counter()
        self._addresses: Counter[str] = Counter()
        self.leaving = False

    async def endpoint(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin")
        if self.leaving or (origin is not None and not self._is_allowed(origin, websocket)):
            # Closing before the handshake is done answers it with 403.
            await websocket.close()
            return
        await websocket.accept()
        address = websocket.client.host if websocket.client else ""
        self._addresses[address] += 1
        try:
            await _Socket(self, websocket).run(0 < self._per_address < self._addresses[address])
        finally:
            self._addresses[address] -= 1
            self._addresses += Counter()

    def _is_allowed(self, origin: str, websocket: WebSocket) -> bool:
        # A page of this very server names the host that it was loaded from.
        own = f"{'https' if websocket.url.scheme == 'wss' else 'http'}://{websocket.headers.get('host', '')}"
        return origin in self._origins or (not self._origins and origin == own)

    def count_in(self, user: UUID) -> bool:
        """False where this user has too many connections already."""
        if self._per_user and self._users[user] >= self._per_user:
            return False
        self._users[user] += 1
        return True

    def count_out(self, user: UUID) -> None:
        self._users[user] -= 1
        self._users += Counter()

    @property
    def limits(self) -> dict[str, int]:
        return {
            "content": CONTENT_MAX_CHARACTERS, "frame": FRAME_MAX_BYTES, "frames_per_minute": self.frames_per_minute,
            "posts_per_minute": self.dispatcher.posts_per_minute,
        }  # fmt: skip

    async def beat(self) -> None:
        """Heartbeats, renewed availability, and the end of connections whose token or user is not valid any more."""
        self.hub.beat()
        now = self.now()
        current = {connection.user.id: connection.user for connection in self.hub.connections}
        try:
            stored = {user.id: user for user in await self.users.some(list(current))}
        except Unavailable:
            # Nobody is thrown out because a database is away.
            stored = current
        for connection in list(self.hub.connections):
            known = stored.get(connection.user.id)
            if known is None or known.deactivated or known.role != connection.user.role:
                connection.link.close(CLOSE_FORBIDDEN, "Your access has changed; sign in again.")
            elif connection.expires_at <= now:
                connection.link.close(CLOSE_UNAUTHORIZED, "The token has expired; sign in again.")
            elif connection.available:
                await self.dispatcher.presence.set_available(connection.user.id, True)

    async def send_away(self) -> None:
        """In slices, so that the other nodes are not stormed."""
        self.leaving = True
        for place, connection in enumerate(list(self.hub.connections)):
            after_ms = (place * 37) % RECONNECT_SPREAD_MS
            connection.send(encode(Reconnect(after_ms=after_ms)))
            connection.link.close(CLOSE_GOING_AWAY, "This node is going away; reconnect.")
            if place % RECONNECT_SLICE == RECONNECT_SLICE - 1:
                await asyncio.sleep(SLICE_PAUSE_SECONDS)


class _Socket:
    """One socket from its hello to its end."""

    def __init__(self, sockets: Sockets, websocket: WebSocket) -> None:
        self._sockets = sockets
        self._websocket = websocket
        self._grammar = Grammar(sockets.frames_per_minute)
        self._closing: tuple[int, str] | None = None
        self._connection: Connection | None = None

    def close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = (code, reason)
        if self._connection is not None:
            self._connection.wake.set()

    async def run(self, too_many: bool) -> None:
        try:
            connection = await self._greet(too_many)
        except WebSocketDisconnect:
            return
        if connection is None:
            return
        self._sockets.hub.add(connection)
        reader = asyncio.create_task(self._read(connection))
        pump = asyncio.create_task(self._pump(connection))
        try:
            await asyncio.wait({reader, pump}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sockets.hub.remove(connection)
            self._sockets.count_out(connection.user.id)
            for task in (reader, pump):
                task.cancel()
            for outcome in await asyncio.gather(reader, pump, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                    log.error("a socket ended in an error of ours", exc_info=outcome)

    async def _greet(self, too_many: bool) -> Connection | None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                text = await self._receive()
        except TimeoutError:
            await self._refuse("unauthorized", "No hello came in time.", CLOSE_UNAUTHORIZED)
            return None
        judged = self._grammar.receive(text, time.monotonic())
        if isinstance(judged, Answered):
            await self._end(judged.error, judged.close or CLOSE_UNAUTHORIZED)
            return None
        hello = judged.frame
        assert isinstance(hello, Hello)
        if too_many:
            await self._too_many(hello.ref, "too many connections come from this address")
            return None
        try:
            admitted = await self._sockets.users.admit(hello.token)
        except Refused as refused:
            code = CLOSE_FORBIDDEN if refused.code in ("forbidden", "conflict") else CLOSE_UNAUTHORIZED
            await self._refuse(refused.code, refused.message, code, hello.ref)
            return None
        except Unavailable as away:
            await self._refuse("unavailable", str(away), CLOSE_GOING_AWAY, hello.ref)
            return None
        if not self._sockets.count_in(admitted.user.id):
            await self._too_many(hello.ref, "you have too many connections open")
            return None
        connection = self._connection = Connection(admitted.user, admitted.expires_at, self)
        user = admitted.user
        connection.send(encode(Welcome(
            user=Person(user.id, user.name, user.role), assistant=self._sockets.assistant,
            heartbeat_seconds=HEARTBEAT_SECONDS, limits=self._sockets.limits, node=self._sockets.node, ref=hello.ref,
        )))  # fmt: skip
        return connection

    async def _too_many(self, ref: str | None, why: str) -> None:
        message = f"Not now: {why}. Close one, or come back in {RETRY_CONNECTION_SECONDS:.0f} seconds."
        error = Error(code="rate_limited", message=message, ref=ref, retry_after=RETRY_CONNECTION_SECONDS)
        await self._end(error, CLOSE_TOO_MANY)

    async def _refuse(self, code: str, message: str, close: int, ref: str | None = None) -> None:
        await self._end(Error(code=code, message=message, ref=ref), close)  # type: ignore[arg-type]

    async def _end(self, error: Error, close: int) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.send_text(encode(error))
                await self._websocket.close(close, error.message[:100])
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return

    async def _receive(self) -> str | bytes:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1006)
        text: str | bytes | None = message.get("text")
        return text if text is not None else b""

    async def _read(self, connection: Connection) -> None:
        while True:
            text = await self._receive()
            judged = self._grammar.receive(text, time.monotonic())
            if isinstance(judged, Answered):
                connection.send(encode(judged.error))
                if judged.close is not None:
                    self.close(judged.close, judged.error.message)
                    # The pump says the last word; until then nothing more is read.
                    await asyncio.Event().wait()
                continue
            frame = judged.frame
            try:
                answer = await self._carry_out(connection, frame)
            except Refused as refused:
                answer = Error(
                    code=refused.code, message=refused.message, ref=frame.ref, retry_after=refused.retry_after
                )
            except Unavailable as away:
                answer = Error(code="unavailable", message=str(away), ref=frame.ref)
            except Exception:
                log.exception("a frame of type %s failed", type(frame).__name__)
                answer = Error(
                    code="internal", message="Something went wrong here; it was noted. Try again.", ref=frame.ref
                )
            if answer is not None:
                connection.send(encode(answer))

    async def _carry_out(self, connection: Connection, frame: object) -> ServerFrame | None:
        if connection.expires_at <= self._sockets.now() and not isinstance(frame, Auth):
            self.close(CLOSE_UNAUTHORIZED, "The token has expired; sign in again.")
            raise Refused("unauthorized", "The token has expired; sign in again.")
        if isinstance(frame, Auth):
            admitted = await self._sockets.users.admit(frame.token)
            if admitted.user.id != connection.user.id:
                raise Refused("forbidden", "This token is another user's; open a connection of its own for it.")
            connection.expires_at = admitted.expires_at
            return Ok(ref=frame.ref)
        return await self._sockets.dispatcher.handle(connection, frame)

    async def _pump(self, connection: Connection) -> None:
        while True:
            while connection.outbox:
                try:
                    async with asyncio.timeout(STALL_SECONDS):
                        await self._websocket.send_text(connection.outbox.take())
                except TimeoutError:
                    await self._shut(CLOSE_TOO_SLOW, "Nothing was read for 20 seconds.")
                    return
                connection.taken()
            if self._closing is not None:
                await self._shut(*self._closing)
                return
            connection.wake.clear()
            if not connection.outbox and self._closing is None:
                await connection.wake.wait()

    async def _shut(self, code: int, reason: str) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close(code, reason[:100])
        except (TimeoutError, RuntimeError):
            return
