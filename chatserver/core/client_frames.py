"""The frames that a client sends: what each bears, and how large it may be."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from chatserver.core.protocol import (
    COMMENT_MAX_CHARACTERS,
    CONTENT_MAX_CHARACTERS,
    REASON_MAX_CHARACTERS,
    REF_MAX_CHARACTERS,
)

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
