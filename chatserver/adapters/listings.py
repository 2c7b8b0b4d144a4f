"""The rows of `job_listings`: what stands on which board, and what becomes of jobs that stand on none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.cron_locks import still_held
from chatserver.adapters.postgres import acquired, answering

TRIES_MAX = 5
"""In so many runs a posting's own page may fail before its line in the list has to do; it is asked for later too."""


@dataclass(frozen=True, slots=True)
class Line:
    """A posting's line in a list."""

    external_id: str
    title: str
    url: str
    location: str | None
    posted_at: datetime | None
    handle: str
    wanted: bool
    """Its own page is worth asking for when it is new."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A line as stored. `content_hash` is of the text that the job was made from."""

    external_id: str
    job: UUID | None
    title: str
    url: str
    location: str | None
    posted_at: datetime | None
    handle: str
    content_hash: str | None
    wanted: bool
    tries: int
    gone: bool
    """Its own page said that it is no more; the list may still show it."""
    closed: bool
    """Its job was closed because it stood nowhere any more."""


@dataclass(frozen=True, slots=True)
class Writer:
    """In whose name rows are written: a run, and the lock that it holds."""

    run: UUID
    lock: str
    holder: str


_COLUMNS = """l.external_id, l.job_id, l.title, l.url, l.location, l.posted_at, l.handle, l.content_hash, l.wanted,
  l.tries, l.gone_run is not null as gone,
  coalesce((select j.closed_because = 'gone' and j.status = 'closed' from public.jobs j where j.id = l.job_id),
    false) as closed"""


# Where the list carries no text, a page is asked for again when its title is new, or when it was away or with somebody
# else. What a page said of itself is not undone by a list: the page is asked for again, in a later run.
_SEEN = f"""
insert into public.job_listings as l
    (board, external_id, title, url, location, posted_at, handle, wanted, first_run, last_run, last_seen_at)
select $1, n.external_id, n.title, n.url, n.location, n.posted_at, n.handle, n.wanted, $3, $3, clock_timestamp()
  from jsonb_to_recordset($2::jsonb) as n (external_id text, title text, url text, location text,
    posted_at timestamptz, handle text, wanted boolean)
on conflict (board, external_id) do update set
    wanted = excluded.wanted and case when l.gone_run is null
        then l.wanted or l.missed <> 0 or excluded.title <> l.title else l.gone_run <> excluded.last_run end,
    tries = case when excluded.title <> l.title then 0 else l.tries end,
    title = excluded.title, url = excluded.url, handle = excluded.handle,
    location = coalesce(excluded.location, l.location), posted_at = coalesce(excluded.posted_at, l.posted_at),
    last_run = excluded.last_run, last_seen_at = excluded.last_seen_at,
    missed = case when l.gone_run is null then 0 else l.missed end,
    missed_run = case when l.gone_run is null then null else l.missed_run end
returning {_COLUMNS}
"""

_WANTED = f"""
select {_COLUMNS} from public.job_listings l
 where l.board = $1 and l.last_run = $2 and l.wanted and l.tried_run is distinct from $2
   and (l.tries, l.external_id) > ($3, $4) order by l.tries, l.external_id limit $5
"""

# Whether the job was made here is read from its row: a worker may have died between making it and saying so.
_SETTLE = """
update public.job_listings l set job_id = coalesce($3, l.job_id), content_hash = coalesce($4, l.content_hash),
    wanted = $5, tries = case when $5 then l.tries else 0 end,
    requisition = coalesce($8, l.requisition),
    tried_run = case when $7 then $6 else l.tried_run end,
    gone_run = case when $3::uuid is null then l.gone_run end,
    missed = case when $3 is null or l.gone_run is null then l.missed else 0 end,
    missed_run = case when $3 is null or l.gone_run is null then l.missed_run end,
    made_job = l.made_job or exists (select from public.jobs j, public.scraping_logs r
        where j.id = $3 and j.board = l.board and r.id = $6 and l.first_run = r.id and j.created_at >= r.started_at)
 where l.board = $1 and l.external_id = $2
"""

_MISSED = """
update public.job_listings set missed = missed + 1, missed_run = $2
 where board = $1 and last_run <> $2 and missed_run is distinct from $2
"""

# A board that nobody reads any more says nothing about its jobs.
_GONE = """
update public.jobs j set status = 'closed', closed_because = 'gone', closed_at = clock_timestamp(),
    last_seen_at = l.last_seen_at, embedding = null, embedding_model = null, pending = null
  from public.job_listings l
 where l.board = $1 and l.missed >= $2 and l.missed_run = $3 and j.id = l.job_id and j.status <> 'closed'
   and not exists (select from public.job_listings o where o.job_id = j.id and o.missed <= 0 and o.board = any ($4))
returning j.id
"""

_FINISH = """
update public.scraping_boards b set status = $3, detail = $4, jobs_fetched = $5::int, errors = $6 + c.failed,
    advertised = $7, jobs_new = c.new, jobs_skipped = greatest($5::int - c.new, 0), jobs_closed = b.jobs_closed + $8,
    measures = $9, completed_at = clock_timestamp()
  from (select count(*) filter (where first_run = $1 and made_job) new, count(*) filter (where tried_run = $1) failed
          from public.job_listings where board = $2 and last_run = $1) c
 where b.run_id = $1 and b.board = $2 and b.completed_at is null
"""


class Listings:
    """Each method raises `Unavailable` while the database does not answer, the writing ones `Lost`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def seen(self, by: Writer, board: str, lines: Sequence[Line]) -> list[Listing]:
        """Notes that these stand on the board now, and gives them as stored."""
        once = {line.external_id: line for line in lines}.values()
        entries = [{name: getattr(line, name) for name in Line.__slots__} for line in once]
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            rows = await connection.fetch(_SEEN, board, entries, by.run)
        return [_listing(row) for row in rows]

    async def wanted(self, run: UUID, board: str, after: tuple[int, str], most: int) -> list[Listing]:
        """Those seen in this run whose own page is still to be asked for, by tries and id, from `after` on."""
        async with answering():
            rows = await self._pool.fetch(_WANTED, board, run, *after, most)
        return [_listing(row) for row in rows]

    async def settle(
        self, by: Writer, board: str, external_id: str, *, job: UUID | None,
        content_hash: str | None = None, wanted: bool = False, failed: bool = False, requisition: str | None = None,
    ) -> None:  # fmt: skip
        """The posting's job, the hash of the text it was made from, and whether its own page is still wanted.

        `failed` counts as an error of the run.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                _SETTLE, board, external_id, job, content_hash, wanted, by.run, failed, requisition
            )

    async def twin(self, board: str, external_id: str, requisition: str, language: str | None) -> str | None:
        """The `external_id` of the job that the same requisition is in another language."""
        async with answering():
            found: str | None = await self._pool.fetchval(
                "select j.external_id from public.job_listings l join public.jobs j on j.id = l.job_id"
                " where l.board = $1 and l.requisition = $2 and l.external_id <> $3 and j.language <> $4"
                " order by j.created_at limit 1",
                board, requisition, external_id, language,
            )  # fmt: skip
        return found

    async def tried(self, by: Writer, board: str, external_id: str) -> None:
        """Its page failed in this run, however often it was asked."""
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                "update public.job_listings set tries = tries + 1, tried_run = $3"
                " where board = $1 and external_id = $2 and tried_run is distinct from $3",
                board, external_id, by.run,
            )  # fmt: skip

    async def gone(self, by: Writer, board: str, external_id: str, boards_read: Sequence[str]) -> int:
        """The site says that this one is no more; how many jobs are closed by that."""
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                "update public.job_listings set missed = greatest(missed, 1), missed_run = $3, gone_run = $3,"
                " wanted = false"
                " where board = $1 and external_id = $2",
                board, external_id, by.run,
            )  # fmt: skip
            closed = await connection.fetch(
                f"{_GONE.replace('returning', 'and l.external_id = $5 returning')}",
                board, 1, by.run, list(boards_read), external_id,
            )  # fmt: skip
            await connection.execute(
                "update public.scraping_boards set jobs_closed = jobs_closed + $3 where run_id = $1 and board = $2",
                by.run, board, len(closed),
            )  # fmt: skip
        return len(closed)

    async def finish(
        self, by: Writer, board: str, *, status: str, detail: str | None, fetched: int, errors: int,
        advertised: int | None, close_after: int | None, boards_read: Sequence[str], measures: bool,
    ) -> int:  # fmt: skip
        """Ends the board's pass, and closes what `close_after` complete ones in a row lacked; None closes nothing.

        `errors` are those of the list; the pages' are counted here. `measures`: the next list is judged by its length.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            closed: list[Any] = []
            if close_after is not None:
                await connection.execute(_MISSED, board, by.run)
                closed = await connection.fetch(_GONE, board, close_after, by.run, list(boards_read))
            await connection.execute(
                _FINISH, by.run, board, status, detail, fetched, errors, advertised, len(closed), measures
            )
        return len(closed)


def _listing(row: asyncpg.Record) -> Listing:
    values = dict(row)
    return Listing(job=values.pop("job_id"), **values)
