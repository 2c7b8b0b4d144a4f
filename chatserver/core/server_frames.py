"""The frames that the server sends, and what they are made of."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chatserver.core.errors import Code
from chatserver.core.protocol import MessageRole, Status


class ServerFrame(Struct, tag_field="type", kw_only=True, omit_defaults=True):
    """What the server says; fields without a value are left out."""


class Person(Struct, frozen=True, omit_defaults=True):
    id: UUID
    name: str
    role: str | None = None


class Author(Struct, frozen=True, omit_defaults=True):
    """Who speaks. `kind` is seeker, admin, anthropic, offline or system; `model` is the language model that wrote."""

    name: str
    kind: str
    id: UUID | None = None
    model: str | None = None


class SourceReason(Struct, frozen=True):
    resume: str
    job: str


class Source(Struct, frozen=True, omit_defaults=True):
    """A retrieved job under its number in the session; `status` is as of reading."""

    ref: str
    job: UUID
    title: str
    company: str
    status: str
    reasons: list[SourceReason] = msgspec.field(default_factory=list)
    location: str | None = None
    apply_url: str | None = None
    matched_skills: list[str] = msgspec.field(default_factory=list)
    missing_skills: list[str] = msgspec.field(default_factory=list)


class AssistantInfo(Struct, frozen=True):
    kind: Literal["anthropic", "offline"]
    model: str


class Welcome(ServerFrame, tag="welcome"):
    user: Person
    assistant: AssistantInfo
    heartbeat_seconds: int
    limits: dict[str, int]
    node: str
    ref: str | None = None


class Ok(ServerFrame, tag="ok"):
    ref: str | None = None
    seq: int | None = None
    turn: int | None = None
    open: bool | None = None
    opens_at: str | None = None
    admins: int | None = None
    position: int | None = None


class Error(ServerFrame, tag="error"):
    code: Code
    message: str
    ref: str | None = None
    retry_after: float | None = None


class SessionInfo(Struct, frozen=True, omit_defaults=True):
    id: UUID
    status: Status
    user: Person
    created_at: str
    admin: Person | None = None
    waiting_since: str | None = None
    job: UUID | None = None


class RunningAnswer(Struct):
    turn: int
    content: str
    sources: list[Source]


class Joined(ServerFrame, tag="joined"):
    session: SessionInfo
    seq: int
    turn: int
    events: list[Any]
    earlier: bool = False
    reset: bool = False
    answer: RunningAnswer | None = None
    ref: str | None = None


class Message(ServerFrame, tag="message"):
    session: UUID
    seq: int
    turn: int
    id: UUID
    role: MessageRole
    content: str
    timestamp: str
    author: Author | None = None
    sources: list[Source] | UnsetType = UNSET
    interrupted: bool = False
    of_turn: int | None = None
    code: str | None = None
    params: dict[str, Any] | None = None
    rating: int | None = None
    comment: str | None = None
    """Why the seeker rated it so."""


class Note(ServerFrame, tag="note"):
    """What admins write for each other beside the conversation."""

    session: UUID
    seq: int
    turn: int
    id: UUID
    content: str
    timestamp: str
    author: Author | None = None


class StatusChanged(ServerFrame, tag="status"):
    session: UUID
    seq: int
    turn: int
    status: Status
    by: Person | Literal["system"]
    reason: str
    timestamp: str
    of_turn: int | None = None
    to: Person | None = None


class Answering(ServerFrame, tag="answering"):
    session: UUID
    turn: int
    phase: Literal["matching", "thinking", "writing"]
    detail: str | None = None
    sources: list[Source] | UnsetType = UNSET


class Delta(ServerFrame, tag="delta"):
    session: UUID
    turn: int
    at: int
    content: str


class Rebase(ServerFrame, tag="rebase"):
    session: UUID
    turn: int
    content: str


class TypingNow(ServerFrame, tag="typing"):
    session: UUID
    user: Person
    on: bool


class SeenNow(ServerFrame, tag="seen"):
    session: UUID
    user: Person
    seq: int


class PresenceNow(ServerFrame, tag="presence"):
    """Who has the session open; without a new word it is over after `seconds`. To admins only."""

    session: UUID
    user: Person
    on: bool
    seconds: int | None = None


class DraftDelta(ServerFrame, tag="draft_delta"):
    """A piece of a proposal, to the connection that asked for it under `ref`."""

    session: UUID
    at: int
    content: str
    ref: str | None = None


class Draft(ServerFrame, tag="draft"):
    """The whole proposal, which replaces its pieces; or why there is none.

    `failed` is a code as of an answer; or `not_holder`, `closed` or `not_found` once the session is not the asker's.
    """

    session: UUID
    content: str
    author: Author
    sources: list[Source] = msgspec.field(default_factory=list)
    failed: str | None = None
    ref: str | None = None


class SessionSummary(Struct, frozen=True, omit_defaults=True):
    id: UUID
    user: Person
    status: Status
    unread: int
    updated_at: str
    admin: Person | None = None
    waiting_since: str | None = None
    reason: str | None = None
    urgent_since: str | None = None
    """Words of self-harm were found, and nobody has handed the session back since."""
    last: str | None = None
    lease_over: bool = False


class Lobby(ServerFrame, tag="lobby"):
    sessions: list[SessionSummary]
    ref: str | None = None


class LobbyChanged(ServerFrame, tag="lobby_changed"):
    sessions: list[SessionSummary]
    gone: list[UUID] = msgspec.field(default_factory=list)


class Heartbeat(ServerFrame, tag="heartbeat"):
    pass


class Reconnect(ServerFrame, tag="reconnect"):
    after_ms: int


AnyServerFrame = (
    Welcome | Ok | Error | Joined | Message | Note | StatusChanged | Answering | Delta | Rebase | TypingNow | SeenNow
    | PresenceNow | DraftDelta | Draft | Lobby | LobbyChanged | Heartbeat | Reconnect
)  # fmt: skip
