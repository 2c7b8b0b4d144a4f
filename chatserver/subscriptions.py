"""One connection and what it listens to: what waits to be sent, what is still to be read, and who is behind."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.codec import encode
from chatserver.core.delivery import Delivery, Durable, Received, Snapshot, Text
from chatserver.core.outbox import MERGE_CHARACTERS, Outbox
from chatserver.core.ports import Unavailable
from chatserver.core.server_frames import Rebase

if TYPE_CHECKING:
    from chatserver.hub import Hub

BACKLOG_MAX = 500
RETRY_SECONDS = 1.0


class Link(Protocol):
    """The socket of a connection, as far as the hub goes."""

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what waits; never blocks."""
        ...


class Connection:
    """One socket after its hello: a user, what waits to be sent, and the sessions it listens to."""

    __slots__ = (
        "available", "closed", "drained", "expires_at", "key", "link", "outbox", "subscriptions", "user", "wake",
        "watching",
    )  # fmt: skip

    def __init__(self, user: User, expires_at: float, link: Link, key: str | None = None) -> None:
        """`expires_at` and `key` are those of the token that let them in."""
        self.user = user
        self.expires_at = expires_at
        self.key = key
        self.link = link
        self.outbox = Outbox()
        self.wake = asyncio.Event()
        self.drained = asyncio.Event()
        self.drained.set()
        self.subscriptions: dict[UUID, Subscription] = {}
        self.watching = False
        self.available = False
        self.closed = False

    def send(self, frame: str, session: UUID | None = None, *, seq: int | None = None, delta: bool = False) -> None:
        if self.closed:
            return
        self.outbox.put(frame, session, seq=seq, delta=delta)
        if self.outbox.is_full:
            for behind, first in self.outbox.drop().items():
                if subscription := self.subscriptions.get(behind):
                    subscription.fall_behind(first)
        if self.outbox.size > MERGE_CHARACTERS:
            self.drained.clear()
        self.wake.set()

    def taken(self) -> None:
        """Called by the pump whenever a frame has left."""
        if self.outbox.size <= MERGE_CHARACTERS:
            self.drained.set()


class Subscription:
    """One connection in one session. While it reads the log, what comes over the wire waits in a bounded backlog."""

    __slots__ = (
        "_backlog", "_fell", "_hub", "_overflowed", "_reading", "connection", "delivery", "ended", "session",
    )  # fmt: skip

    def __init__(self, hub: "Hub", connection: Connection, session: UUID, delivery: Delivery) -> None:
        self._hub = hub
        self.connection = connection
        self.session = session
        self.delivery = delivery
        self._backlog: list[Received] = []
        self._overflowed = False
        self._fell = False
        """What was about to be sent is not to be sent any more: the position went back."""
        self._reading: asyncio.Task[None] | None = None
        self.ended = False

    def receive(self, item: Received) -> None:
        if self.ended:
            return
        if self._reading is not None:
            # For somebody who does not read nothing is kept: the log and the pad have it.
            if len(self._backlog) >= BACKLOG_MAX or not self.connection.drained.is_set():
                self._backlog.clear()
                self._overflowed = True
            else:
                self._backlog.append(item)
            return
        frames, need = self.delivery.receive(item)
        self._send(frames, item)
        if need is not None:
            if need == "log":
                self._backlog.append(item)
            self.catch_up()

    def _send(self, frames: Iterable[str], item: Received) -> None:
        self._fell = False
        for frame in frames:
            if self._fell:
                return
            seq = item.seq if isinstance(item, Durable) else None
            self.connection.send(frame, self.session, seq=seq, delta=isinstance(item, Text) and not item.whole)

    def fall_behind(self, first: int | None) -> None:
        """What waited was dropped from event `first` on; it is read again once the connection has drained."""
        if first is not None:
            self.delivery.seq = min(self.delivery.seq, first - 1)
        self.delivery.at = 0
        self._backlog.clear()
        self._overflowed = True
        self._fell = True
        self.catch_up()

    def catch_up(self) -> None:
        if self._reading is None and not self.ended:
            self._reading = asyncio.create_task(self._read())
            self._hub.keep(self._reading)

    def end(self) -> None:
        self.ended = True
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self) -> None:
        try:
            again = True
            while again and not self.ended:
                self._overflowed = False
                await self._read_log()
                await self._read_pad()
                again = self._work_off() or self._overflowed
        finally:
            self._reading = None

    async def _read_log(self) -> None:
        whole = False
        while not whole and not self.ended:
            await self.connection.drained.wait()
            try:
                snapshot = await self._hub.snapshot(self.session, self.delivery.seq)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            whole = self._show(snapshot)
            # A page of the log would wait with whoever does not read.
            del snapshot

    def _show(self, snapshot: Snapshot) -> bool:
        """Sends what a reading brought, as far as there is room; whether that was all there is."""
        self._fell = False
        for event in snapshot.events:
            for frame in self.delivery.read_log(Snapshot((event,), event.turn, whole=False), ""):
                self.connection.send(frame, self.session, seq=event.seq)
            if self._fell or not self.connection.drained.is_set():
                return False
        empty = encode(Rebase(session=self.session, turn=snapshot.turn, content=""))
        for frame in self.delivery.read_log(Snapshot((), snapshot.turn, snapshot.whole), empty):
            self.connection.send(frame, self.session)
        return snapshot.whole and not self._fell

    async def _read_pad(self) -> None:
        pad = await self._hub.wire.pad(self.session)
        if pad is not None:
            rebase = encode(Rebase(session=self.session, turn=pad.turn, content=pad.content))
            for frame in self.delivery.read_pad(pad.turn, len(pad.content), rebase):
                self.connection.send(frame, self.session)

    def _work_off(self) -> bool:
        """Offers what waited again; True where the log has to be read once more."""
        backlog, self._backlog = self._backlog, []
        for place, item in enumerate(backlog):
            frames, need = self.delivery.receive(item)
            self._send(frames, item)
            if need is not None:
                # Still ahead of a log just read: the next reading brings whatever it stands for.
                self._backlog = backlog[place + 1 :]
                return True
        return False
