"""Which sessions this process listens to, and for whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from chatserver.core.chat_ports import Wire

Member = TypeVar("Member")


@dataclass(slots=True)
class _Room(Generic[Member]):
    listening: asyncio.Task[Callable[[], None]]
    members: set[Member] = field(default_factory=set)
    entering: int = 0
    """Who has begun to read the log and is no member yet: what is published meanwhile is for them too."""


class Rooms(Generic[Member]):
    """One subscription of the wire for each session that has members; `heard` is called with what comes over it."""

    def __init__(self, wire: Wire, heard: Callable[[UUID, str], None]) -> None:
        self._wire = wire
        self._heard = heard
        self._rooms: dict[UUID, _Room[Member]] = {}

    def __iter__(self) -> Iterator[UUID]:
        return iter(tuple(self._rooms))

    def __len__(self) -> int:
        return len(self._rooms)

    def members(self, session: UUID) -> tuple[Member, ...]:
        room = self._rooms.get(session)
        return tuple(room.members) if room else ()

    @asynccontextmanager
    async def entering(self, session: UUID) -> AsyncIterator[None]:
        """Within it the wire is listened to, whoever else leaves: nothing is missed, only doubled."""
        room = self._rooms.get(session)
        if room is None:
            listening = asyncio.ensure_future(self._wire.listen(session, lambda item: self._heard(session, item)))
            room = self._rooms[session] = _Room(listening)
        room.entering += 1
        try:
            # Others wait for the same word of the wire; who gives up does not take it from them.
            await asyncio.shield(room.listening)
            yield
        finally:
            room.entering -= 1
            self._close_if_empty(session)

    def add(self, session: UUID, member: Member) -> None:
        """Only within `entering`."""
        self._rooms[session].members.add(member)

    def remove(self, session: UUID, member: Member) -> None:
        if room := self._rooms.get(session):
            room.members.discard(member)
            self._close_if_empty(session)

    def _close_if_empty(self, session: UUID) -> None:
        room = self._rooms.get(session)
        if room is None or room.members or room.entering:
            return
        del self._rooms[session]
        room.listening.add_done_callback(_end)


def _end(listening: asyncio.Task[Callable[[], None]]) -> None:
    if not listening.cancelled() and listening.exception() is None:
        listening.result()()
