"""The rows of `job_listings`: what stands on which board, and what becomes of jobs that stand on none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.cron_locks import still_held
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.job import SYSTEM_PROVIDER

TRIES_MAX = 5
"""So often a posting's own page is asked for, once a run, before its line in the list has to do."""


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
    closed: bool
    """Its job was closed because it stood nowhere any more."""


@dataclass(frozen=True, slots=True)
class Writer:
    """In whose name rows are written: a run, and the lock that it holds."""

    run: UUID
    lock: str
    holder: str


_COLUMNS = """l.external_id, l.job_id, l.title, l.url, l.location, l.posted_at, l.handle, l.content_hash, l.wanted,
  l.tries, coalesce((select j.closed_because = 'gone' and j.status = 'closed' from public.jobs j where j.id = l.job_id),
    false) as closed"""


# A new title is the only sign that a page behind a list has changed, where the list carries no text.
_SEEN = f"""
insert into public.job_listings as l
    (board, external_id, title, url, location, posted_at, handle, wanted, first_run, last_run, last_seen_at)
select $1, n.external_id, n.title, n.url, n.location, n.posted_at, n.handle, n.wanted, $3, $3, clock_timestamp()
  from jsonb_to_recordset($2::jsonb) as n (external_id text, title text, url text, location text,
    posted_at timestamptz, handle text, wanted boolean)
on conflict (board, external_id) do update set
    wanted = l.wanted or (excluded.title <> l.title and excluded.wanted),
    tries = case when excluded.title <> l.title then 0 else l.tries end,
    title = excluded.title, url = excluded.url, handle = excluded.handle,
    location = coalesce(excluded.location, l.location), posted_at = coalesce(excluded.posted_at, l.posted_at),
    last_run = excluded.last_run, last_seen_at = excluded.last_seen_at, missed = 0, missed_run = null
returning {_COLUMNS}
"""

_WANTED = f"""
select {_COLUMNS} from public.job_listings l
 where l.board = $1 and l.last_run = $2 and l.wanted and l.external_id > $3 order by l.external_id limit $4
"""

# Whether the job was made here is read from its row: a worker may have died between making it and saying so.
_SETTLE = """
update public.job_listings l set job_id = coalesce($3, l.job_id), content_hash = coalesce($4, l.content_hash),
    wanted = $5, tries = 0,
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
update public.scraping_boards b set status = $3, detail = $4, jobs_fetched = $5::int, errors = $6, advertised = $7,
    jobs_new = c.new, jobs_skipped = greatest($5::int - c.new, 0), jobs_closed = b.jobs_closed + $8,
    completed_at = clock_timestamp()
  from (select count(*) new from public.job_listings where board = $2 and first_run = $1 and made_job) c
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

    async def wanted(self, run: UUID, board: str, after: str, most: int) -> list[Listing]:
        """Those seen in this run whose own page is still to be asked for, by id from `after` on."""
        async with answering():
            rows = await self._pool.fetch(_WANTED, board, run, after, most)
        return [_listing(row) for row in rows]

    async def settle(
        self, by: Writer, board: str, external_id: str, *, job: UUID | None,
        content_hash: str | None = None, wanted: bool = False,
    ) -> None:  # fmt: skip
        """The posting's job, the hash of the text it was made from, and whether its own page is still wanted."""
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(_SETTLE, board, external_id, job, content_hash, wanted, by.run)

    async def tried(self, by: Writer, board: str, external_id: str) -> None:
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                "update public.job_listings set tries = tries + 1 where board = $1 and external_id = $2",
                board,
                external_id,
            )

    async def gone(self, by: Writer, board: str, external_id: str, boards_read: Sequence[str]) -> int:
        """The site says that this one is no more; how many jobs are closed by that."""
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                "update public.job_listings set missed = greatest(missed, 1), missed_run = $3, wanted = false"
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

    async def adopt(self, by: Writer, board: str, companies: Sequence[str]) -> None:
        """What another writer took from the firm's first board counts as seen there, before the first pass.

        It starts with one pass to spare: which board it came from is not known.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            await connection.execute(
                "insert into public.job_listings"
                " (board, external_id, job_id, title, url, location, first_run, last_run, missed)"
                " select $1, j.external_id, j.id, j.title, coalesce(j.external_apply_url, ''), j.location,"
                "   gen_random_uuid(), gen_random_uuid(), -1"
                "  from public.jobs j where j.company_name = any ($2) and j.board is null and j.provider_id = $3"
                "   and j.external_id is not null and j.external_id !~ ':' and j.status <> 'closed'"
                "   and not exists (select from public.job_listings l where l.job_id = j.id)"
                " on conflict do nothing",
                board, list(companies), SYSTEM_PROVIDER,
            )  # fmt: skip

    async def finish(
        self, by: Writer, board: str, *, status: str, detail: str | None, fetched: int, errors: int,
        advertised: int | None, close_after: int | None, boards_read: Sequence[str],
    ) -> int:  # fmt: skip
        """Ends the board's pass, and closes what `close_after` complete ones in a row lacked; None closes nothing."""
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, by.lock, by.holder)
            closed: list[Any] = []
            if close_after is not None:
                await connection.execute(_MISSED, board, by.run)
                closed = await connection.fetch(_GONE, board, close_after, by.run, list(boards_read))
            await connection.execute(_FINISH, by.run, board, status, detail, fetched, errors, advertised, len(closed))
        return len(closed)


def _listing(row: asyncpg.Record) -> Listing:
    values = dict(row)
    return Listing(job=values.pop("job_id"), **values)
