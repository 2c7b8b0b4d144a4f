"""The frames of the socket: what each bears, how large it may be, and which close codes there are."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chatserver.core.errors import Code, Refused, quoted

FRAME_MAX_BYTES = 128 * 1024
CONTENT_MAX_CHARACTERS = 8_000
REF_MAX_CHARACTERS = 64
REASON_MAX_CHARACTERS = 500
COMMENT_MAX_CHARACTERS = 1_000
HELLO_SECONDS = 5.0
HEARTBEAT_SECONDS = 20
PRESENCE_SECONDS = 50
"""Two and a half heartbeats: a node that died says no goodbye for those it had."""
JOINED_EVENTS = 200
JOINED_EVENTS_UNASKED = 50
JOINED_MAX_BYTES = 256 * 1024
LOBBY_MAX = 200
BAD_FRAMES_PER_MINUTE = 10

CLOSE_GOING_AWAY = 1012
CLOSE_TOO_LARGE = 1009
CLOSE_INTERNAL = 1011
CLOSE_BAD_PROTOCOL = 4400
CLOSE_UNAUTHORIZED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_TOO_SLOW = 4408
CLOSE_TOO_MANY = 4429

Status = Literal["active_ai", "active_human", "closed"]
MessageRole = Literal["user", "assistant", "admin", "system"]

Ref = Annotated[str, Meta(max_length=REF_MAX_CHARACTERS)]
Content = Annotated[str, Meta(min_length=1, max_length=CONTENT_MAX_CHARACTERS)]
Token = Annotated[str, Meta(min_length=1, max_length=16_384)]
Reason = Annotated[str, Meta(max_length=REASON_MAX_CHARACTERS)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class ClientFrame(Struct, tag_field="type", kw_only=True, omit_defaults=True):
    """What every frame of a client may bear: `ref`, which comes back in the answer to it."""

    ref: Ref | None = None


class Hello(ClientFrame, tag="hello"):
    token: Token


class Auth(ClientFrame, tag="auth"):
    token: Token


class Join(ClientFrame, tag="join"):
    session: UUID | None = None
    after: Count | None = None
    job: UUID | None = None
    new: UUID | None = None


class Leave(ClientFrame, tag="leave"):
    session: UUID


class Post(ClientFrame, tag="post"):
    session: UUID
    id: UUID
    content: Content


class Stop(ClientFrame, tag="stop"):
    session: UUID
    turn: Count


class Retry(ClientFrame, tag="retry"):
    session: UUID
    turn: Count


class Typing(ClientFrame, tag="typing"):
    session: UUID
    on: bool


class Seen(ClientFrame, tag="seen"):
    session: UUID
    seq: Count


class Rate(ClientFrame, tag="rate"):
    session: UUID
    seq: Count
    rating: Literal[1, 0, -1]
    comment: Annotated[str, Meta(max_length=COMMENT_MAX_CHARACTERS)] | None = None


class AskHuman(ClientFrame, tag="ask_human"):
    session: UUID
    reason: Reason | None = None


class CancelHuman(ClientFrame, tag="cancel_human"):
    session: UUID


class Watch(ClientFrame, tag="watch"):
    pass


class Unwatch(ClientFrame, tag="unwatch"):
    pass


class Available(ClientFrame, tag="available"):
    on: bool


class TakeOver(ClientFrame, tag="take_over"):
    session: UUID


class HandBack(ClientFrame, tag="hand_back"):
    session: UUID


class Transfer(ClientFrame, tag="transfer"):
    session: UUID
    to: UUID


class Close(ClientFrame, tag="close"):
    session: UUID


class WriteNote(ClientFrame, tag="note"):
    session: UUID
    id: UUID
    content: Content


class AskDraft(ClientFrame, tag="draft"):
    session: UUID
    hint: Reason | None = None


AnyClientFrame = (
    Hello | Auth | Join | Leave | Post | Stop | Retry | Typing | Seen | Rate | AskHuman | CancelHuman
    | Watch | Unwatch | Available | TakeOver | Transfer | HandBack | Close | WriteNote | AskDraft
)  # fmt: skip


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
    """The whole proposal, which replaces its pieces; or why there is none (`failed`, a code as of an answer)."""

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

_decoder = msgspec.json.Decoder(AnyClientFrame)
_encoder = msgspec.json.Encoder()
_TEXTS = ("content", "reason", "comment", "hint")
_ref_only = msgspec.json.Decoder(dict[str, Any])


def decode(text: str | bytes) -> AnyClientFrame:
    """One client frame. Raises `Refused`: `bad_content` for text nobody may store, `bad_frame` for all else."""
    try:
        frame: AnyClientFrame = _decoder.decode(text)
    except msgspec.ValidationError as wrong:
        sentence = quoted(wrong)
        if sentence.endswith("at `$.content`"):
            raise Refused(
                "bad_content", f"A message has 1 to {CONTENT_MAX_CHARACTERS:,} characters; shorten it or split it."
            ) from None
        raise Refused("bad_frame", f"This frame was not understood: {sentence}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("bad_frame", "This frame is not one JSON object; send one object a frame.") from None
    content = next((said for name in _TEXTS if (said := getattr(frame, name, None))), "")
    if "\x00" in content or any(0xD800 <= ord(character) <= 0xDFFF for character in content):
        raise Refused("bad_content", "The text bears a character that cannot be stored (U+0000); remove it.")
    if isinstance(frame, Post | WriteNote) and not frame.content.strip():
        raise Refused("bad_content", "The message is empty; write something first.")
    return frame


def ref_of(text: str | bytes) -> str | None:
    """The `ref` of a frame that was not understood, as far as it has a usable one."""
    try:
        ref = _ref_only.decode(text).get("ref")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return ref if isinstance(ref, str) and len(ref) <= REF_MAX_CHARACTERS else None


def encode(frame: Struct) -> str:
    return _encoder.encode(frame).decode()
