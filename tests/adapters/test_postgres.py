"""What counts as a database that is away for a moment, and what is an error of ours."""

import asyncio
import logging

import asyncpg
import pytest

from chatserver.adapters.postgres import acquired
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
