"""Ingesting a board of 10,000 postings of which 9,000 are known: postings a second and peak memory."""

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from uuid import uuid4

from chatserver.adapters.adoption import Adoption
from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.intake import PostgresIntake
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.listings import Listings
from chatserver.adapters.postgres import connect
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.runs import RunStore
from chatserver.intake import Intake
from tests.benchmarks.servers import servers
from tests.career_sites.impatient import ImpatientWeb
from workers.boards.board import Board
from workers.boards.config import Source
from workers.boards.platforms import PLATFORMS
from workers.ingestion import Ingestion

POSTINGS = 10_000
KNOWN = 9_000
SIZES_BYTES = (3_000, 30_000)
"""Of one posting: a feed of 30 MB, and one of 300 MB."""


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@contextmanager
def a_board(size_bytes: int) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.feed_board", str(POSTINGS), str(size_bytes), str(KNOWN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


async def measure(size_bytes: int) -> None:
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(servers())
        url = stack.enter_context(a_board(size_bytes))
        pool = await connect(own.database_url, size=4)
        stack.push_async_callback(pool.close)
        queue = ArqQueue(own.redis_url)
        stack.push_async_callback(queue.aclose)
        web = await stack.enter_async_context(ImpatientWeb())
        board = Board("bench", "ey", "EY", "successfactors", url, "bench", options={"feed": "/googlefeed.xml"})
        source = Source("ey", "EY", ("EY",), (board,))
        intake = Intake(PostgresJobs(pool), PostgresIntake(pool), queue)
        ingestion = Ingestion(
            RunStore(pool),
            Listings(pool),
            Adoption(pool),
            CronLocks(pool, str(uuid4())),
            intake,
            {"ey": source},
            PLATFORMS,
            web,
        )
        for what in ("first run", "second run"):
            began, used = time.perf_counter(), time.process_time()
            run = await ingestion.run("ey")
            assert run is not None
            took, used = time.perf_counter() - began, time.process_time() - used
            done = await RunStore(pool).one(run)
            print(
                f"{what}, {size_bytes // 1000} KB a posting: {done.jobs_fetched:,} postings, {done.jobs_new:,} new, "
                f"{done.status} ({done.boards[0].status}): {done.jobs_fetched / took:,.0f} a second, {took:.1f} s, "
                f"{used:.1f} s of processor; peak memory {peak_mb()} MB",
                flush=True,
            )


def main() -> None:
    for size_bytes in SIZES_BYTES:
        asyncio.run(measure(size_bytes))


if __name__ == "__main__":
    main()
