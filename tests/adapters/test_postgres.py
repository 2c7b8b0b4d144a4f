"""What counts as a database that is away for a moment, and what is an error of ours."""

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
