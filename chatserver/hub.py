"""This process's connections: who listens to which session, what each may still be sent, and who is behind."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.chat_ports import ChatStore, SummaryStore, Wire
from chatserver.core.codec import encode
from chatserver.core.delivery import ROLL_CALL, Delivery, Here, Received, Snapshot, Text, pack, unpack
from chatserver.core.events import durable
from chatserver.core.observer import UNOBSERVED, Observer
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import LOBBY_MAX, PRESENCE_SECONDS
from chatserver.core.server_frames import Delta, Heartbeat, Lobby, LobbyChanged, Person, PresenceNow, SessionSummary
from chatserver.rooms import Rooms
from chatserver.subscriptions import Connection, Subscription

log = logging.getLogger(__name__)

POSITION_SECONDS = 3.0
POSITION_SECONDS_WITHOUT_WIRE = 1.0
LOBBY_PAUSE_SECONDS = 0.1
LOG_PAGE = 200
SUBSCRIPTIONS_MAX = 50
READS_MAX = 4
"""So many connections read on in the log at a time: after a burst was lost all are behind at once, and leases are to be
renewed meanwhile."""


class Hub:
    """All connections of this process. Any session, any node: nothing here is shared but the log and the wire."""

    def __init__(self, store: ChatStore, summaries: SummaryStore, wire: Wire, observer: Observer = UNOBSERVED) -> None:
        self._observer = observer
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
        self._reads = asyncio.Semaphore(READS_MAX)
        self.wire_is_healthy: Callable[[], bool] = lambda: True

    @property
    def sessions_open(self) -> int:
        return len(self._rooms)

    def start(self) -> None:
        self.wire.near = self._written_here
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
        self.renew(connection, session)
        if connection.closed:
            return
        subscription = Subscription(self, connection, session, delivery)
        connection.subscriptions[session] = subscription
        self._rooms.add(session, subscription)
        subscription.catch_up()
        if connection.user.role == "admin":
            self.wire.publish(session, pack(ROLL_CALL))
        else:
            self._tell_presence(session, connection.user, True)

    def renew(self, connection: Connection, session: UUID) -> Delivery | None:
        """Ends what it was sent so far, of which it has no use while it enters again; how far that was."""
        subscription = connection.subscriptions.pop(session, None)
        if subscription is None:
            return None
        subscription.end()
        self._rooms.remove(session, subscription)
        return subscription.delivery

    def leave(self, connection: Connection, session: UUID) -> None:
        if session in connection.subscriptions:
            self.renew(connection, session)
            if connection.user.id not in self._present(session):
                self._tell_presence(session, connection.user, False)

    def add(self, connection: Connection) -> None:
        self.connections.add(connection)

    def remove(self, connection: Connection) -> None:
        connection.closed = True
        self.connections.discard(connection)
        for session in list(connection.subscriptions):
            self.leave(connection, session)

    def _written_here(self, session: UUID, turn: int, at: int, content: str) -> None:
        if members := self._rooms.members(session):
            frame = encode(Delta(session=session, turn=turn, at=at, content=content))
            text = Text(turn, at, len(content), frame)
            for subscription in members:
                _give(subscription, text)

    def _heard(self, session: UUID, item: str) -> None:
        try:
            received = unpack(item)
        except ValueError:
            log.warning("something else speaks on this wire")
            return
        if received == ROLL_CALL:
            for user in self._present(session).values():
                self._tell_presence(session, user, True)
            return
        for subscription in self._rooms.members(session):
            _give(subscription, received)
        # They left on another node, and sit here too.
        if isinstance(received, Here) and not received.on and (still := self._present(session).get(received.user)):
            self._tell_presence(session, still, True)

    # Who is here

    def _present(self, session: UUID) -> dict[UUID, User]:
        members = self._rooms.members(session)
        return {subscription.connection.user.id: subscription.connection.user for subscription in members}

    def _tell_presence(self, session: UUID, user: User, on: bool) -> None:
        person = Person(user.id, user.name, user.role)
        frame = PresenceNow(session=session, user=person, on=on, seconds=PRESENCE_SECONDS if on else None)
        self.wire.publish(session, pack(Here(user.id, on, encode(frame))))

    async def snapshot(self, session: UUID, after: int) -> Snapshot:
        async with self._reads:
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
                        self._observer.was_behind()
                        subscription.catch_up()
        if any(connection.watching for connection in self.connections):
            self._compare_lobby(await self._summaries.lobby(LOBBY_MAX))

    # The lobby

    async def watch(self, connection: Connection, ref: str | None) -> Lobby:
        sessions = await self._summaries.lobby(LOBBY_MAX)
        # Those who watch already are told what this reading found: the next one is compared with it.
        self._compare_lobby(sessions)
        connection.watching = True
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

    def _compare_lobby(self, sessions: Sequence[SessionSummary]) -> None:
        now = {summary.id: summary for summary in sessions}
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
        for session in self._rooms:
            if any(user.role == "admin" for user in self._present(session).values()):
                self.wire.publish(session, pack(ROLL_CALL))


def _give(subscription: Subscription, item: Received) -> None:
    """One connection that fails takes nothing from the others, nor from the answer that is being written."""
    try:
        subscription.receive(item)
    except Exception:
        log.exception("a connection could not be given what is new")
