"""Postgres and Redis of a benchmark's own, gone afterwards."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chatserver.adapters.embedded import Postgres, Redis
from chatserver.adapters.migrate import migrate

MIGRATIONS = Path(__file__).parent.parent.parent / "migrations"


@dataclass(frozen=True, slots=True)
class Servers:
    database_url: str
    redis_url: str


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """A migrated, empty database, and an empty Redis."""
    async with empty_servers() as given:
        await migrate(given.database_url, MIGRATIONS)
        yield given


@asynccontextmanager
async def empty_servers() -> AsyncIterator[Servers]:
    """The same, and nothing was migrated."""
    folder = Path(tempfile.mkdtemp(prefix="ottobon-bench-"))
    postgres, redis = Postgres(folder / "postgres"), Redis(folder / "redis")
    try:
        await postgres.start()
        await redis.start()
        yield Servers(postgres.url, redis.url)
    finally:
        await redis.stop()
        await postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if postgres.folder != folder / "postgres":
            shutil.rmtree(postgres.folder, ignore_errors=True)
