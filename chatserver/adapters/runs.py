"""The rows of `scraping_logs` and `scraping_boards`: asked for, running, done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chatserver.adapters.cron_locks import still_held
from chatserver.adapters.postgres import acquired, answering
from chatserver.core.run import BoardRun, BoardStatus, Run

RUN_ATTEMPTS_MAX = 5

_RUN = """id, source_name, status, jobs_fetched, jobs_new, jobs_skipped, jobs_closed, errors, detail, started_at,
  completed_at, requested_by"""
_BOARD = """board, status, jobs_fetched, jobs_new, jobs_skipped, jobs_closed, errors, advertised, detail, started_at,
  completed_at"""

_ASK = f"""
insert into public.scraping_logs (source_name, attempts, requested_by) values ($1, 0, $2)
on conflict (source_name) where status = 'running' and attempts is not null do nothing
returning {_RUN}
"""

# Whoever wrote it: a run of another writer since the hour of the day is today's run too.
_DUE = """
select s from unnest($1::text[]) s
 where not exists (select from public.scraping_logs l where l.source_name = s and l.started_at >= $2
    and (l.status in ('completed', 'failed') or l.attempts is not null))
"""

_WAITS = """
select exists (select from public.scraping_logs where source_name = $1 and status = 'running' and attempts is not null)
   and not exists (select from public.cron_locks where lock_name = $2 and expires_at > clock_timestamp())
"""

_CLOSE = """
update public.scraping_logs l set status = $2, detail = $3, completed_at = clock_timestamp(),
    jobs_fetched = b.fetched, jobs_new = b.new, jobs_skipped = b.skipped, jobs_closed = b.closed, errors = b.errors
  from (select coalesce(sum(jobs_fetched), 0) fetched, coalesce(sum(jobs_new), 0) new,
               coalesce(sum(jobs_skipped), 0) skipped, coalesce(sum(jobs_closed), 0) closed,
               coalesce(sum(errors), 0) errors
          from public.scraping_boards where run_id = $1) b
 where l.id = $1 and l.status = 'running'
"""

_HELD = """
select coalesce(
    (select jobs_fetched from public.scraping_boards where board = $1 and run_id <> $2 and completed_at is not null
        and coalesce(measures, status in ('ok', 'empty')) order by completed_at desc limit 1),
    (select count(*) from public.job_listings where board = $1 and first_run <> $2 and missed <= 0))
"""

# Both in one transaction: who has lost the day's lock asks for nothing, and who has it asks once.
_ASK_DUE = f"""
insert into public.scraping_logs (source_name, attempts)
select $1, 0 where not exists (select from public.scraping_logs l where l.source_name = $1 and l.started_at >= $2
    and (l.status in ('completed', 'failed') or l.attempts is not null))
on conflict (source_name) where status = 'running' and attempts is not null do nothing
returning {_RUN}
"""


# From the index, source by source: the log of all runs is long.
_LATEST = f"""
select l.* from unnest($1::text[]) with ordinality as wanted (name, nth)
  cross join lateral (select {_RUN} from public.scraping_logs where source_name = wanted.name
    order by started_at desc nulls last, id limit 1) l
 order by wanted.nth
"""


class RunStore:
    """Every method raises `Unavailable` while the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def ask(self, source: str, by: UUID | None) -> Run | None:
        """A new run that waits for a worker. None where one runs or waits already."""
        async with answering():
            row = await self._pool.fetchrow(_ASK, source, by)
        return _run(row, ()) if row else None

    async def ask_due(self, source: str, since: datetime, lock: str, holder: str) -> Run | None:
        """The day's run, in the name of who holds the day's lock. None where the source had one since, or has one.

        Raises `Lost`.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await still_held(connection, lock, holder)
            row = await connection.fetchrow(_ASK_DUE, source, since)
        return _run(row, ()) if row else None

    async def running(self, source: str) -> UUID | None:
        async with answering():
            found: UUID | None = await self._pool.fetchval(
                "select id from public.scraping_logs"
                " where source_name = $1 and status = 'running' and attempts is not null",
                source,
            )
        return found

    async def now(self) -> datetime:
        """The database's clock, which all workers share."""
        async with answering():
            moment: datetime = await self._pool.fetchval("select clock_timestamp()")
        return moment

    async def without_a_run_since(self, sources: Sequence[str], moment: datetime) -> list[str]:
        async with answering():
            return [row["s"] for row in await self._pool.fetch(_DUE, list(sources), moment)]

    async def waits(self, source: str, lock: str) -> bool:
        """Whether the source has a run that waits for a worker or whose worker, the holder of `lock`, is gone."""
        async with answering():
            return bool(await self._pool.fetchval(_WAITS, source, lock))

    async def begin(self, run: UUID) -> bool:
        """Counts the attempt. False where it has died too often, or is over."""
        async with answering():
            attempts = await self._pool.fetchval(
                "update public.scraping_logs set attempts = attempts + 1 where id = $1 and status = 'running'"
                " returning attempts",
                run,
            )
        return attempts is not None and attempts <= RUN_ATTEMPTS_MAX

    async def lay_down(self, run: UUID) -> None:
        """Another worker goes on with it; that it was put down in order is no attempt."""
        async with answering():
            await self._pool.execute("update public.scraping_logs set attempts = attempts - 1 where id = $1", run)

    async def finish(self, run: UUID, *, failed: str | None) -> None:
        """`failed` is one sentence why, None where the run went through. A board that it was at has failed with it."""
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(
                "update public.scraping_boards set status = 'failed', detail = $2, completed_at = clock_timestamp()"
                " where run_id = $1 and completed_at is null",
                run,
                failed,
            )
            await connection.execute(_CLOSE, run, "failed" if failed else "completed", failed)

    async def finished_boards(self, run: UUID) -> dict[str, BoardStatus]:
        async with answering():
            rows = await self._pool.fetch(
                "select board, status from public.scraping_boards where run_id = $1 and completed_at is not null", run
            )
        return {row["board"]: row["status"] for row in rows}

    async def begin_board(self, run: UUID, board: str) -> None:
        async with answering():
            await self._pool.execute(
                "insert into public.scraping_boards (run_id, board) values ($1, $2) on conflict do nothing", run, board
            )

    async def progress(self, run: UUID, board: str, fetched: int, errors: int, advertised: int | None) -> None:
        async with answering():
            await self._pool.execute(
                "update public.scraping_boards set jobs_fetched = $3, errors = $4, advertised = $5"
                " where run_id = $1 and board = $2 and completed_at is null",
                run, board, fetched, errors, advertised,
            )  # fmt: skip

    async def held(self, board: str, besides: UUID) -> int:
        """How many postings the board is believed to have: what its last believed list had, or was refused for.

        Where there was none, the postings that stand there; what `besides` found first does not count.
        """
        async with answering():
            return int(await self._pool.fetchval(_HELD, board, besides))

    async def recent(self, most: int, before: datetime | None = None) -> list[Run]:
        """Newest first, with their boards."""
        async with answering():
            rows = await self._pool.fetch(
                f"select {_RUN} from public.scraping_logs where started_at < coalesce($2, 'infinity'::timestamptz)"
                " order by started_at desc, id limit $1",
                most,
                before,
            )
            return await self._with_boards(rows)

    async def latest(self, sources: Sequence[str]) -> list[Run]:
        """The newest run of each source that ever had one, with its boards, in the order of the sources."""
        async with answering():
            return await self._with_boards(await self._pool.fetch(_LATEST, list(sources)))

    async def _with_boards(self, rows: Sequence[asyncpg.Record]) -> list[Run]:
        boards = await self._pool.fetch(
            f"select run_id, {_BOARD} from public.scraping_boards where run_id = any ($1::uuid[])"
            " order by started_at, board",
            [row["id"] for row in rows],
        )
        of: dict[UUID, list[asyncpg.Record]] = {}
        for board in boards:
            of.setdefault(board["run_id"], []).append(board)
        return [_run(row, of.get(row["id"], ())) for row in rows]

    async def one(self, run: UUID) -> Run:
        async with answering():
            row = await self._pool.fetchrow(f"select {_RUN} from public.scraping_logs where id = $1", run)
            boards = await self._pool.fetch(
                f"select {_BOARD} from public.scraping_boards where run_id = $1 order by started_at, board", run
            )
        return _run(row, boards)


def _run(row: asyncpg.Record, boards: Sequence[asyncpg.Record]) -> Run:
    values: dict[str, Any] = dict(row)
    # Another writer may have left any of these empty.
    for name in ("jobs_fetched", "jobs_new", "jobs_skipped", "errors"):
        values[name] = values[name] or 0
    return Run(**values, boards=tuple(_board(board) for board in boards))


def _board(row: asyncpg.Record) -> BoardRun:
    return BoardRun(**{name: value for name, value in row.items() if name != "run_id"})
