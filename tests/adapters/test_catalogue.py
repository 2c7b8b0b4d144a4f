"""Filters lose no rows, however few they leave and wherever the vector points."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from chatserver.adapters.catalogue import nearest_rows
from chatserver.adapters.postgres import connect
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.job_ports import Filters
from chatserver.core.ports import DIMENSIONS, Vector
from tests.conftest import Copies, PostgresServer

JOBS = 1_500
"""More than the 1,000 that a walk can be told to keep in view: what finds the last of them went on."""
RARE = 7


def unit(vectors: Any) -> Vector:
    found: Vector = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return found


@pytest.fixture(scope="module")
def query() -> Vector:
    return unit(np.random.default_rng(3).normal(size=DIMENSIONS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(migrated: Copies, query: Vector) -> AsyncIterator[str]:
    """The name of a database with `JOBS` jobs near the query in Pune, and `RARE` in Leh far from it.

    The graph of their vectors takes seconds to grow, a copy of it takes none.
    """
    chance = np.random.default_rng(4)
    near = unit(query + 0.5 * unit(chance.normal(size=(JOBS, DIMENSIONS))))
    far = unit(-query + 0.5 * unit(chance.normal(size=(RARE, DIMENSIONS))))
    rows = [
        (UUID(int=number + 1), SYSTEM_PROVIDER, "Job", "Words.", "active", "ey" if number % 2 else "pwc",
         "Pune, IN" if number < JOBS else "Leh, IN", "en" if number % 3 else None, vector, "a model")
        for number, vector in enumerate([*near, *far])
    ]  # fmt: skip
    url = migrated.take()
    pool = await connect(url, size=1)
    async with pool.acquire() as connection:
        await connection.copy_records_to_table(
            "jobs", schema_name="public", records=rows,
            columns=("id", "provider_id", "title", "description_raw", "status", "source_name", "location", "language",
                     "embedding", "embedding_model"),
        )  # fmt: skip
        await connection.execute("analyze public.jobs")
    await pool.close()
    yield urlsplit(url).path[1:]
    migrated.leave(url)


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer, filled: str) -> AsyncIterator[asyncpg.Pool]:
    url = await postgres_server.create(template=filled)
    pool = await connect(url)
    yield pool
    await pool.close()
    await postgres_server.drop(url)


async def found(database: asyncpg.Pool, query: Vector, filters: Filters, most: int = 50) -> int:
    async with database.acquire() as connection, connection.transaction(readonly=True):
        rows = await nearest_rows(connection, query, "a model", filters, most)
    similarities = [row["similarity"] for row in rows]
    assert similarities == sorted(similarities, reverse=True)
    return len(rows)


async def test_a_place_that_is_rare_and_far_away_is_found_whole(database: asyncpg.Pool, query: Vector) -> None:
    assert await found(database, query, Filters(locations=("Leh",))) == RARE
    assert await found(database, query, Filters(locations=("leh", "Ladakh"))) == RARE


async def test_filters_that_leave_much_leave_enough(database: asyncpg.Pool, query: Vector) -> None:
    for filters in (Filters(), Filters(source="ey"), Filters(language="en"), Filters("pwc", ("Pune",), language="en")):
        assert await found(database, query, filters) == 50, filters
    assert await found(database, query, Filters(language="de"), JOBS) == (JOBS + RARE + 2) // 3, "those nobody knows of"


async def test_a_planner_that_is_wrong_costs_time_and_no_rows(database: asyncpg.Pool, query: Vector) -> None:
    """It thinks that all are in Leh: the walk through the graph goes on until it has them."""
    await database.execute("update jobs set location = 'Leh, IN'")
    await database.execute("analyze jobs")
    await database.execute("update jobs set location = 'Pune, IN' where id <= $1", UUID(int=JOBS))
    assert await found(database, query, Filters(locations=("Leh",))) == RARE


async def test_a_place_is_a_word(database: asyncpg.Pool, query: Vector) -> None:
    assert await found(database, query, Filters(locations=("Le",))) == 0
    assert await found(database, query, Filters(locations=("pune in",))) == 50


async def test_vectors_of_another_model_are_not_compared(database: asyncpg.Pool, query: Vector) -> None:
    async with database.acquire() as connection, connection.transaction(readonly=True):
        assert await nearest_rows(connection, query, "another model", Filters(), 10) == []
