"""What is older than it may get goes, in batches that each are whole: what a killed sweep left, the next one takes."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol
from uuid import UUID

from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

BATCH = 100
SWEEP_SECONDS = 60.0
"""A longer one goes on the next time: nobody waits for it, and it is in nobody's way."""
TRAIL_DAYS_MIN = 365
"""Who looked at whom, and who agreed to what, can be asked for at least so long."""


class Aged(Protocol):
    """Each method does at most `most` of its kind, whole or not at all, and says how many; by the database's clock.

    What somebody else holds just now is passed over. Each raises `Unavailable`.
    """

    async def erase_idle_sessions(self, days: int, most: int) -> int:
        """Conversations in which nothing happened for so long, with all that hangs on them."""
        ...

    async def trim_used_sessions(self, days: int, most: int) -> int:
        """The old part of conversations that are still used, in the log and in the array alike."""
        ...

    async def old_resumes(self, days: int, after: UUID | None, most: int) -> Sequence[tuple[UUID, str | None]]:
        """Whose resumes are left by people who were not here for so long, and where its file is; in order of ids."""
        ...

    async def erase_resume(self, user: UUID, file: str | None, days: int) -> bool:
        """False where they came back or sent another one meanwhile."""
        ...

    async def erase_unseen(self, days: int, most: int) -> int:
        """Accounts of seekers who were not here for so long and of whom no conversation is left."""
        ...

    async def sum_spend(self, days: int, most: int) -> int:
        """What each person cost on a day becomes what all of them cost."""
        ...

    async def forget_trail(self, days: int, most: int) -> int: ...


class Files(Protocol):
    async def delete(self, path: str) -> None: ...


@dataclass(slots=True)
class Swept:
    """How many of each there were."""

    sessions: int = 0
    trimmed: int = 0
    resumes: int = 0
    accounts: int = 0
    spend: int = 0
    trail: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{one.name} {getattr(self, one.name)}" for one in fields(self))

    @property
    def any(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


class Retention:
    """`monotonic` is in seconds."""

    def __init__(self, aged: Aged, files: Files, days: int, monotonic: Callable[[], float]) -> None:
        self._aged = aged
        self._files = files
        self._days = days
        self._monotonic = monotonic

    async def sweep(self) -> Swept:
        """Raises `Unavailable`; what was done by then stays done."""
        ends_at = self._monotonic() + SWEEP_SECONDS
        swept, aged, days = Swept(), self._aged, self._days
        steps: tuple[tuple[str, Callable[[], Awaitable[int]]], ...] = (
            ("sessions", lambda: aged.erase_idle_sessions(days, BATCH)),
            ("trimmed", lambda: aged.trim_used_sessions(days, BATCH)),
            ("accounts", lambda: aged.erase_unseen(days, BATCH)),
            ("spend", lambda: aged.sum_spend(days, BATCH)),
            ("trail", lambda: aged.forget_trail(max(days, TRAIL_DAYS_MIN), BATCH)),
        )
        try:
            # Before the accounts: a file whose row is gone would never be found again.
            swept.resumes = await self._resumes(ends_at)
            for name, step in steps:
                while self._monotonic() < ends_at and (done := await step()):
                    setattr(swept, name, getattr(swept, name) + done)
        finally:
            if swept.any:
                log.info("older than %d days and gone: %s", days, swept)
        return swept

    async def _resumes(self, ends_at: float) -> int:
        done, after = 0, None
        while self._monotonic() < ends_at and (old := await self._aged.old_resumes(self._days, after, BATCH)):
            for user, file in old:
                after = user
                try:
                    if file is not None:
                        await self._files.delete(file)
                except Unavailable as away:
                    log.warning("an old resume file could not be deleted and is tried again: %s", away)
                    continue
                done += await self._aged.erase_resume(user, file, self._days)
        return done
