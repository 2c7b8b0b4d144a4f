"""Runs of ingestion as an admin sees them and asks for them; workers do them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.core.run import SOURCES, Run

PAGE = 20
PAGE_MAX = 100


class RunLog(Protocol):
    """The rows of runs. Every method raises `Unavailable` while the database does not answer."""

    async def ask(self, source: str, by: UUID | None) -> Run | None: ...
    async def recent(self, most: int, before: datetime | None = None) -> list[Run]: ...


class Runs:
    def __init__(self, log: RunLog) -> None:
        self._log = log

    async def ask(self, by: User | None, source: str) -> Run:
        """A run that a bulk worker takes up within seconds. `Refused` where the source is unknown or runs already.

        `by` is None for somebody at the command line.
        """
        if by is not None and by.role != "admin":
            raise Refused("forbidden", "Only an admin asks for a run.")
        if source not in SOURCES:
            raise Refused("bad_content", f"{source!r} is no source; name one of {', '.join(SOURCES)}.")
        run = await self._log.ask(source, by.id if by else None)
        if run is None:
            raise Refused("conflict", f"A run of {source} is under way or waits already; look at it instead.")
        return run

    async def recent(self, *, limit: int = PAGE, cursor: str | None = None) -> tuple[Sequence[Run], str | None]:
        """Newest first, and the cursor of the next page."""
        before = None
        if cursor is not None:
            try:
                moment = datetime.fromisoformat(cursor)
                before = moment.astimezone(UTC) if moment.tzinfo is not None else None
            except (ValueError, OverflowError):
                before = None
            if before is None:
                raise Refused("bad_content", "This cursor belongs to another list; start again without one.")
        limit = max(1, min(limit, PAGE_MAX))
        found = await self._log.recent(limit + 1, before)
        page = found[:limit]
        return page, page[-1].started_at.isoformat().replace("+00:00", "Z") if len(found) > limit else None
