"""Money in Postgres: set aside before a call, settled after it, per person and for the installation, by the day."""

from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import AWAY, reason
from chatserver.core.ports import Unavailable

PURPOSE = "answers"
_LOCK = 0x5350454E44  # "SPEND"

_SPENT = """
select coalesce(sum(reserved_usd + settled_usd), 0)::float8 as everybody,
       coalesce(sum(reserved_usd + settled_usd) filter (where user_id = $2), 0)::float8 as theirs
  from public.spend where day = (now() at time zone 'UTC')::date and purpose = $1
"""


class Reservation:
    """What was set aside for one call. Settled once; a process that dies leaves it standing for the day."""

    def __init__(self, pool: asyncpg.Pool, day: object, user: UUID, usd: float) -> None:
        self._pool = pool
        self._day = day
        self._user = user
        self._usd = usd

    async def settle(self, usd: float) -> None:
        """Replaces the reservation by what the call cost. Raises `Unavailable`."""
        try:
            await self._pool.execute(
                "update public.spend set reserved_usd = greatest(reserved_usd - $4::float8::numeric(14, 6), 0),"
                " settled_usd = settled_usd + $5::float8::numeric(14, 6)"
                " where day = $1 and user_id = $2 and purpose = $3", self._day, self._user, PURPOSE, self._usd, usd,
            )  # fmt: skip
        except AWAY as error:
            raise Unavailable(f"The database does not answer just now ({reason(error)}).") from error


class DayBudget:
    """`day_usd` for everybody, `seeker_day_usd` for each; days are UTC's."""

    def __init__(self, pool: asyncpg.Pool, *, day_usd: float, seeker_day_usd: float) -> None:
        self._pool = pool
        self._day_usd = day_usd
        self._seeker_day_usd = seeker_day_usd
        self.refused = 0

    async def reserve(self, seeker: UUID, usd: float) -> Reservation | None:
        """None where the limit would be passed. A thousand callers at once pass it no more than one does."""
        try:
            async with self._pool.acquire(timeout=10) as connection, connection.transaction():
                await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
                spent = await connection.fetchrow(_SPENT, PURPOSE, seeker)
                if spent["everybody"] + usd > self._day_usd or spent["theirs"] + usd > self._seeker_day_usd:
                    self.refused += 1
                    return None
                day = await connection.fetchval(
                    "insert into public.spend as s (day, user_id, purpose, reserved_usd)"
                    " values ((now() at time zone 'UTC')::date, $1, $2, $3::float8::numeric(14, 6))"
                    " on conflict (day, user_id, purpose)"
                    " do update set reserved_usd = s.reserved_usd + excluded.reserved_usd"
                    " returning day", seeker, PURPOSE, usd,
                )  # fmt: skip
        except AWAY as error:
            raise Unavailable(f"The database does not answer just now ({reason(error)}); try again.") from error
        return Reservation(self._pool, day, seeker, usd)
