"""The figures of the last days, the trail and the list of people, read from Postgres in a few bounded statements."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.postgres import acquired
from chatserver.core.access import Role
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.overview import (
    WAITING_MAX,
    DayFigures,
    DaySpending,
    Figures,
    Listed,
    Named,
    StatusCount,
    TrailEntry,
    WhoWaits,
)
from chatserver.overview import Place

STATUSES_MAX = 20
"""Another writer may have put anything into `jobs.status`."""
PURPOSES_MAX = 10

# Counted in days without a time zone: the server's own may have days of 23 hours. Given to the others as a value, with
# which the planner knows how few rows there are.
_SPAN = """
select now(), (date_trunc('day', now() at time zone 'UTC') - make_interval(days => $1::int - 1)) at time zone 'UTC'
"""


def _day(column: str) -> str:
    return f"({column} at time zone 'UTC')::date"


# A wait begins with `waiting` and is over with the next word about it; only a takeover means that somebody came.
_DAYS = f"""
with days as (
  select {_day("$2::timestamptz")} + n as day from generate_series(0, $1::int - 1) n
), begun as (
  select {_day("s.created_at")} as day, count(*) as sessions
    from public.chat_sessions s where s.created_at >= $2 group by 1
), said as (
  select m.session_id, m.seq, m.created_at, {_day("m.created_at")} as day, m.meta ->> 'reason' as reason
    from public.chat_messages m where m.kind = 'status' and m.created_at >= $2
), taken as (
  select day, count(*) as takeovers from said where reason = 'taken_over' group by 1
), waits as (
  select w.day, extract(epoch from o.created_at - w.created_at)::float8 as seconds from said w
    left join lateral (
      select m.created_at, m.meta ->> 'reason' as reason from public.chat_messages m
       where m.session_id = w.session_id and m.seq > w.seq and m.kind = 'status'
         and m.meta ->> 'reason' in ('taken_over', 'waiting_over', 'closed') order by m.seq limit 1
    ) o on o.reason = 'taken_over'
   where w.reason = 'waiting'
), waited as (
  select day, count(*) as asked, count(seconds) as reached,
         percentile_cont(0.5) within group (order by seconds) as median,
         percentile_cont(0.9) within group (order by seconds) as p90
    from waits group by 1
), rated as (
  select {_day("m.created_at")} as day, count(*) filter (where m.meta ->> 'rating' = '1') as up,
         count(*) filter (where m.meta ->> 'rating' = '-1') as down
    from public.chat_messages m where m.meta ? 'rating' and m.created_at >= $2 group by 1
), ran as (
  select {_day("l.started_at")} as day, count(*) as runs, count(*) filter (where l.status = 'failed') as runs_failed,
         coalesce(sum(l.jobs_new), 0)::bigint as jobs_new, coalesce(sum(l.jobs_closed), 0)::bigint as jobs_closed
    from public.scraping_logs l where l.started_at >= $2 group by 1
), boards as (
  select {_day("b.started_at")} as day, count(*) filter (where b.status in ('ok', 'empty')) as boards_read,
         count(*) filter (where b.status not in ('ok', 'empty', 'running')) as boards_troubled
    from public.scraping_boards b where b.started_at >= $2 group by 1
)
select day, coalesce(sessions, 0) as sessions, coalesce(takeovers, 0) as takeovers, coalesce(asked, 0) as asked,
       coalesce(reached, 0) as reached, median as wait_median_seconds, p90 as wait_p90_seconds,
       coalesce(up, 0) as ratings_up, coalesce(down, 0) as ratings_down, coalesce(runs, 0) as runs,
       coalesce(runs_failed, 0) as runs_failed, coalesce(jobs_new, 0) as jobs_new,
       coalesce(jobs_closed, 0) as jobs_closed, coalesce(boards_read, 0) as boards_read,
       coalesce(boards_troubled, 0) as boards_troubled
  from days left join begun using (day) left join taken using (day) left join waited using (day)
       left join rated using (day) left join ran using (day) left join boards using (day)
 order by day
"""

_SPENDING = f"""
with paid as (
  select p.day, p.purpose, sum(p.settled_usd)::float8 as settled_usd, sum(p.reserved_usd)::float8 as reserved_usd,
         sum(p.calls) as calls
    from public.spend p where p.day >= {_day("$2::timestamptz")} group by 1, 2
), used as (
  select {_day("a.created_at")} as day, 'answers' as purpose,
         coalesce(sum((a.usage ->> 'input_tokens')::bigint), 0)::bigint as input_tokens,
         coalesce(sum((a.usage ->> 'output_tokens')::bigint), 0)::bigint as output_tokens,
         coalesce(sum((a.usage ->> 'cache_read_tokens')::bigint), 0)::bigint as cache_read_tokens,
         coalesce(sum((a.usage ->> 'cache_write_tokens')::bigint), 0)::bigint as cache_write_tokens
    from public.chat_answers a where a.usage is not null and a.created_at >= $2 group by 1
)
select day, purpose, coalesce(settled_usd, 0) as settled_usd, coalesce(reserved_usd, 0) as reserved_usd,
       coalesce(calls, 0) as calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens
  from paid full join used using (day, purpose) order by day, purpose limit $1::int * {PURPOSES_MAX}
"""

_SESSIONS = """
select coalesce(status, 'active_ai')::text as status, count(*) as count from public.chat_sessions group by 1 order by 1
"""
_JOBS = f"""
select coalesce(status, 'active') as status, count(*) as count from public.jobs
 group by 1 order by count desc, 1 limit {STATUSES_MAX}
"""

_WAITING = f"""
select s.id as session, coalesce(u.full_name, split_part(u.email, '@', 1), 'Seeker') as name, s.waiting_since as since,
       greatest(extract(epoch from now() - s.waiting_since), 0)::int as seconds, s.waiting_reason as reason,
       count(*) over () as of
  from public.chat_sessions s left join public.users u on u.id = s.user_id
 where s.waiting_since is not null and s.status is distinct from 'closed'
 order by s.urgent_since nulls last, s.waiting_since, s.id limit {WAITING_MAX}
"""

_TRAIL = """
select l.id, l.created_at, l.action, l.subject_type, l.detail, l.actor_id, l.subject_id,
       coalesce(a.full_name, split_part(a.email, '@', 1)) as actor_name,
       coalesce(s.full_name, split_part(s.email, '@', 1)) as subject_name
  from public.audit_log l
  left join public.users a on a.id = l.actor_id
  left join public.users s on s.id = l.subject_id
 where {where} order by l.id desc limit $1
"""

_PEOPLE = """
select id, email, full_name, coalesce(role, 'seeker')::text as role, deactivated_at is not null as deactivated,
       created_at, coalesce(created_at, 'epoch') as place
  from public.users where {where} order by coalesce(created_at, 'epoch') desc, id desc limit $1
"""


class _Where:
    """Conditions and their values. Put together and not `$2 is null or …`, which would keep indexes from being used."""

    def __init__(self, *values: Any) -> None:
        self._conditions = ["true"]
        self.values = list(values)

    def add(self, condition: str, *values: Any) -> None:
        places = range(len(self.values) + 1, len(self.values) + len(values) + 1)
        self.values.extend(values)
        self._conditions.append(condition.format(*(f"${place}" for place in places)))

    def __str__(self) -> str:
        return " and ".join(self._conditions)


class PostgresOverview:
    """Every method raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def figures(self, days: int) -> Figures:
        """Of one moment: nothing is counted here that is not yet, or no more, counted there."""
        async with (
            acquired(self._pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            at, since = await connection.fetchrow(_SPAN, days)
            by_day = await connection.fetch(_DAYS, days, since)
            spending = await connection.fetch(_SPENDING, days, since)
            sessions = await connection.fetch(_SESSIONS)
            jobs = await connection.fetch(_JOBS)
            waiting = await connection.fetch(_WAITING)
        return Figures(
            at, tuple(DayFigures(**row) for row in by_day), tuple(DaySpending(**row) for row in spending),
            tuple(StatusCount(**row) for row in sessions), tuple(StatusCount(**row) for row in jobs),
            waiting[0]["of"] if waiting else 0, tuple(WhoWaits(*tuple(row)[:-1]) for row in waiting),
        )  # fmt: skip

    async def trail(
        self, *, actor: UUID | str | None, subject: UUID | str | None, before: int | None, most: int
    ) -> list[TrailEntry]:
        where = _Where(most)
        for column, somebody in (("actor_id", actor), ("subject_id", subject)):
            if isinstance(somebody, UUID):
                where.add(f"l.{column} = {{}}", somebody)
            elif somebody is not None:
                where.add(f"l.{column} in (select id from public.users where lower(email) = lower({{}}))", somebody)
        if before is not None:
            where.add("l.id < {}", before)
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_TRAIL.format(where=where), *where.values)
        return [_entry(row) for row in rows]

    async def people(
        self, *, q: str | None, role: Role | None, before: Place | None, most: int
    ) -> list[tuple[datetime, Listed]]:
        where = _Where(most)
        # Owns what was scraped and is nobody.
        where.add("id <> {}", SYSTEM_PROVIDER)
        if q is not None:
            where.add("position(lower({0}) in lower(email || ' ' || coalesce(full_name, ''))) > 0", q)
        if role is not None:
            where.add("coalesce(role, 'seeker')::text = {}", role)
        if before is not None:
            where.add("(coalesce(created_at, 'epoch'), id) < ({}, {})", *before)
        async with acquired(self._pool) as connection:
            rows = await connection.fetch(_PEOPLE.format(where=where), *where.values)
        return [(row["place"], Listed(*tuple(row)[:-1])) for row in rows]


def _entry(row: asyncpg.Record) -> TrailEntry:
    return TrailEntry(
        row["id"], row["created_at"], Named(row["actor_id"], row["actor_name"]) if row["actor_id"] else None,
        row["action"], row["subject_type"],
        Named(row["subject_id"], row["subject_name"]) if row["subject_id"] else None, row["detail"],
    )  # fmt: skip
