"""The REST routes on real stores, one house for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio

from chatserver.adapters.minilm import MiniLM
from chatserver.core.gazetteer import Gazetteer
from tests.until import until
from tests.web.house import House


@pytest_asyncio.fixture
async def house(
    database: asyncpg.Pool, redis_url: str, tmp_path: Path, minilm: MiniLM, gazetteer: Gazetteer
) -> AsyncIterator[House]:
    made = House(database, redis_url, tmp_path, minilm, gazetteer)
    made.wire.start()

    async def listens() -> bool:
        return made.wire.healthy

    await until(listens)
    yield made
    await made.aclose()
