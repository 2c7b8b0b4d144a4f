"""This process's connections: who listens to which session, what each may still be sent, and who is behind."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.chat_ports import ChatStore, SummaryStore, Wire
from chatserver.core.delivery import Delivery, Durable, Received, Snapshot, Text, unpack
from chatserver.core.events import durable
from chatserver.core.outbox import MERGE_CHARACTERS, Outbox
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import LOBBY_MAX, Heartbeat, Lobby, LobbyChanged, Rebase, SessionSummary, encode
from chatserver.rooms import Rooms

log = logging.getLogger(__name__)

POSITION_SECONDS = 3.0
POSITION_SECONDS_WITHOUT_WIRE = 1.0
LOBBY_PAUSE_SECONDS = 0.1
BACKLOG_MAX = 500
LOG_PAGE = 200
RETRY_SECONDS = 1.0
SUBSCRIPTIONS_MAX = 50


class Link(Protocol):
    """The socket of a connection, as far as the hub goes."""

    def close(self, code: int, reason: str) -> None:
        """Ends the connection after what waits; never blocks."""
        ...


class Connection:
    """One socket after its hello: a user, what waits to be sent, and the sessions it listens to."""

    def __init__(self, user: User, expires_at: float, link: Link) -> None:
        self.user = user
        self.expires_at = expires_at
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
            if len(self._backlog) >= BACKLOG_MAX:
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
            whole = snapshot.whole
            before = {event.frame: event.seq for event in snapshot.events}
            empty = encode(Rebase(session=self.session, turn=snapshot.turn, content=""))
            self._fell = False
            for frame in self.delivery.read_log(snapshot, empty):
                self.connection.send(frame, self.session, seq=before.get(frame))
                if self._fell:
                    whole = False
                    break

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


class Hub:
    """All connections of this process. Any session, any node: nothing here is shared but the log and the wire."""

    def __init__(self, store: ChatStore, summaries: SummaryStore, wire: Wire) -> None:
        self.store = store
        self.wire = wire
        self._summaries = summaries
        self.connections: set[Connection] = set()
        self._rooms: Rooms[Subscription] = Rooms(wire, self._heard)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._changed: set[UUID] = set()
        self._changed_event = asyncio.Event()
        self._lobby: dict[UUID, SessionSummary] = {}
        self._look_now = asyncio.Event()
        self.wire_is_healthy: Callable[[], bool] = lambda: True

    def start(self) -> None:
        self._loops = [
            asyncio.create_task(self._check_positions(), name="positions"),
            asyncio.create_task(self._tell_watchers(), name="lobby"),
        ]

    async def stop(self) -> None:
        for task in [*self._loops, *self._tasks]:
            task.cancel()
        await asyncio.gather(*self._loops, *self._tasks, return_exceptions=True)

    def keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("reading for a connection failed", exc_info=error)

    # Sessions

    def entering(self, session: UUID) -> AbstractAsyncContextManager[None]:
        """Listens before the log is read: within it nothing is missed, only doubled, and doubles are dropped."""
        return self._rooms.entering(session)

    def enter(self, connection: Connection, session: UUID, delivery: Delivery) -> None:
        """Within `entering`: everything up to the delivery's position was sent; the rest follows."""
        self.leave(connection, session)
        if connection.closed:
            return
        subscription = Subscription(self, connection, session, delivery)
        connection.subscriptions[session] = subscription
        self._rooms.add(session, subscription)
        subscription.catch_up()

    def leave(self, connection: Connection, session: UUID) -> None:
        if subscription := connection.subscriptions.pop(session, None):
            subscription.end()
            self._rooms.remove(session, subscription)

    def add(self, connection: Connection) -> None:
        self.connections.add(connection)

    def remove(self, connection: Connection) -> None:
        connection.closed = True
        self.connections.discard(connection)
        for session in list(connection.subscriptions):
            self.leave(connection, session)

    def _heard(self, session: UUID, item: str) -> None:
        try:
            received = unpack(item)
        except ValueError:
            log.warning("something else speaks on this wire")
            return
        for subscription in self._rooms.members(session):
            subscription.receive(received)

    async def snapshot(self, session: UUID, after: int) -> Snapshot:
        # The position first: what is read after it can only be more, and events never change.
        positions = await self.store.positions([session])
        if not positions:
            return Snapshot((), 0)
        events = await self.store.events_after(session, after, LOG_PAGE, positions[0].seq)
        whole = not events or events[-1].seq >= positions[0].seq
        return Snapshot([durable(event) for event in events], positions[0].turn, whole)

    # Who is behind

    def look_now(self) -> None:
        """The wire came back: what was published meanwhile is gone."""
        self._look_now.set()

    async def _check_positions(self) -> None:
        while True:
            pause = POSITION_SECONDS if self.wire_is_healthy() else POSITION_SECONDS_WITHOUT_WIRE
            try:
                async with asyncio.timeout(pause):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()
            try:
                await self._check()
            except Unavailable:
                continue
            except Exception:
                log.exception("the position check failed")

    async def _check(self) -> None:
        if self._rooms:
            for position in await self.store.positions(list(self._rooms)):
                for subscription in self._rooms.members(position.session):
                    if subscription.delivery.is_behind(position.seq, position.turn):
                        subscription.catch_up()
        if any(connection.watching for connection in self.connections):
            await self._compare_lobby()

    # The lobby

    async def watch(self, connection: Connection, ref: str | None) -> Lobby:
        sessions = await self._summaries.lobby(LOBBY_MAX)
        connection.watching = True
        self._lobby = {summary.id: summary for summary in sessions}
        return Lobby(sessions=sessions, ref=ref)

    def summary_changed(self, session: str) -> None:
        if any(connection.watching for connection in self.connections) and len(self._changed) < LOBBY_MAX:
            self._changed.add(UUID(session))
            self._changed_event.set()

    async def _tell_watchers(self) -> None:
        while True:
            await self._changed_event.wait()
            await asyncio.sleep(LOBBY_PAUSE_SECONDS)
            self._changed_event.clear()
            changed, self._changed = self._changed, set()
            try:
                self._send_changes(await self._summaries.some(list(changed)), ())
            except Unavailable:
                continue
            except Exception:
                log.exception("the lobby could not be read")

    async def _compare_lobby(self) -> None:
        now = {summary.id: summary for summary in await self._summaries.lobby(LOBBY_MAX)}
        changed = [summary for id, summary in now.items() if self._lobby.get(id) != summary]
        gone = [id for id in self._lobby if id not in now]
        self._lobby = {}
        if changed or gone:
            self._send_changes(changed, gone)
        self._lobby = now

    def _send_changes(self, changed: Sequence[SessionSummary], gone: Sequence[UUID]) -> None:
        self._lobby.update({summary.id: summary for summary in changed})
        frame = encode(LobbyChanged(sessions=list(changed), gone=list(gone)))
        for connection in self.connections:
            if connection.watching:
                connection.send(frame)

    # Everybody

    def beat(self) -> None:
        frame = encode(Heartbeat())
        for connection in self.connections:
            connection.send(frame)
