"""Locks in the database: renewed while they are held, given back by whoever goes, however they go."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from chatserver.adapters.cron_locks import CronLocks, Lost
from tests.until import until


def renewed_since(database: asyncpg.Pool, expires_at: object) -> Callable[[], Awaitable[bool]]:
    async def renewed() -> bool:
        return bool(await database.fetchval("select expires_at <> $1 from cron_locks", expires_at))

    return renewed


async def test_a_lock_is_renewed_for_as_long_as_it_is_held(database: asyncpg.Pool) -> None:
    locks = CronLocks(database, "this worker", ttl_seconds=30, renew_seconds=0.01)
    other = CronLocks(database, "another worker")
    async with locks.held("a task") as ours:
        assert ours
        first = await database.fetchval("select expires_at from cron_locks")
        await until(renewed_since(database, first))
        async with other.held("a task") as theirs:
            assert not theirs
    assert await database.fetchval("select count(*) from cron_locks") == 0


async def test_a_renewal_that_fails_in_whatever_way_is_tried_again(database: asyncpg.Pool) -> None:
    errors = [RuntimeError("of ours"), asyncpg.PostgresError("of theirs"), OSError("of the line")]

    class Trouble:
        def __getattr__(self, name: str) -> Any:
            if name == "execute" and errors:
                raise errors.pop()
            return getattr(database, name)

    locks = CronLocks(Trouble(), "this worker", ttl_seconds=30, renew_seconds=0.01)
    async with locks.held("a task"):
        first = await database.fetchval("select expires_at from cron_locks")
        await until(renewed_since(database, first))
    assert errors == []


async def test_a_lock_that_is_lost_ends_what_it_guards(database: asyncpg.Pool) -> None:
    locks = CronLocks(database, "this worker", ttl_seconds=30, renew_seconds=0.01)

    async def task() -> None:
        async with locks.held("a task"):
            await database.execute("update cron_locks set locked_by = 'another worker'")
            await asyncio.Event().wait()

    with pytest.raises(Lost):
        await task()
    assert await database.fetchval("select locked_by from cron_locks") == "another worker"


async def test_who_is_cut_off_while_they_take_it_leaves_it_to_others(database: asyncpg.Pool) -> None:
    """The row is written, and nobody waits for the answer any more."""
    written = asyncio.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(database, name)

        async def fetchval(self, *asked: Any) -> Any:
            await database.fetchval(*asked)
            written.set()
            await asyncio.Event().wait()

    async def task() -> None:
        async with CronLocks(Slow(), "this worker").held("a task"):
            raise AssertionError("nobody answered")

    taking = asyncio.create_task(task())
    await written.wait()
    taking.cancel()
    await asyncio.wait([taking])
    assert taking.cancelled()
    async with CronLocks(database, "another worker").held("a task") as theirs:
        assert theirs


async def test_two_of_one_process_never_have_it_at_once(database: asyncpg.Pool) -> None:
    """Not even where it lapsed, for the row says only which process had it."""
    locks = CronLocks(database, "this worker")
    async with locks.held("a task") as ours:
        assert ours
        await database.execute("update cron_locks set expires_at = clock_timestamp()")
        async with locks.held("a task") as again:
            assert not again
        assert await database.fetchval("select count(*) from cron_locks") == 1
    async with locks.held("a task") as ours:
        assert ours
