"""What stands in Postgres and Redis at this moment, for a scrape: bounded, cached, and known to be missing."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.adapters.postgres import acquired
from chatserver.adapters.queue import BULK_QUEUE, WAITED_FOR_QUEUE
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

READ_SECONDS = 2.0
"""A scrape waits no longer for either."""
FRESH_SECONDS = 5.0
"""Several that scrape cost the stores no more than one."""
SOURCES_MAX = 20
PURPOSES_MAX = 10
ABANDONED_SECONDS = 10
LATE_SECONDS = 10

QUEUES = {"waited_for": WAITED_FOR_QUEUE, "bulk": BULK_QUEUE}
HEALTH_SUFFIX = ":health-check"
"""arq's; a worker writes the key `queue + suffix` every half minute."""

# Each part is read from an index, however long the tables are.
_STORED = f"""
select
 (select coalesce(jsonb_object_agg(status, count), '{{}}') from (
    select coalesce(status, 'active_ai')::text as status, count(*) from public.chat_sessions
     where updated_at > now() - interval '1 day' group by 1) s) as sessions,
 (select count(*) from public.chat_sessions where waiting_since is not null and status is distinct from 'closed')
   as waiting,
 (select coalesce(extract(epoch from clock_timestamp() - min(waiting_since)), 0)::float8 from public.chat_sessions
   where waiting_since is not null and status is distinct from 'closed') as waiting_seconds,
 (select count(*) from public.chat_answers where state = 'running') as answers,
 (select count(*) from public.chat_answers where state = 'running'
   and lease_until < clock_timestamp() - interval '{ABANDONED_SECONDS} seconds') as abandoned,
 (select count(*) from public.chat_sessions where updated_at > now() - interval '1 day' and seq > logged_seq
   and updated_at < clock_timestamp() - interval '{LATE_SECONDS} seconds') as logs_behind,
 (select coalesce(jsonb_object_agg(status, count), '{{}}') from (
    select status, count(*) from public.jobs where status in ('processing', 'failed') group by 1) j) as jobs,
 (select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 from public.jobs
   where status in ('processing', 'failed') and status = 'processing' and source_name is null) as posted_seconds,
 (select coalesce(jsonb_object_agg(source_name, at), '{{}}') from (
    select l.source_name, extract(epoch from max(l.completed_at))::float8 as at from public.scraping_logs l
     where l.status = 'completed' and l.started_at > now() - interval '30 days'
     group by 1 order by 1 limit {SOURCES_MAX}) i) as ingested,
 (select coalesce(jsonb_agg(jsonb_build_array(purpose, settled, reserved)), '[]') from (
    select purpose, sum(settled_usd)::float8 as settled, sum(reserved_usd)::float8 as reserved from public.spend
     where day = (now() at time zone 'UTC')::date group by 1 order by 1 limit {PURPOSES_MAX}) m) as spend,
 $1 - extract(epoch from clock_timestamp())::float8 as clock_ahead
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Counts, ages in seconds, times in epoch seconds, money in US dollars."""

    sessions: Mapping[str, float]
    waiting: int
    waiting_seconds: float
    answers: int
    abandoned: int
    logs_behind: int
    jobs: Mapping[str, float]
    posted_seconds: float
    ingested: Mapping[str, float]
    spend: list[tuple[str, float, float]]
    """(purpose, settled, reserved)."""
    clock_ahead: float
    """Of this machine, before the database's."""


@dataclass(frozen=True, slots=True)
class Queued:
    depth: Mapping[str, float]
    oldest: Mapping[str, float]
    alive: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Levels:
    """None is what did not answer in time."""

    stored: Stored | None
    queued: Queued | None
    budgets: Mapping[str, float]


class _Read(Generic[T]):
    """One reading at a time, and none is cancelled in the middle: it ends by the limits of its connection."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._task: asyncio.Task[T | None] | None = None
        self._last: T | None = None
        self._at = -FRESH_SECONDS

    async def __call__(self) -> T | None:
        if time.monotonic() - self._at < FRESH_SECONDS:
            return self._last
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._quietly())
        done, _ = await asyncio.wait({self._task}, timeout=READ_SECONDS)
        return self._task.result() if done else None

    async def _quietly(self) -> T | None:
        self._last = None
        try:
            self._last = await self._read()
        except (Unavailable, RedisError, OSError, TimeoutError, asyncpg.PostgresError) as away:
            log.debug("not read for a scrape: %s", away)
        self._at = time.monotonic()
        return self._last

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


class StandingLevels:
    def __init__(self, pool: asyncpg.Pool, redis: Redis, budgets: Mapping[str, float]) -> None:
        self._pool = pool
        self._redis = redis
        self._budgets = budgets
        self._stored = _Read(self._read_stored)
        self._queued = _Read(self._read_queued)

    async def read(self) -> Levels:
        """At most `FRESH_SECONDS` old, within `READ_SECONDS`."""
        stored, queued = await asyncio.gather(self._stored(), self._queued())
        return Levels(stored, queued, self._budgets)

    async def aclose(self) -> None:
        await asyncio.gather(self._stored.aclose(), self._queued.aclose())

    async def _read_stored(self) -> Stored:
        async with acquired(self._pool) as connection:
            row = await connection.fetchrow(_STORED, time.time())
        return Stored(**row)

    async def _read_queued(self) -> Queued:
        now_ms = time.time() * 1000
        async with self._redis.pipeline(transaction=False) as asked:
            for queue in QUEUES.values():
                asked.zcard(queue)
                asked.zrange(queue, 0, 0, withscores=True)
                asked.exists(f"{queue}{HEALTH_SUFFIX}")
            answers = await asked.execute()
        depth, oldest, alive = {}, {}, {}
        for nth, name in enumerate(QUEUES):
            depth[name], first, alive[name] = answers[3 * nth : 3 * nth + 3]
            # A job's score is when it is due, in milliseconds.
            oldest[name] = max((now_ms - first[0][1]) / 1000, 0.0) if first else 0.0
        return Queued(depth, oldest, alive)
