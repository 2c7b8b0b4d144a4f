"""Money in Postgres: set aside before a call, settled after it, by purpose and person and day."""

import asyncio
import logging
from contextlib import suppress
from datetime import date
from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import acquired
from chatserver.core.guides import Spent
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

ANSWERS = "answers"
ENRICHMENT = "enrichment"
MEAN_DAYS = 30

# One lock a purpose: who answers does not wait for whoever enriches.
_LOCKS = {ANSWERS: 0x5350454E44, ENRICHMENT: 0x5350454E45}

_TODAY = "(now() at time zone 'UTC')::date"
_RESERVE = "select * from public.spend_reserve($1, $2, $3, $4, $5, $6)"
_SPENT = f"""
select coalesce(sum(reserved_usd + settled_usd), 0)::float8 from public.spend where day = {_TODAY} and purpose = $1
"""
_SETTLE = """
update public.spend set reserved_usd = greatest(reserved_usd - $4::float8::numeric(14, 6), 0),
    settled_usd = settled_usd + $5::float8::numeric(14, 6), calls = calls + case when $5::float8 > 0 then 1 else 0 end
 where day = $1 and user_id is not distinct from $2 and purpose = $3
"""
_MEAN = f"""
select (sum(settled_usd) / nullif(sum(calls), 0))::float8 from public.spend
 where purpose = $1 and calls > 0 and day > {_TODAY} - {MEAN_DAYS}
"""


class Reservation:
    """What was set aside for one call. Settled once; a process that dies leaves it standing for the day."""

    def __init__(self, pool: asyncpg.Pool, day: date, user: UUID | None, purpose: str, usd: float) -> None:
        self._pool = pool
        self._day = day
        self._user = user
        self._purpose = purpose
        self._usd = usd

    async def settle(self, usd: float) -> None:
        """Replaces the reservation by what the call cost. Raises `Unavailable`."""
        async with acquired(self._pool) as connection:
            await connection.execute(_SETTLE, self._day, self._user, self._purpose, self._usd, usd)


class _Spending:
    """Today's money for one purpose. A thousand callers at once pass a limit no more than one does."""

    def __init__(self, pool: asyncpg.Pool, purpose: str, day_usd: float, user_day_usd: float | None = None) -> None:
        self._pool = pool
        self._purpose = purpose
        self._day_usd = day_usd
        self._user_day_usd = user_day_usd
        self._said: date | None = None
        self._returning: set[asyncio.Task[None]] = set()
        self.refused = 0

    async def reserve(self, user: UUID | None, usd: float) -> Reservation | None:
        reserving = asyncio.create_task(self._reserve(user, usd))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            # Whoever asked is gone and settles nothing; what is set aside for them all the same goes back.
            returning = asyncio.create_task(_give_back(reserving))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            raise

    async def _reserve(self, user: UUID | None, usd: float) -> Reservation | None:
        async with acquired(self._pool) as connection:
            told = await connection.fetchrow(
                _RESERVE, _LOCKS[self._purpose], self._purpose, user, usd, self._day_usd, self._user_day_usd
            )
        if told["reserved"]:
            return Reservation(self._pool, told["day"], user, self._purpose, usd)
        self.refused += 1
        if not told["is_theirs"] and self._said != told["day"]:
            self._said = told["day"]
            log.warning("today's budget for %s, %g USD, is used up", self._purpose, self._day_usd)
        return None


async def _give_back(reserving: "asyncio.Task[Reservation | None]") -> None:
    # Where the database is away it stands for the day: rather counted too high than not at all.
    with suppress(Unavailable):
        if reservation := await reserving:
            await reservation.settle(0)


class DayBudget:
    """`day_usd` for everybody, `seeker_day_usd` for each; days are UTC's."""

    def __init__(self, pool: asyncpg.Pool, *, day_usd: float, seeker_day_usd: float) -> None:
        self._spending = _Spending(pool, ANSWERS, day_usd, seeker_day_usd)

    @property
    def refused(self) -> int:
        return self._spending.refused

    async def reserve(self, seeker: UUID, usd: float) -> Reservation | None:
        """None where the limit would be passed. Raises `Unavailable`."""
        return await self._spending.reserve(seeker, usd)


class EnrichmentBudget:
    """`day_usd` for all guides that a model writes; days are UTC's."""

    def __init__(self, pool: asyncpg.Pool, *, day_usd: float) -> None:
        self._pool = pool
        self._day_usd = day_usd
        self._spending = _Spending(pool, ENRICHMENT, day_usd)

    @property
    def refused(self) -> int:
        return self._spending.refused

    async def reserve(self, usd: float) -> Reservation | None:
        """None where the limit would be passed. Raises `Unavailable`."""
        return await self._spending.reserve(None, usd)

    async def spent(self) -> Spent:
        """Raises `Unavailable`."""
        async with acquired(self._pool) as connection:
            spent = await connection.fetchval(_SPENT, ENRICHMENT)
            mean = await connection.fetchval(_MEAN, ENRICHMENT)
        return Spent(self._day_usd, spent, mean)
