"""What each frame of a client does: from the frame to the use case and back to its answer."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from chatserver.allowances import Allowances
from chatserver.conversations import Conversations
from chatserver.core import client_frames as frames
from chatserver.core.access import User
from chatserver.core.chat_ports import ChatStore, SessionRow, Wire
from chatserver.core.codec import encode
from chatserver.core.delivery import Delivery, Passing, pack
from chatserver.core.errors import Refused
from chatserver.core.events import durable, frame_of, instant
from chatserver.core.history import newest_within
from chatserver.core.hours import Hours
from chatserver.core.protocol import JOINED_EVENTS, JOINED_EVENTS_UNASKED, JOINED_MAX_BYTES
from chatserver.core.references import refs_in
from chatserver.core.server_frames import (
    Joined,
    Ok,
    Person,
    RunningAnswer,
    SeenNow,
    ServerFrame,
    SessionInfo,
    TypingNow,
)
from chatserver.drafts import Drafts
from chatserver.hub import SUBSCRIPTIONS_MAX, Hub
from chatserver.subscriptions import Connection

ADMIN_LEASE_PAUSE_SECONDS = 10.0


class Availability(Protocol):
    """Which admins seekers may expect."""

    async def set_available(self, admins: Collection[UUID], on: bool) -> None: ...
    async def available(self) -> int: ...


class Greeter(Protocol):
    async def greet(self, session: UUID) -> None: ...


class UserLookup(Protocol):
    async def get(self, id: UUID) -> User | None: ...
    async def note_conversation(self, by: UUID, seeker: UUID, session: UUID) -> None:
        """Writes down that the admin reads it."""
        ...


class JobLookup(Protocol):
    async def get(self, viewer: Any, id: UUID) -> Any: ...


Handler = Callable[["Dispatcher", Connection, Any], Awaitable[ServerFrame | None]]


@dataclass(slots=True)
class Dispatcher:
    """Carries out the frames of authenticated connections; raises `Refused` or `Unavailable`."""

    hub: Hub
    store: ChatStore
    wire: Wire
    conversations: Conversations
    greeter: Greeter
    jobs: JobLookup
    users: UserLookup
    availability: Availability
    drafts: Drafts
    allowances: Allowances
    hours: Hours
    now: Callable[[], datetime]
    """The time in the operator's time zone."""
    monotonic: Callable[[], float]
    lease_pause_seconds: float = ADMIN_LEASE_PAUSE_SECONDS
    _lease_renewed: dict[tuple[UUID, UUID], float] = field(default_factory=dict)

    async def handle(self, connection: Connection, frame: Any) -> ServerFrame | None:
        """The answer to the frame; None where the answer was sent already or there is none."""
        session = getattr(frame, "session", None)
        # Of `seen` the page speaks by itself: who left it open and went away must not keep the seeker for ever.
        if connection.user.role == "admin" and session is not None and not isinstance(frame, frames.Seen):
            await self._renew_lease(connection.user.id, session)
        return await _HANDLERS[type(frame)](self, connection, frame)

    def ended(self, connection: Connection) -> None:
        self.drafts.end(connection)

    async def _renew_lease(self, admin: UUID, session: UUID) -> None:
        now = self.monotonic()
        if now - self._lease_renewed.get((admin, session), float("-inf")) >= self.lease_pause_seconds:
            self._lease_renewed = {
                key: at for key, at in self._lease_renewed.items() if now - at < self.lease_pause_seconds
            }
            self._lease_renewed[admin, session] = now
            await self.store.renew_admin_lease(session, admin)

    async def join(self, connection: Connection, frame: frames.Join) -> ServerFrame | None:
        user = connection.user
        session = frame.session
        if session is None:
            if user.role == "admin":
                raise Refused("bad_content", "Name the session to join; an admin has none of their own.")
            if frame.job is not None:
                await self.jobs.get(user, frame.job)
            if frame.new is not None:
                await self.allowances.spend(user.id, "conversations")
            session = await self.conversations.open(user, job=frame.job, new=frame.new)
        row = await self.conversations.row(user, session)
        if user.role == "admin" and row.seeker is not None:
            await self.users.note_conversation(user.id, row.seeker, session)
        if not row.seq and row.seeker == user.id:
            await self.greeter.greet(session)
        if session not in connection.subscriptions and len(connection.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Refused("rate_limited", f"At most {SUBSCRIPTIONS_MAX} sessions at once; leave one first.")
        async with self.hub.entering(session):
            before = self.hub.renew(connection, session)
            try:
                row = await self.conversations.row(user, session)
                joined, delivery = await self._joined(user.role == "admin", row, frame.after, frame.ref)
            except Exception:
                # Who is refused this time goes on hearing what they heard.
                if before is not None:
                    self.hub.enter(connection, session, before)
                raise
            connection.send(encode(joined))
            self.hub.enter(connection, session, delivery)
        return None

    async def _joined(
        self, admin: bool, row: SessionRow, after: int | None, ref: str | None
    ) -> tuple[Joined, Delivery]:
        reset = after is not None and after > row.seq
        if after is None or reset:
            # REST has the older ones; a phone on a bad line is to read the newest soon.
            events = newest_within(await self.store.events_before(row.id, row.seq + 1, JOINED_EVENTS_UNASKED))
            earlier = bool(events) and events[0].seq > 1
        else:
            events = await self.store.events_after(row.id, after, JOINED_EVENTS, row.seq)
            earlier = False
        seq, turn = (after if after is not None and not reset else max(row.seq - len(events), 0)), 0
        shown: list[Any] = []
        size = 0
        for event in events:
            size += len(durable(event).frame.encode())
            if shown and size > JOINED_MAX_BYTES:
                break
            seq, turn = event.seq, max(turn, event.turn)
            if event.audience == "all" or (event.audience == "admins" and admin):
                shown.append(frame_of(event))
        if seq >= row.seq:
            seq, turn = row.seq, row.turn
        answer, at = await self._running_answer(row) if seq >= row.seq else (None, 0)
        joined = Joined(
            session=info_of(row), seq=seq, turn=turn, events=shown, earlier=earlier, reset=reset, answer=answer, ref=ref
        )
        return joined, Delivery(seq, turn, at, admin=admin)

    async def _running_answer(self, row: SessionRow) -> tuple[RunningAnswer | None, int]:
        if row.running_turn is None:
            return None, 0
        pad = await self.wire.pad(row.id)
        content = pad.content if pad is not None and pad.turn == row.running_turn == row.turn else ""
        sources = await self.store.sources(row.id, refs_in(content))
        return RunningAnswer(turn=row.running_turn, content=content, sources=sources), len(content)

    async def leave(self, connection: Connection, frame: frames.Leave) -> ServerFrame | None:
        self.hub.leave(connection, frame.session)
        self.drafts.end(connection, frame.session)
        return Ok(ref=frame.ref)

    async def post(self, connection: Connection, frame: frames.Post) -> ServerFrame | None:
        if connection.user.role == "seeker":
            await self.allowances.spend(connection.user.id, "posts")
        seq = await self.conversations.post(connection.user, frame.session, frame.id, frame.content)
        return Ok(ref=frame.ref, seq=seq)

    async def stop(self, connection: Connection, frame: frames.Stop) -> ServerFrame | None:
        await self.conversations.stop(connection.user, frame.session, frame.turn)
        return Ok(ref=frame.ref)

    async def retry(self, connection: Connection, frame: frames.Retry) -> ServerFrame | None:
        await self.allowances.spend(connection.user.id, "answers")
        await self.conversations.retry(connection.user, frame.session, frame.turn)
        return Ok(ref=frame.ref)

    async def typing(self, connection: Connection, frame: frames.Typing) -> ServerFrame | None:
        if frame.session not in connection.subscriptions:
            raise Refused("not_found", "Join the session first.")
        user = connection.user
        # Of an admin who looks on the seeker knows nothing, and what they type is a note or a draft.
        aside = user.role == "admin" and (await self.conversations.glance(user, frame.session)).admin != user.id
        now = TypingNow(session=frame.session, user=Person(user.id, user.name, user.role), on=frame.on)
        self.wire.publish(frame.session, pack(Passing(None, encode(now), "admins" if aside else "all")))
        return Ok(ref=frame.ref) if frame.ref is not None else None

    async def seen(self, connection: Connection, frame: frames.Seen) -> ServerFrame | None:
        user = connection.user
        row = await self.conversations.glance(user, frame.session)
        # Who merely looks on is nobody's business but the other admins'.
        if await self.store.see(frame.session, user.id, frame.seq) and user.id in (row.seeker, row.admin):
            now = SeenNow(session=row.id, user=Person(user.id, user.name, user.role), seq=min(frame.seq, row.seq))
            self.wire.publish(row.id, pack(Passing(None, encode(now))))
        return Ok(ref=frame.ref) if frame.ref is not None else None

    async def rate(self, connection: Connection, frame: frames.Rate) -> ServerFrame | None:
        row = await self.conversations.row(connection.user, frame.session)
        if row.seeker != connection.user.id:
            raise Refused("forbidden", "Only the seeker rates what the assistant said.")
        if not await self.store.rate(row.id, frame.seq, frame.rating, frame.comment):
            raise Refused("not_found", "There is no message of the assistant at this place.")
        return Ok(ref=frame.ref)

    async def ask_human(self, connection: Connection, frame: frames.AskHuman) -> ServerFrame | None:
        await self.allowances.spend(connection.user.id, "posts")
        position = await self.conversations.ask_human(connection.user, frame.session, frame.reason)
        now = self.now()
        opens_at = self.hours.opens_at(now)
        return Ok(
            ref=frame.ref, open=self.hours.is_open(now), opens_at=instant(opens_at) if opens_at else None,
            admins=await self.availability.available(), position=position,
        )  # fmt: skip

    async def cancel_human(self, connection: Connection, frame: frames.CancelHuman) -> ServerFrame | None:
        await self.conversations.cancel_human(connection.user, frame.session)
        return Ok(ref=frame.ref)

    async def watch(self, connection: Connection, frame: frames.Watch) -> ServerFrame | None:
        _admin_only(connection)
        return await self.hub.watch(connection, frame.ref)

    async def unwatch(self, connection: Connection, frame: frames.Unwatch) -> ServerFrame | None:
        connection.watching = False
        return Ok(ref=frame.ref)

    async def available(self, connection: Connection, frame: frames.Available) -> ServerFrame | None:
        _admin_only(connection)
        connection.available = frame.on
        await self.availability.set_available([connection.user.id], frame.on)
        return Ok(ref=frame.ref)

    async def take_over(self, connection: Connection, frame: frames.TakeOver) -> ServerFrame | None:
        await self.conversations.take_over(connection.user, frame.session)
        return Ok(ref=frame.ref)

    async def transfer(self, connection: Connection, frame: frames.Transfer) -> ServerFrame | None:
        _admin_only(connection)
        await self.conversations.transfer(connection.user, frame.session, await self.users.get(frame.to))
        return Ok(ref=frame.ref)

    async def note(self, connection: Connection, frame: frames.WriteNote) -> ServerFrame | None:
        seq = await self.conversations.note(connection.user, frame.session, frame.id, frame.content)
        return Ok(ref=frame.ref, seq=seq)

    async def draft(self, connection: Connection, frame: frames.AskDraft) -> ServerFrame | None:
        _admin_only(connection)
        row = await self.conversations.row(connection.user, frame.session)
        await self.allowances.spend(connection.user.id, "answers")
        if row.seeker is not None:
            # A proposal tells what is in the resume, also to who has not joined.
            await self.users.note_conversation(connection.user.id, row.seeker, row.id)
        self.drafts.begin(connection, row, frame.hint, frame.ref)
        return Ok(ref=frame.ref)

    async def hand_back(self, connection: Connection, frame: frames.HandBack) -> ServerFrame | None:
        await self.conversations.hand_back(connection.user, frame.session)
        return Ok(ref=frame.ref)

    async def close(self, connection: Connection, frame: frames.Close) -> ServerFrame | None:
        if connection.user.role == "seeker":
            # The next join begins another.
            await self.allowances.spend(connection.user.id, "conversations")
        await self.conversations.close(connection.user, frame.session)
        return Ok(ref=frame.ref)


_HANDLERS: dict[type[Any], Handler] = {
    frames.Join: Dispatcher.join, frames.Leave: Dispatcher.leave, frames.Post: Dispatcher.post,
    frames.Stop: Dispatcher.stop, frames.Retry: Dispatcher.retry, frames.Typing: Dispatcher.typing,
    frames.Seen: Dispatcher.seen, frames.Rate: Dispatcher.rate,
    frames.AskHuman: Dispatcher.ask_human, frames.CancelHuman: Dispatcher.cancel_human,
    frames.Watch: Dispatcher.watch, frames.Unwatch: Dispatcher.unwatch, frames.Available: Dispatcher.available,
    frames.TakeOver: Dispatcher.take_over, frames.Transfer: Dispatcher.transfer,
    frames.HandBack: Dispatcher.hand_back, frames.Close: Dispatcher.close, frames.WriteNote: Dispatcher.note,
    frames.AskDraft: Dispatcher.draft,
}  # fmt: skip


def _admin_only(connection: Connection) -> None:
    if connection.user.role != "admin":
        raise Refused("forbidden", "Only an admin may do this.")


def info_of(row: SessionRow) -> SessionInfo:
    return SessionInfo(
        id=row.id, status=row.status, user=Person(row.seeker or UUID(int=0), row.seeker_name, "seeker"),
        created_at=instant(row.created_at),
        admin=Person(row.admin, row.admin_name or "", "admin") if row.admin else None,
        waiting_since=instant(row.waiting_since) if row.waiting_since else None, job=row.job,
    )  # fmt: skip
