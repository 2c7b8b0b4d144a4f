"""From a row of the log to the frame that clients get, and who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET

from chatserver.core.codec import encode
from chatserver.core.conversation import SYSTEM
from chatserver.core.delivery import Audience, Durable
from chatserver.core.protocol import MessageRole, Status
from chatserver.core.server_frames import Author, Message, Note, Person, Source, StatusChanged


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of `chat_messages`."""

    session: UUID
    seq: int
    id: UUID
    turn: int
    of_turn: int | None
    kind: str
    role: MessageRole | None
    author_id: UUID | None
    content: str
    meta: Mapping[str, Any]
    created_at: datetime

    @property
    def audience(self) -> Audience:
        """Notes are for admins; hidden context that another writer left is counted and shown to nobody."""
        if self.meta.get("hidden"):
            return "nobody"
        return "admins" if self.kind == "note" else "all"


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: the form of every timestamp on the wire and in `conversation_log`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def frame_of(row: Logged) -> Message | Note | StatusChanged:
    """The whole frame of a durable event."""
    if row.kind == "status":
        by = row.meta.get("by", SYSTEM)
        return StatusChanged(
            session=row.session, seq=row.seq, turn=row.turn, of_turn=row.of_turn,
            status=cast(Status, row.content), by=SYSTEM if by == SYSTEM else msgspec.convert(by, Person),
            reason=str(row.meta.get("reason", "")), timestamp=instant(row.created_at),
            to=msgspec.convert(row.meta["to"], Person) if "to" in row.meta else None,
        )  # fmt: skip
    author = row.meta.get("author")
    if row.kind == "note":
        return Note(
            session=row.session, seq=row.seq, turn=row.turn, id=row.id, content=row.content,
            timestamp=instant(row.created_at), author=msgspec.convert(author, Author) if author else None,
        )  # fmt: skip
    sources = row.meta.get("sources")
    return Message(
        session=row.session, seq=row.seq, turn=row.turn, id=row.id, role=row.role or "system", content=row.content,
        timestamp=instant(row.created_at), author=msgspec.convert(author, Author) if author else None,
        sources=msgspec.convert(sources, list[Source]) if sources else UNSET,
        interrupted=bool(row.meta.get("interrupted")), of_turn=row.of_turn,
        code=row.meta.get("code"), params=row.meta.get("params"), rating=row.meta.get("rating"),
        comment=row.meta.get("rating_comment"),
    )  # fmt: skip


def durable(row: Logged) -> Durable:
    """The row as it is delivered."""
    return Durable(row.seq, row.turn, encode(frame_of(row)), row.audience)
