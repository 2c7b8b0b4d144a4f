"""What the conversations need of the log and of the wire."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.conversation import Change, State
from chatserver.core.events import Logged
from chatserver.core.protocol import Status
from chatserver.core.server_frames import SessionSummary, Source


@dataclass(frozen=True, slots=True)
class Applied:
    """What a transaction wrote. `raised`: `turn` began by it; `claimed`: this process now owns the answer of `turn`."""

    events: list[Logged]
    seq: int
    turn: int
    raised: bool
    claimed: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    id: UUID
    seeker: UUID | None
    seeker_name: str
    status: Status
    seq: int
    turn: int
    admin: UUID | None
    admin_name: str | None
    lease_over: bool
    waiting_since: datetime | None
    waiting_reason: str | None
    job: UUID | None
    created_at: datetime
    running_turn: int | None


@dataclass(frozen=True, slots=True)
class Position:
    session: UUID
    seq: int
    turn: int


class ChatTransaction(Protocol):
    """One session; `state` takes its lock."""

    async def known(self, id: UUID) -> Logged | None: ...
    async def state(self, *, unanswered: bool = False, ended_turn: bool = False) -> State: ...
    async def apply(self, state: State, change: Change, *, leaving: bool = False) -> Applied: ...
    async def sources(self, refs: Sequence[int]) -> list[Source]: ...


class ChatStore(Protocol):
    """The log. Every method raises `Unavailable` while the database does not answer."""

    def transaction(self, session: UUID) -> AbstractAsyncContextManager[ChatTransaction]: ...
    async def open(self, user: User, *, job: UUID | None, new: UUID | None) -> tuple[UUID, bool]: ...
    async def session(self, session: UUID) -> SessionRow | None: ...
    async def glance(self, session: UUID) -> SessionRow | None: ...
    async def events_after(self, session: UUID, after: int, most: int, upto: int | None = None) -> list[Logged]: ...
    async def events_before(self, session: UUID, before: int, most: int) -> list[Logged]: ...
    async def positions(self, sessions: Sequence[UUID]) -> list[Position]: ...
    async def sources(self, session: UUID, refs: Sequence[int]) -> list[Source]: ...
    async def number(self, session: UUID, matches: Sequence[tuple[UUID, dict[str, Any]]]) -> list[int]:
        """The number of each job in the session, the one that it has or the next; the jobs are distinct."""
        ...

    async def queue_position(self, session: UUID) -> int: ...
    async def renew_leases(self, running: Collection[tuple[UUID, int]]) -> set[tuple[UUID, int]]: ...
    async def give_up_leases(self) -> None: ...
    async def ownerless(self, most: int) -> list[UUID]: ...
    async def note_usage(self, session: UUID, turn: int, usage: dict[str, Any]) -> None: ...
    async def flush(self, sessions: Sequence[UUID]) -> None: ...
    async def flush_left(self, seconds: float, most: int) -> int: ...
    async def renew_admin_lease(self, session: UUID, admin: UUID) -> None: ...
    async def rate(self, session: UUID, seq: int, rating: int, comment: str | None) -> bool:
        """False where that is no message of the assistant; 0 takes a rating back."""
        ...

    async def see(self, session: UUID, user: UUID, seq: int) -> bool:
        """Notes how far somebody has read, never beyond the end and never back; whether that was news."""
        ...

    async def overdue(self, most: int) -> list[UUID]: ...
    async def end_leases_of_the_gone(self, most: int) -> None: ...
    async def unread(self, most: int) -> list[tuple[UUID, int]]: ...


class SummaryStore(Protocol):
    """What lists of sessions show. Raises `Unavailable` while the database does not answer."""

    async def lobby(self, most: int) -> list[SessionSummary]: ...
    async def some(self, sessions: Sequence[UUID]) -> list[SessionSummary]: ...
    async def page(
        self, *, seeker: UUID | None, status: str | None, q: str | None, before: tuple[datetime, UUID] | None,
        most: int, for_seeker: bool,
    ) -> list[tuple[datetime, SessionSummary]]: ...  # fmt: skip


@dataclass(frozen=True, slots=True)
class PadText:
    """The scratch pad: what was streamed of the answer of `turn`."""

    turn: int
    content: str


Listener = Callable[[str], None]


class Wire(Protocol):
    """Carries frames between nodes and may lose any of them; nothing here is awaited for an effect."""

    def publish(self, session: UUID, item: str) -> None:
        """To every node that listens to the session. Never blocks, never fails."""
        ...

    def stream(self, session: UUID, turn: int, at: int, content: str, whole: str, refused: Callable[[], None]) -> None:
        """A delta through the scratch pad. `refused` is called once where the pad holds a higher turn."""
        ...

    near: Callable[[UUID, int, int, str], None]
    """Called with (session, turn, at, content) of a delta that this node's own connections may have at once, before the
    pad has it; those of other nodes get it over the wire."""

    def arrived(self, session: UUID, turn: int, at: int) -> None:
        """This node was given the answer up to `at` over the wire; what follows exactly may be shown near by."""
        ...

    def ended(self, session: UUID, turn: int) -> None:
        """This node writes that answer no more."""
        ...

    def fence(self, session: UUID, turn: int) -> None:
        """Raises the pad's turn, so that an older answer is refused: a kindness to the bill."""
        ...

    def announce(self, session: UUID) -> None:
        """To every node with watchers: this session's summary has changed."""
        ...

    async def pad(self, session: UUID) -> PadText | None:
        """The pad, or None where it is empty or Redis does not answer within 100 ms."""
        ...

    async def listen(self, session: UUID, listener: Listener) -> Callable[[], None]:
        """Calls `listener` for every item of the session, from the return on; the result ends that."""
        ...
