"""Conversations as lists and pages: for the lobby's search, the history of a seeker, and transcripts."""

import base64
import binascii
import builtins
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from chatserver.core.access import User, may_see_session
from chatserver.core.chat_ports import ChatStore, SessionRow, SummaryStore
from chatserver.core.errors import Refused
from chatserver.core.events import Logged, frame_of

PAGE_MAX = 200


class Reading:
    """Every method shows a viewer only what `access` lets them see; the rest is `not_found`."""

    def __init__(self, store: ChatStore, summaries: SummaryStore) -> None:
        self._store = store
        self._summaries = summaries

    async def list(
        self, viewer: User, *, status: str | None, q: str | None, cursor: str | None, limit: int,
        seeker: UUID | None = None,
    ) -> tuple[builtins.list[dict[str, Any]], str | None]:  # fmt: skip
        """The newest first, one's own or for an admin all or one `seeker`'s; and the cursor of the next page."""
        if viewer.role == "provider":
            raise Refused("forbidden", "Providers have no conversations.")
        most = max(1, min(limit, PAGE_MAX))
        own = viewer.role != "admin"
        page = await self._summaries.page(
            seeker=viewer.id if own else seeker, status=status, q=q, before=_opened(cursor) if cursor else None,
            most=most + 1, for_seeker=own,
        )  # fmt: skip
        items = [msgspec.to_builtins(summary) for _, summary in page[:most]]
        following = _sealed(page[most - 1][0], page[most - 1][1].id) if len(page) > most else None
        return items, following

    async def summary(self, viewer: User, session: UUID) -> dict[str, Any]:
        await self.row(viewer, session)
        found = await self._summaries.some([session])
        summary: dict[str, Any] = msgspec.to_builtins(found[0])
        return summary

    async def row(self, viewer: User, session: UUID) -> SessionRow:
        row = await self._store.session(session)
        if row is None or not may_see_session(viewer, row.seeker):
            raise Refused("not_found", "There is no such conversation.")
        return row

    async def events(
        self, viewer: User, session: UUID, *, after: int | None, before: int | None, limit: int
    ) -> builtins.list[dict[str, Any]]:
        """Frames as on the wire, oldest first: those after a position, those before one, or the last ones."""
        row = await self.row(viewer, session)
        most = max(1, min(limit, PAGE_MAX))
        if after is not None:
            rows = await self._store.events_after(session, after, most, before - 1 if before is not None else None)
        else:
            rows = await self._store.events_before(session, before if before is not None else row.seq + 1, most)
        return _shown(rows, viewer)

    async def page_after(self, viewer: User, session: UUID, seq: int) -> tuple[builtins.list[dict[str, Any]], int]:
        """The next page of events and the position that it reaches, which is `seq` at the end."""
        await self.row(viewer, session)
        rows = await self._store.events_after(session, seq, PAGE_MAX)
        return _shown(rows, viewer), rows[-1].seq if rows else seq


def _shown(rows: Sequence[Logged], viewer: User) -> list[dict[str, Any]]:
    admin = viewer.role == "admin"
    return [
        msgspec.to_builtins(frame_of(one))
        for one in rows
        if one.audience == "all" or (one.audience == "admins" and admin)
    ]


def _sealed(moment: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {id}".encode()).decode()


def _opened(cursor: str) -> tuple[datetime, UUID]:
    try:
        moment, _, id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        # In UTC, as it is compared: what is no moment there is none at all.
        return datetime.fromisoformat(moment).astimezone(UTC), UUID(id)
    except (ValueError, OverflowError, binascii.Error):
        raise Refused("bad_content", "This cursor is not one of ours; start from the first page.") from None
