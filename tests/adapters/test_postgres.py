"""What counts as a database that is away for a moment, and what is an error of ours."""

import asyncio
import logging

import asyncpg
import pytest

from chatserver.adapters import postgres
from chatserver.adapters.postgres import COMPLAINT_SECONDS, Complaints, acquired, connect
from chatserver.core.ports import Unavailable


@pytest.mark.parametrize(
    "state",
    ["53000", "53100", "53200", "53300", "40001", "40P01", "57P01", "57P03", "57014", "25006", "08006"],
    ids=lambda state: f"SQLSTATE {state}",
)
async def test_a_database_that_has_no_room_or_no_peace_is_asked_again(database: asyncpg.Pool, state: str) -> None:
    with pytest.raises(Unavailable, match="try again"):
        async with acquired(database) as connection:
            await connection.execute(f"do $$ begin raise 'it says so' using errcode = '{state}'; end $$")
    assert await database.fetchval("select 1") == 1


@pytest.mark.parametrize("statement", ["select 1/0", "select nothing", "select from nowhere"])
async def test_an_error_of_ours_is_none_of_the_databases(database: asyncpg.Pool, statement: str) -> None:
    with pytest.raises(asyncpg.PostgresError):
        async with acquired(database) as connection:
            await connection.execute(statement)


async def test_who_is_cut_off_twice_leaves_no_transaction_behind(
    database: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """A draft is ended by the next one and by the end of its connection, perhaps both at once."""
    began = asyncio.Event()

    async def reads() -> None:
        async with acquired(database) as connection, connection.transaction():
            began.set()
            await connection.execute("select pg_sleep(10)")

    with caplog.at_level(logging.ERROR):
        reading = asyncio.create_task(reads())
        await began.wait()
        await asyncio.sleep(0)
        for _ in range(3):
            reading.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.gather(reading, return_exceptions=True)
        assert reading.cancelled()
        assert await database.fetchval("select pg_current_xact_id_if_assigned() is null")
    assert not caplog.records


async def test_who_is_cut_off_is_cut_off_however_the_goodbye_goes(
    database: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waited for a row and is told to end waits for the ROLLBACK, which comes too late."""
    began = asyncio.Event()

    async def reads() -> None:
        async with acquired(database):
            try:
                began.set()
                await asyncio.Event().wait()
            finally:
                raise TimeoutError

    reading = asyncio.create_task(reads())
    await began.wait()
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert not caplog.records, "nobody's database is away"


async def test_who_was_cut_off_before_they_asked_is_told_like_anybody(database: asyncpg.Pool) -> None:
    async def asks_last() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            async with acquired(database):
                raise TimeoutError from None

    asking = asyncio.create_task(asks_last())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(Unavailable):
        await asking


async def test_why_it_is_away_is_for_operators_once_a_kind_and_while(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(postgres, "complaints", Complaints(clock=lambda: now))
    address = f"postgresql://keeper@127.0.0.1:{unused_tcp_port}/jobs"

    async def asked(times: int) -> list[str]:
        for _ in range(times):
            with pytest.raises(Unavailable) as away:
                async with acquired(pool):
                    raise AssertionError("nobody is there")
            assert str(away.value) == "The database does not answer just now; try again."
        said = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return said

    async with asyncpg.create_pool(address, min_size=0, max_size=1) as pool:
        (said,) = await asked(3)
        assert str(unused_tcp_port) in said
        assert await asked(1) == []
        await pool.close()
        (other,) = await asked(2)
        assert "pool is clos" in other
        now += COMPLAINT_SECONDS
        assert len(await asked(2)) == 1


async def test_who_starts_a_process_is_told_why(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match=f"{unused_tcp_port}.*; check DATABASE_URL"):
        await connect(f"postgresql://keeper@127.0.0.1:{unused_tcp_port}/jobs")
