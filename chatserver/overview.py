"""What an admin sees of the whole: the figures of the last days, the trail, and everybody there is."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import msgspec

from chatserver.core.access import Role
from chatserver.core.errors import Refused
from chatserver.core.overview import DAYS_DEFAULT, Figures, Listed, Overview, TrailEntry
from chatserver.core.run import SOURCES, Run

PAGE = 50
PAGE_MAX = 200
ROLES: tuple[Role, ...] = ("seeker", "provider", "admin")
ID_MAX = 2**63 - 1

Place = tuple[datetime, UUID]
"""Of somebody in the list of people."""


class OverviewStore(Protocol):
    """Every method raises `Unavailable` while the database does not answer."""

    async def figures(self, days: int) -> Figures: ...
    async def trail(
        self, *, actor: UUID | str | None, subject: UUID | str | None, before: int | None, most: int
    ) -> list[TrailEntry]:
        """Newest first; people are named by their id or their e-mail address."""
        ...

    async def people(
        self, *, q: str | None, role: Role | None, before: Place | None, most: int
    ) -> list[tuple[datetime, Listed]]:
        """Newest first, each with the moment that it is sorted by; `q` is looked for in names and addresses."""
        ...


class LatestRuns(Protocol):
    async def latest(self, sources: Sequence[str]) -> list[Run]: ...


class Overviews:
    """For admins; whoever calls sees to that."""

    def __init__(self, store: OverviewStore, runs: LatestRuns) -> None:
        self._store = store
        self._runs = runs

    async def look(self, days: int = DAYS_DEFAULT) -> Overview:
        figures = await self._store.figures(days)
        return Overview(**msgspec.structs.asdict(figures), runs=tuple(await self._runs.latest(SOURCES)))

    async def trail(
        self, *, actor: str | None, subject: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[TrailEntry], str | None]:
        """Who did what, newest first, and the cursor of the next page."""
        before = None
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > len(str(ID_MAX)) or int(cursor) > ID_MAX:
                raise _foreign_cursor()
            before = int(cursor)
        limit = max(1, min(limit, PAGE_MAX))
        found = await self._store.trail(
            actor=_somebody("actor", actor), subject=_somebody("subject", subject), before=before, most=limit + 1
        )
        page = found[:limit]
        return page, str(page[-1].id) if len(found) > limit else None

    async def people(
        self, *, q: str | None, role: str | None, cursor: str | None, limit: int
    ) -> tuple[Sequence[Listed], str | None]:
        """Everybody there is, newest first, and the cursor of the next page."""
        wanted = next((one for one in ROLES if one == role), None)
        if role is not None and wanted is None:
            raise Refused("bad_content", f"`role` is one of {', '.join(ROLES)}.")
        limit = max(1, min(limit, PAGE_MAX))
        before = _opened(cursor) if cursor is not None else None
        found = await self._store.people(q=q, role=wanted, before=before, most=limit + 1)
        following = _sealed(found[limit - 1][0], found[limit - 1][1].id) if len(found) > limit else None
        return [one for _, one in found[:limit]], following


def _somebody(name: str, text: str | None) -> UUID | str | None:
    if text is None or "@" in text:
        return text
    try:
        return UUID(text)
    except ValueError:
        raise Refused("bad_content", f"`{name}` is the id of a user or their e-mail address.") from None


def _foreign_cursor() -> Refused:
    return Refused("bad_content", "This cursor belongs to another list; start again without one.")


def _sealed(moment: datetime, id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {id}".encode()).decode()


def _opened(cursor: str) -> Place:
    try:
        moment, _, id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        at = datetime.fromisoformat(moment)
        place = at.astimezone(UTC), UUID(id)
    except (ValueError, OverflowError, binascii.Error):
        raise _foreign_cursor() from None
    if at.tzinfo is None:
        raise _foreign_cursor()
    return place
