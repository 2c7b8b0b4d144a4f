"""Workers die, pause and come at once: a run ends as if nobody had, and once a day there is one."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatserver.adapters.cron_locks import Lost
from chatserver.adapters.runs import RUN_ATTEMPTS_MAX
from tests.workers.scripted import Gone, Shown, Stage, Withheld, with_steps
from workers.boards.board import Away, Blocked
from workers.ingestion import DAILY_LOCK, LOCK_PREFIX

INDIA = ZoneInfo("Asia/Kolkata")


class Killed(BaseException):
    """The process is gone: nothing of it cleans up after itself."""


class Mortal:
    """Counts the calls of all parts of a worker and dies at one of them, before it is done or after."""

    def __init__(self, at: int, *, before: bool) -> None:
        self.left = at
        self._before = before

    def wrap(self, part: Any) -> Any:
        return with_steps(before=self._begins, after=self._is_done)(part)

    async def _begins(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and self._before):
            raise Killed

    async def _is_done(self, name: str, arguments: tuple[Any, ...]) -> None:
        if self.left == 0:
            raise Killed


def a_day(stage: Stage) -> None:
    """Two boards with something of everything."""
    stage.shown["one"] = Shown(
        {"1": "A", "2": "B", "3": "C", "4": "D", "7": "G", "8": "H"},
        details={"3": Gone(), "4": Withheld(), "7": Away("No answer.")},
    )
    stage.shown["two"] = Shown({"2": "B", "5": "E"}, carries_text=True, incomplete="the feed has no dates")


def the_next(stage: Stage) -> None:
    stage.shown["one"] = Shown(
        {"2": "B", "4": "D", "6": "F", "3": "C", "7": "G", "8": "H, renamed"},
        passes_to_close=2, details={"6": Blocked("Not this one."), "7": Away("No answer."), "8": Gone()},
    )  # fmt: skip
    stage.shown["two"] = Shown({"5": "E, changed"}, carries_text=True)


async def told(stage: Stage, at: int | None, before: bool) -> list[Any]:
    """Two days' runs; in the second the worker dies at its `at`-th step, and another one goes on."""
    await stage.database.execute("truncate jobs, job_listings, scraping_logs, scraping_boards, cron_locks cascade")
    a_day(stage)
    await stage.worker().run("ey")
    the_next(stage)
    if at is not None:
        mortal = Mortal(at, before=before)
        try:
            await stage.worker(mortal.wrap).run("ey")
        except Killed:
            # Its lock stays until it runs out.
            await stage.database.execute(
                "insert into cron_locks values ($1, 'the dead', now(), now() - interval '1 second')"
                " on conflict (lock_name) do update set locked_by = 'the dead', expires_at = excluded.expires_at",
                f"{LOCK_PREFIX}ey",
            )
    if await stage.database.fetchval("select count(*) from scraping_logs where status = 'completed'") < 2:
        await stage.worker().run("ey")
    return await stage.state()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_run_that_was_killed_anywhere_ends_as_one_that_was_not(data: st.DataObject, database_url: str) -> None:
    at, before = data.draw(st.integers(1, 60)), data.draw(st.booleans())

    async def both() -> None:
        from chatserver.adapters.postgres import connect

        pool = await connect(database_url, size=4)
        try:
            whole = await told(Stage(pool), None, False)
            assert await told(Stage(pool), at, before) == whole
        finally:
            await pool.close()

    asyncio.run(both())


async def test_a_worker_that_dies_every_time_is_not_followed_for_ever(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    a_day(stage)
    for _ in range(RUN_ATTEMPTS_MAX):
        with pytest.raises(Killed):
            await stage.worker(Mortal(8, before=True).wrap).run("ey")
    await stage.worker().run("ey")
    row = await database.fetchrow("select status, detail from scraping_logs")
    assert row["status"] == "failed"
    assert f"died {RUN_ATTEMPTS_MAX} times" in row["detail"]
    boards = await database.fetch("select board, status from scraping_boards")
    assert [tuple(board) for board in boards] == [("one", "failed")], "a board of a run that is over still runs"


async def test_a_worker_that_is_told_to_go_leaves_its_run_to_the_next(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    a_day(stage)
    reached = asyncio.Event()

    async def stops(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "settle":
            reached.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(stage.worker(with_steps(before=stops)).run("ey"))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await database.fetchval("select count(*) from cron_locks") == 0
    assert await database.fetchval("select attempts from scraping_logs") == 0
    await stage.worker().go_on("ey")
    assert await database.fetchval("select status from scraping_logs") == "completed"


async def test_of_many_workers_one_runs_and_the_others_leave_it(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    a_day(stage)
    ran = await asyncio.gather(*(stage.worker().run("ey") for _ in range(6)))
    assert len(set(ran) - {None}) >= 1
    assert await database.fetchval("select count(*) from scraping_logs where status <> 'completed'") == 0
    assert await database.fetchval("select max(c) from (select count(*) c from jobs group by external_id) x") == 1


async def test_a_worker_whose_lock_somebody_took_writes_nothing_more(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    a_day(stage)

    async def robs(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "seen":
            await database.execute("update cron_locks set locked_by = 'another worker'")

    with pytest.raises(Lost):
        await stage.worker(with_steps(before=robs)).run("ey")
    assert await database.fetchval("select count(*) from job_listings") == 0
    assert await database.fetchval("select locked_by from cron_locks") == "another worker", (
        "it was not ours to give back"
    )


async def test_the_day_has_one_run_whatever_the_number_of_workers(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    a_day(stage)
    at = time(0, 0)
    await asyncio.gather(*(stage.worker().daily(at, INDIA) for _ in range(5)))
    await asyncio.gather(*(stage.worker().daily(at, INDIA) for _ in range(5)))
    assert await database.fetchval("select count(*) from scraping_logs") == 1
    assert await database.fetchval("select count(*) from cron_locks") == 0

    await database.execute("update scraping_logs set started_at = started_at - interval '1 day'")
    await asyncio.gather(*(stage.worker().daily(at, INDIA) for _ in range(5)))
    assert await database.fetchval("select count(*) from scraping_logs") == 2


async def test_a_worker_that_slept_through_the_days_run_begins_no_second_one(database: asyncpg.Pool) -> None:
    stage = Stage(database)

    async def sleeps(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "ask_due":
            await database.execute("update cron_locks set expires_at = now() - interval '1 second'")
            await stage.worker().daily(time(0, 0), INDIA)

    # Who sleeps renews nothing.
    await stage.worker(with_steps(before=sleeps), renew_seconds=60).daily(time(0, 0), INDIA)
    assert await database.fetchval("select count(*) from scraping_logs") == 1


async def test_the_days_run_that_somebody_else_went_through_with_is_not_begun_again(database: asyncpg.Pool) -> None:
    stage = Stage(database)

    async def overtakes(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "without_a_run_since":
            # Between the question and the lock of the source.
            await stage.worker().run("ey")

    await stage.worker(with_steps(after=overtakes)).daily(time(0, 0), INDIA)
    runs = await database.fetch("select status from scraping_logs")
    assert len(runs) == 2, "each of the two questions was answered before a run by hand"
    assert {run["status"] for run in runs} == {"completed"}


async def test_one_sources_trouble_is_nobody_elses(database: asyncpg.Pool) -> None:
    stage = Stage(database)

    async def breaks(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "ask_due" and arguments[0] == "ey":
            raise RuntimeError("an error of ours")

    worker = stage.worker(with_steps(before=breaks))
    worker.sources = {"ey": stage.source, "kpmg": replace(stage.source, name="kpmg")}
    await worker.daily(time(0, 0), INDIA)
    assert await database.fetchval("select array_agg(source_name) from scraping_logs") == ["kpmg"]


@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_a_run_of_another_writer_is_the_days_run_too(database: asyncpg.Pool, status: str) -> None:
    stage = Stage(database)
    await database.execute("insert into scraping_logs (source_name, status) values ('ey', $1)", status)
    await stage.worker().daily(time(0, 0), INDIA)
    assert await database.fetchval("select count(*) from scraping_logs") == 1


async def test_a_row_that_another_writer_left_running_is_nobodys_to_go_on_with(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    await database.execute("insert into scraping_logs (source_name) values ('ey')")
    await stage.worker().daily(time(0, 0), INDIA)
    statuses = [row["status"] for row in await database.fetch("select status from scraping_logs order by started_at")]
    assert statuses == ["running", "completed"]


async def test_nothing_runs_while_somebody_holds_the_days_lock(database: asyncpg.Pool) -> None:
    stage = Stage(database)
    lock = "insert into cron_locks (lock_name, locked_by, expires_at) values ($1, 'another worker', now() + $2)"
    await database.execute(lock, DAILY_LOCK, timedelta(hours=1))
    await stage.worker().daily(time(0, 0), INDIA)
    assert await database.fetchval("select count(*) from scraping_logs") == 0
    assert await database.fetchval("select locked_by from cron_locks") == "another worker"

    await database.execute("update cron_locks set expires_at = now() - interval '1 second'")
    await stage.worker().daily(time(0, 0), INDIA)
    assert await database.fetchval("select count(*) from scraping_logs") == 1
    assert await database.fetchval("select count(*) from cron_locks") == 0
