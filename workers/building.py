"""The parts that a process of `workers` is put together from."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from chatserver.adapters.adoption import Adoption
from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.intake import PostgresIntake
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.listings import Listings
from chatserver.adapters.postgres import connect
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.runs import RunStore
from chatserver.core.ports import Unavailable
from chatserver.intake import Intake
from chatserver.settings import Settings
from workers.board_pass import Progress
from workers.boards.config import FILE, read_boards
from workers.boards.platforms import PLATFORMS
from workers.fetch import Fetch
from workers.ingestion import Ingestion
from workers.pace import Pace

POOL_SIZE = 4


@dataclass(frozen=True, slots=True)
class Parts:
    pool: asyncpg.Pool
    queue: ArqQueue


async def connected(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Postgres and the queue, closed with the stack. Raises `Unavailable`."""
    pool = await connect(str(settings.database_url), size=POOL_SIZE, pooler=settings.database_pooler == "transaction")
    stack.push_async_callback(pool.close)
    queue = ArqQueue(str(settings.redis_url))
    stack.push_async_callback(queue.aclose)
    return Parts(pool, queue)


def contact(settings: Settings) -> str | None:
    """Where a site reaches whoever runs this; nothing is read without."""
    return settings.ingest_contact or settings.public_url


def locks_of(pool: asyncpg.Pool) -> CronLocks:
    return CronLocks(pool, f"{socket.gethostname()}:{os.getpid()}:{uuid4()}")


async def build_ingestion(
    settings: Settings, parts: Parts, stack: AsyncExitStack, progress: Progress | None = None
) -> Ingestion:
    """Raises `BoardsError`, and `Unavailable` where nobody is named as a contact."""
    named = contact(settings)
    if named is None:
        raise Unavailable(
            "INGEST_CONTACT is not set; name a page or a mail address where the career sites reach you: they are told."
        )
    sources = await asyncio.to_thread(read_boards, FILE, PLATFORMS)
    pace = Pace(str(settings.redis_url))
    stack.push_async_callback(pace.aclose)
    fetch = Fetch(named, pace)
    stack.push_async_callback(fetch.aclose)
    locks = locks_of(parts.pool)
    intake = Intake(PostgresJobs(parts.pool), PostgresIntake(parts.pool), parts.queue)
    runs, listings, adoption = RunStore(parts.pool), Listings(parts.pool), Adoption(parts.pool)
    return Ingestion(runs, listings, adoption, locks, intake, sources, PLATFORMS, fetch, progress)
