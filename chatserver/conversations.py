"""The only writer of conversations: each command is one transaction, then it is published."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid5

import msgspec

from chatserver.core import conversation as rules
from chatserver.core.access import User, may_see_session
from chatserver.core.chat_ports import Applied, ChatStore, ChatTransaction, PadText, SessionRow, Wire
from chatserver.core.conversation import Change, Event, Pad, State
from chatserver.core.delivery import pack
from chatserver.core.errors import Refused
from chatserver.core.events import durable
from chatserver.core.observer import UNOBSERVED, Observer
from chatserver.core.references import refs_in

log = logging.getLogger(__name__)

Decide = Callable[[ChatTransaction, State], Awaitable[Change | None]]


class Conversations:
    """Commands on sessions. Each raises `Refused`, or `Unavailable` while the database does not answer.

    `claimed` is told of each answer that this process now owns, `moved` of each session whose turn went on.
    """

    def __init__(
        self, store: ChatStore, wire: Wire, assistant: dict[str, Any], observer: Observer = UNOBSERVED
    ) -> None:
        self._observer = observer
        self._store = store
        self._wire = wire
        self._assistant = assistant
        """The author of what was streamed so far, where another process cuts it."""
        self.may_claim: Callable[[], bool] = lambda: True
        """A node that is full or on its way out still commits; the answers it claims are any node's."""
        self.claimed: Callable[[UUID, int], None] = lambda session, turn: None
        self.moved: Callable[[UUID, int], None] = lambda session, turn: None
        self.touched: set[UUID] = set()
        """Sessions whose `conversation_log` this process has to bring up to date."""

    # Reading

    async def row(self, viewer: User, session: UUID) -> SessionRow:
        """The session, where the viewer may see it; else `not_found`, as if there were none."""
        row = await self._store.session(session)
        return _seen_by(viewer, row)

    async def glance(self, viewer: User, session: UUID) -> SessionRow:
        """The same, without asking whether another writer left something in `conversation_log`."""
        return _seen_by(viewer, await self._store.glance(session))

    async def open(self, user: User, *, job: UUID | None = None, new: UUID | None = None) -> UUID:
        """The seeker's latest open session (for the job), or a new one; with `new` a new one, once per UUID."""
        if user.role != "seeker":
            raise Refused("forbidden", "Only a seeker opens a conversation; name the session to join.")
        session, _ = await self._store.open(user, job=job, new=new)
        return session

    # Writing

    async def post(self, by: User, session: UUID, id: UUID, content: str) -> int:
        """Stores a message under its id, once, and returns its `seq`."""
        pad = await self._wire.pad(session)
        async with self._store.transaction(session) as tx:
            state = await self._own(tx, by)
            known = await tx.known(id)
            if known is None:
                change = rules.post(state, by, id, content, await self._kept(tx, state, pad))
                applied = await tx.apply(state, change, leaving=not self.may_claim())
        if known is None:
            self._publish(session, applied)
            return next(event.seq for event in applied.events if event.id == id)
        if known.kind != "message" or known.author_id != by.id:
            raise Refused("conflict", "This id belongs to another message; use a new UUID for each message.")
        return known.seq

    async def note(self, by: User, session: UUID, id: UUID, content: str) -> int:
        """Stores a note under its id, once, and returns its `seq`."""
        _must_be_admin(by)
        async with self._store.transaction(session) as tx:
            state = await self._own(tx, by)
            known = await tx.known(id)
            if known is None:
                applied = await tx.apply(state, rules.note(by, id, content))
        if known is None:
            self._publish(session, applied)
            return applied.events[0].seq
        if known.kind != "note" or known.author_id != by.id:
            raise Refused("conflict", "This id belongs to something else; use a new UUID for each note.")
        return known.seq

    async def transfer(self, by: User, session: UUID, to: User | None) -> None:
        _must_be_admin(by)
        await self._change(session, by, lambda state, _: rules.transfer(state, by, to))

    async def take_over(self, admin: User, session: UUID) -> None:
        _must_be_admin(admin)
        pad = await self._wire.pad(session)
        waited: float | None = None

        def decide(state: State, kept: Pad | None) -> Change | None:
            nonlocal waited
            waited = state.waited_seconds
            return rules.take_over(state, admin, kept)

        if await self._change(session, admin, decide, pad=pad):
            self._observer.was_taken_over(waited)

    async def hand_back(self, by: User, session: UUID) -> None:
        _must_be_admin(by)
        await self._change(session, by, lambda state, _: rules.hand_back(state, by), unanswered=True)

    async def close(self, by: User, session: UUID) -> None:
        pad = await self._wire.pad(session)
        await self._change(session, by, lambda state, kept: rules.close(state, by, kept), pad=pad)

    async def stop(self, by: User | None, session: UUID, turn: int) -> None:
        pad = await self._wire.pad(session)
        await self._change(session, by, lambda state, kept: rules.stop(state, by, turn, kept), pad=pad)

    async def retry(self, by: User, session: UUID, turn: int) -> None:
        await self._change(session, by, lambda state, _: rules.retry(state, turn), ended_turn=True)

    async def ask_human(self, by: User, session: UUID, reason: str | None) -> int:
        """The place in the queue, from 1."""
        if by.role != "seeker":
            raise Refused("forbidden", "Only the seeker asks for a person.")
        await self._change(session, by, lambda state, _: rules.ask_human(state, by, reason))
        return await self._store.queue_position(session)

    async def cancel_human(self, by: User, session: UUID) -> None:
        await self._change(session, by, lambda state, _: rules.cancel_human(state, by))

    # What the assistant's side does

    async def greet(self, session: UUID, content: str, said: dict[str, Any], refs: Sequence[int]) -> None:
        """The first message of a session, once whoever asks; void where something was said already."""
        async with self._store.transaction(session) as tx:
            state = await tx.state()
            if state.seq:
                return
            meta: dict[str, Any] = {**said, "code": "greeting"}
            if found := await tx.sources(refs):
                meta["sources"] = msgspec.to_builtins(found)
            event = Event("message", content, "assistant", uuid5(session, "greeting"), meta=meta)
            applied = await tx.apply(state, Change((event,)))
        self._publish(session, applied)

    async def finish(self, session: UUID, turn: int, content: str, said: dict[str, Any], refs: Sequence[int]) -> bool:
        """The whole answer of `turn`, with who wrote it and what they knew as its meta.

        False where the turn is over and nothing was written.
        """

        async def decide(tx: ChatTransaction, state: State) -> Change | None:
            meta: dict[str, Any] = dict(said)
            if found := await tx.sources(refs):
                meta["sources"] = msgspec.to_builtins(found)
            return rules.finish(state, turn, Event("message", content, "assistant", meta=meta))

        return await self._decide(session, decide)

    async def fail(self, session: UUID, turn: int, code: str, content: str) -> bool:
        async def decide(tx: ChatTransaction, state: State) -> Change | None:
            return rules.fail(state, turn, code, await self._pad_of(tx, content))

        return await self._decide(session, decide)

    async def reap(self, session: UUID) -> None:
        """Goes on with an answer whose owner died, or gives it up after the third."""
        pad = await self._wire.pad(session)
        await self._change(session, None, rules.reap, pad=pad)

    async def answer_asks_human(self, session: UUID, turn: int, reason: str | None) -> bool:
        """The assistant's own call for a person; void once its turn is over."""
        return await self._change(session, None, lambda state, _: rules.ask_human(state, None, reason, turn))

    async def take_back(self, session: UUID) -> None:
        """Hands the session back to the assistant, if its admin is gone while a message waits."""

        async def decide(tx: ChatTransaction, state: State) -> Change | None:
            return rules.hand_back(state, None) if rules.system_may_hand_back(state) else None

        await self._decide(session, decide, unanswered=True)

    # How a command runs

    async def _kept(self, tx: ChatTransaction, state: State, text: PadText | None) -> Pad | None:
        """The pad's text if it is of exactly the running turn, with the sources that it names."""
        if text is None or state.running is None or text.turn != state.running.turn:
            return None
        return await self._pad_of(tx, text.content)

    async def _pad_of(self, tx: ChatTransaction, content: str) -> Pad | None:
        if not content:
            return None
        found = await tx.sources(refs_in(content))
        return Pad(content, tuple(msgspec.to_builtins(source) for source in found), self._assistant)

    async def _own(self, tx: ChatTransaction, by: User | None, **reads: bool) -> State:
        state = await tx.state(**reads)
        if by is not None and not may_see_session(by, state.seeker):
            raise Refused("not_found", "There is no such conversation.")
        return state

    async def _change(
        self, session: UUID, by: User | None, decide: Callable[[State, Pad | None], Change | None],
        *, pad: PadText | None = None, **reads: bool,
    ) -> bool:  # fmt: skip
        async def with_pad(tx: ChatTransaction, state: State) -> Change | None:
            return decide(state, await self._kept(tx, state, pad))

        return await self._decide(session, with_pad, by=by, **reads)

    async def _decide(self, session: UUID, decide: Decide, *, by: User | None = None, **reads: bool) -> bool:
        async with self._store.transaction(session) as tx:
            state = await self._own(tx, by, **reads)
            change = await decide(tx, state)
            if change is None:
                return False
            applied = await tx.apply(state, change, leaving=not self.may_claim())
        self._publish(session, applied)
        return True

    def _publish(self, session: UUID, applied: Applied) -> None:
        """After the commit; nobody depends on it."""
        self.touched.add(session)
        if applied.raised:
            self._wire.fence(session, applied.turn)
            self.moved(session, applied.turn)
        for event in applied.events:
            self._wire.publish(session, pack(durable(event)))
        self._wire.announce(session)
        if applied.claimed:
            self.claimed(session, applied.turn)


def _seen_by(viewer: User, row: SessionRow | None) -> SessionRow:
    if row is None or not may_see_session(viewer, row.seeker):
        raise Refused("not_found", "There is no such conversation.")
    return row


def _must_be_admin(user: User) -> None:
    if user.role != "admin":
        raise Refused("forbidden", "Only an admin may do this.")
