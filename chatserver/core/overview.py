"""What an operator sees at a glance, and the nouns of the trail. Days are UTC's, as those of the budgets are."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from chatserver.core.access import Role
from chatserver.core.run import Run

DAYS_DEFAULT = 14
DAYS_MAX = 90
WAITING_MAX = 50


class DayFigures(msgspec.Struct, frozen=True):
    """One day of the conversations, also where nothing happened.

    Of those who asked for a person that day, `reached` were taken over; the two waits are theirs, in seconds, and null
    where there was nobody. Ratings count for the day of the answer that was rated. Runs of ingestion and their boards
    count for the day on which they began; a board that is being read is neither `read` nor `troubled`.
    """

    day: date
    sessions: int
    takeovers: int
    asked: int
    reached: int
    wait_median_seconds: float | None
    wait_p90_seconds: float | None
    ratings_up: int
    ratings_down: int
    runs: int
    runs_failed: int
    jobs_new: int
    jobs_closed: int
    boards_read: int
    boards_troubled: int


class DaySpending(msgspec.Struct, frozen=True):
    """What models cost on a day for one purpose, in US dollars.

    `reserved_usd` is what was set aside and not settled, so it counts towards the day's limit. Tokens are known of
    answers alone, and of erased people's no more; null for other purposes.
    """

    day: date
    purpose: str
    settled_usd: float
    reserved_usd: float
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None


class StatusCount(msgspec.Struct, frozen=True):
    status: str
    count: int


class WhoWaits(msgspec.Struct, frozen=True):
    """A seeker who asked for a person and has none yet."""

    session: UUID
    name: str
    since: datetime
    seconds: int
    reason: str | None


class Figures(msgspec.Struct, frozen=True):
    """What one look at the database gives. `waiting` are the longest waits, of `waiting_count` in all."""

    at: datetime
    days: tuple[DayFigures, ...]
    spending: tuple[DaySpending, ...]
    sessions: tuple[StatusCount, ...]
    jobs: tuple[StatusCount, ...]
    waiting_count: int
    waiting: tuple[WhoWaits, ...]


class Overview(Figures, frozen=True):
    """The figures, and the latest run of each source with its boards."""

    runs: tuple[Run, ...]


class Named(msgspec.Struct, frozen=True):
    """Whom the trail names; `name` is null once there is nobody of this id."""

    id: UUID
    name: str | None


class TrailEntry(msgspec.Struct, frozen=True):
    """A row of `audit_log`. Without an `actor` it was an operator at the machine."""

    id: int
    created_at: datetime
    actor: Named | None
    action: str
    subject_type: str | None
    subject: Named | None
    detail: dict[str, Any]


class Listed(msgspec.Struct, frozen=True):
    """A row of `users`, as the list of people shows it."""

    id: UUID
    email: str
    full_name: str | None
    role: Role
    deactivated: bool
    created_at: datetime | None
