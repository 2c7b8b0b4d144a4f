"""The nouns of ingestion: a source's run and how each of its boards fared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

SOURCES = ("deloitte", "pwc", "kpmg", "ey")

RunStatus = Literal["running", "completed", "failed"]
BoardStatus = Literal["running", "ok", "partial", "blocked", "disallowed", "changed_shape", "empty", "failed"]
"""`empty`: the site itself says that it has nothing."""


@dataclass(frozen=True, slots=True)
class BoardRun:
    """A row of `scraping_boards`."""

    board: str
    status: BoardStatus
    jobs_fetched: int
    jobs_new: int
    jobs_skipped: int
    jobs_closed: int
    errors: int
    advertised: int | None
    detail: str | None
    started_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `scraping_logs`. `detail` says why a run failed."""

    id: UUID
    source_name: str
    status: RunStatus
    jobs_fetched: int
    jobs_new: int
    jobs_skipped: int
    jobs_closed: int
    errors: int
    detail: str | None
    started_at: datetime
    completed_at: datetime | None
    requested_by: UUID | None = None
    boards: tuple[BoardRun, ...] = ()
