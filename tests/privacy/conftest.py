"""A node with every service outside that it may have, one for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from chatserver.core.gazetteer import Gazetteer
from tests.privacy.outside import Outside, outside_of


@pytest_asyncio.fixture
async def outside(
    database: asyncpg.Pool, database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Outside]:
    async with outside_of(database, database_url, redis_url, gazetteer, monkeypatch) as made:
        yield made
