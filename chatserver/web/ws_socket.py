"""One socket from its hello to its end: the grammar, the dispatcher and the hub around a line, one frame at a time.

Nothing of it waits as a task: a frame that comes begins one, and what is to be sent is written when it is put.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from chatserver.core.access import User
from chatserver.core.client_frames import AnyClientFrame, Auth, Hello, Join
from chatserver.core.codec import encode
from chatserver.core.connection import Accepted, Answered, Grammar, Progress
from chatserver.core.errors import Code, Refused
from chatserver.core.observer import Observer
from chatserver.core.outbox import LIMIT_BYTES
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import (
    CLOSE_FORBIDDEN,
    CLOSE_GOING_AWAY,
    CLOSE_INTERNAL,
    CLOSE_TOO_MANY,
    CLOSE_TOO_SLOW,
    CLOSE_UNAUTHORIZED,
    HEARTBEAT_SECONDS,
    HELLO_SECONDS,
)
from chatserver.core.server_frames import AssistantInfo, Error, Ok, Person, ServerFrame, Welcome
from chatserver.dispatch import Dispatcher
from chatserver.hub import Hub
from chatserver.logs import new_request_id, request_id, session_id, user_id
from chatserver.subscriptions import Connection
from chatserver.web.limits import Doors, busy_seconds
from chatserver.web.line import CLOSE_SECONDS, Line
from chatserver.web.rest import internal_sentence

log = logging.getLogger(__name__)

STALL_SECONDS = 20.0
TOO_SLOW_CLOSE_SECONDS = 30.0
"""Who reads on after all is to hear why it ended; until then only the line's own buffer is kept for them."""
REASON_CHARACTERS = 100
CLOSE_WITHOUT_A_WORD = 1006
"""Nobody sends it: it is how a connection that was lost, or that its client closed, is counted."""


class Admitted(Protocol):
    @property
    def user(self) -> User: ...
    @property
    def expires_at(self) -> float: ...
    @property
    def key(self) -> str | None: ...


class Admission(Protocol):
    async def admit(self, token: str) -> Admitted: ...
    async def verify(self, token: str) -> Any: ...
    async def enter(self, principal: Any) -> Admitted: ...


class House(Protocol):
    """What all sockets of a process share."""

    hub: Hub
    dispatcher: Dispatcher
    assistant: AssistantInfo
    node: str
    doors: Doors
    now: Callable[[], float]
    observer: Observer

    @property
    def users(self) -> Admission: ...
    def begin(self, frame: Coroutine[object, object, None]) -> None: ...
    def owes(self, socket: "Socket") -> None:
        """Something was written; whether it leaves is to be watched."""
        ...

    def ended(self, socket: "Socket") -> None: ...


class _Bell(asyncio.Event):
    """In the place of an event that a task for each connection would wait for: it is answered at once."""

    def __init__(self, answer: Callable[[], None]) -> None:
        # Not the event's own: nobody ever waits, and its queue is most of its memory.
        self._answer = answer

    def set(self) -> None:
        self._answer()


class Socket:
    __slots__ = (
        "_address", "_closing", "_connection", "_ended", "_grammar", "_hello", "_house", "_line", "_progress", "busy",
    )  # fmt: skip

    def __init__(self, house: House, line: Line, address: str | None) -> None:
        self._house = house
        self._line = line
        self._address = address
        """None where it was not counted."""
        self._grammar = Grammar(house.doors.limits.frames_per_minute)
        self._progress = Progress()
        self._connection: Connection | None = None
        self._closing: tuple[int, str] | None = None
        self._ended = False
        self._hello: asyncio.TimerHandle | None = None
        self.busy = False

    def begin(self) -> None:
        """Waits for the hello.

        Both loops look at what came before they look at their timers, so that a server that was held up cuts nobody who
        was in time; and a hello that waits for its turn has come.
        """
        self._hello = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._has_no_hello)

    def _has_no_hello(self) -> None:
        self.refuse(_error("unauthorized", "No hello came in time."), CLOSE_UNAUTHORIZED)

    @property
    def written(self) -> int:
        return self._line.written

    # From the line

    def received(self, message: str | bytes) -> None:
        self.busy = True
        if self._hello is not None:
            self._hello.cancel()
            self._hello = None
        self._house.begin(self._take(message))

    def poked(self) -> None:
        if (too_many := self._grammar.count(time.monotonic())) is not None:
            self.refuse(too_many.error, CLOSE_TOO_MANY)

    def writable(self) -> None:
        self._pump()

    def lost(self) -> None:
        self._end()

    # From the hub

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what waits; never blocks."""
        if self._closing is None:
            self._closing = (code, reason)
        self._pump()

    # The end

    def refuse(self, error: Error, code: int) -> None:
        """The last word."""
        if not self._ended:
            self._house.observer.refused(error.code)
            self._line.send(encode(error))
            self._end(code, error.message)

    def _end(self, code: int | None = None, reason: str = "", seconds: float = CLOSE_SECONDS) -> None:
        if self._ended:
            return
        self._ended = True
        if self._hello is not None:
            self._hello.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._house.hub.remove(connection)
            self._house.dispatcher.ended(connection)
            self._house.doors.users.remove(connection.user.id)
        if self._address is not None:
            self._house.doors.addresses.remove(self._address)
        self._house.ended(self)
        told = code or CLOSE_WITHOUT_A_WORD
        self._house.observer.socket_ended(told)
        if connection is not None:
            log.info("a connection ended", extra={"code": told, "user": connection.user.id})
        if code is not None:
            self._line.close(code, _short(reason), seconds)

    def look(self, now: float) -> bool:
        """False once everything written has arrived. Ends the connection of somebody who does not read."""
        if self._ended:
            return False
        waiting = self._line.waiting
        if self._progress.stuck_seconds(self._line.written, waiting, now) >= STALL_SECONDS:
            self._end(CLOSE_TOO_SLOW, f"Nothing was read for {STALL_SECONDS:.0f} seconds.", TOO_SLOW_CLOSE_SECONDS)
        return waiting > 0

    # Writing

    def _pump(self) -> None:
        connection = self._connection
        if connection is None:
            return
        outbox = connection.outbox
        if outbox and not self._line.paused:
            while outbox and not self._line.paused:
                self._line.send(outbox.take())
            self._house.owes(self)
        if not self._line.paused:
            # Also where nothing was left to take: what overflowed is read again now, and not after the next heartbeat.
            connection.taken()
        if not outbox and self._closing is not None:
            self._end(*self._closing)
        elif outbox.size > LIMIT_BYTES:
            # Only what may not be dropped is left of it.
            self._end(CLOSE_TOO_SLOW, "Too much waits to be read.", TOO_SLOW_CLOSE_SECONDS)

    # Frames

    async def _take(self, message: str | bytes) -> None:
        # Of the frame's own task: whatever it begins, the answer above all, is logged under these.
        request_id.set(new_request_id())
        try:
            judged = self._grammar.receive(message, time.monotonic())
            if self._connection is not None:
                await self._answer(self._connection, judged)
            elif not self._ended:
                await self._greet(judged)
        except Exception:
            log.exception("a socket ended in an error of ours")
            self._end(CLOSE_INTERNAL, "Something went wrong here; it was noted.")
        finally:
            self.busy = False
            self._line.read_on()

    async def _greet(self, judged: Accepted | Answered) -> None:
        if isinstance(judged, Answered):
            self.refuse(judged.error, judged.close or CLOSE_UNAUTHORIZED)
            return
        hello = judged.frame
        assert isinstance(hello, Hello)
        doors = self._house.doors
        try:
            # Before its turn: a made-up key may be waited for, and who made it up is not to hold the door.
            principal = await self._house.users.verify(hello.token)
            async with doors.turn():
                if self._ended:
                    return
                admitted = await self._house.users.enter(principal)
            if self._ended:
                return
            user = admitted.user
            window = doors.window(user.id)
            wait = window.spend(doors.limits.frames_per_minute, time.monotonic())
            if wait is not None:
                raise Refused("rate_limited", f"Too many frames; come back in {wait:g} seconds.", retry_after=wait)
            doors.users.add(user.id)
        except Refused as refused:
            self.refuse(_error_of(refused, hello.ref), _CLOSES.get(refused.code, CLOSE_UNAUTHORIZED))
            return
        except Unavailable as away:
            self.refuse(_error("unavailable", str(away), hello.ref, busy_seconds()), CLOSE_GOING_AWAY)
            return
        self._grammar.window = window
        connection = self._connection = Connection(user, admitted.expires_at, self, admitted.key)
        connection.wake = _Bell(self._pump)
        connection.send(encode(Welcome(
            user=Person(user.id, user.name, user.role), assistant=self._house.assistant,
            heartbeat_seconds=HEARTBEAT_SECONDS, limits=doors.limits.told(), node=self._house.node, ref=hello.ref,
        )))  # fmt: skip
        # After the welcome: a heartbeat before it would be the first frame.
        self._house.hub.add(connection)

    async def _answer(self, connection: Connection, judged: Accepted | Answered) -> None:
        if isinstance(judged, Answered):
            self._house.observer.refused(judged.error.code)
            connection.send(encode(judged.error))
            if judged.close is not None:
                self.close(judged.close, judged.error.message)
            return
        frame = judged.frame
        user_id.set(connection.user.id)
        session_id.set(getattr(frame, "session", None))
        self._house.observer.frame_came(str(type(frame).__struct_config__.tag))
        answer: ServerFrame | None
        try:
            answer = await self._carry_out(connection, frame)
        except Refused as refused:
            answer = _error_of(refused, frame.ref)
        except Unavailable as away:
            answer = _error("unavailable", str(away), frame.ref, busy_seconds())
        except Exception:
            log.exception("a frame of type %s failed", type(frame).__name__)
            answer = _error("internal", internal_sentence(), frame.ref)
        if isinstance(answer, Error):
            self._house.observer.refused(answer.code)
        if answer is not None:
            connection.send(encode(answer))

    async def _carry_out(self, connection: Connection, frame: AnyClientFrame) -> ServerFrame | None:
        if connection.expires_at <= self._house.now() and not isinstance(frame, Auth):
            self._closing = self._closing or (CLOSE_UNAUTHORIZED, "The token has expired; sign in again.")
            raise Refused("unauthorized", "The token has expired; sign in again.")
        if isinstance(frame, Auth):
            admitted = await self._house.users.admit(frame.token)
            if admitted.user.id != connection.user.id:
                raise Refused("forbidden", "This token is another user's; open a connection of its own for it.")
            connection.expires_at, connection.key = admitted.expires_at, admitted.key
            return Ok(ref=frame.ref)
        if isinstance(frame, Join):
            async with self._house.doors.turn():
                if self._ended:
                    return None
                return await self._house.dispatcher.handle(connection, frame)
        return await self._house.dispatcher.handle(connection, frame)


_CLOSES = {
    "forbidden": CLOSE_FORBIDDEN, "conflict": CLOSE_FORBIDDEN, "rate_limited": CLOSE_TOO_MANY,
    "unavailable": CLOSE_GOING_AWAY,
}  # fmt: skip


def _error(code: Code, message: str, ref: str | None = None, retry_after: float | None = None) -> Error:
    return Error(code=code, message=message, ref=ref, retry_after=retry_after)


def _error_of(refused: Refused, ref: str | None) -> Error:
    return _error(refused.code, refused.message, ref, refused.retry_after)


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes."""
    return reason.encode()[:REASON_CHARACTERS].decode(errors="ignore")
