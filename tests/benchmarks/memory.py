"""What each process of the Procfile takes of memory: after its start, and the most of it under a small load.

The embedding model is loaded and has run. The load: conversations side by side that are answered, a resume each, jobs
posted and enriched, the bulk worker's as many again. A small instance of most platforms has 512 MB for a process.
"""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2

from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.levels import HEALTH_SUFFIX, QUEUES
from chatserver.adapters.postgres import connect
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.wire import client
from chatserver.core.draft import JobDraft
from chatserver.core.job import SYSTEM_PROVIDER
from tests.benchmarks.connections import resident_kb, served
from tests.benchmarks.servers import Servers, servers
from tests.benchmarks.streaming import started, users
from tests.load.house import a_client

GOAL_MB = 512
SEEKERS = int(os.environ.get("SEEKERS", "60"))
AT_ONCE = 4
JOBS = 20
WITHIN_SECONDS = 300.0
WORDS = "Pipelines in Python, SQL and Apache Spark for an online shop in Pune; reports for finance and audit. "


def most_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def asks(url: str, rest: httpx2.AsyncClient, token: str, session: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    await rest.put("/api/me/resume", json={"text": WORDS * 30}, headers=headers)
    async with a_client(url) as seeker:
        await seeker.says("hello", token=token)
        await seeker.says("join", session=session, ref="j")
        await seeker.hears_back("j")
        await seeker.says("post", session=session, id=str(uuid4()), content="Which job fits me?", ref="p")
        await seeker.hears_back("p")
        while (await seeker.hears_of("message"))["role"] != "assistant":
            pass


async def enriched(pool: asyncpg.Pool, redis_url: str) -> None:
    """Jobs through both queues, until all are active."""
    store, queue = PostgresJobs(pool), ArqQueue(redis_url)
    for number in range(2 * JOBS):
        draft = JobDraft(f"Data engineer {number}", f"{WORDS * 20} {number}")
        _, enrichment = await store.add(SYSTEM_PROVIDER, draft)
        await queue.enrich(replace(enrichment, bulk=number % 2 == 1))
    await queue.aclose()
    deadline = time.monotonic() + WITHIN_SECONDS
    while await pool.fetchval("select count(*) from jobs where status <> 'active'"):
        if time.monotonic() > deadline:
            raise SystemExit("The workers did not get through.")
        await asyncio.sleep(0.5)


async def load(own: Servers, port: int) -> None:
    tokens, sessions = await users(own, SEEKERS)
    pool = await connect(own.database_url, size=2)
    try:
        await enriched(pool, own.redis_url)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60.0, trust_env=False) as rest:
            url = f"ws://127.0.0.1:{port}/ws"
            for first in range(0, SEEKERS, AT_ONCE):
                some = slice(first, first + AT_ONCE)
                await asyncio.gather(*(
                    asks(url, rest, token, session)
                    for token, session in zip(tokens[some], sessions[some], strict=True)
                ))  # fmt: skip
    finally:
        await pool.close()


async def have_begun(redis_url: str) -> None:
    """Both workers have loaded what they need and look at their queues."""
    redis = client(redis_url)
    deadline = time.monotonic() + WITHIN_SECONDS
    while await redis.exists(*(f"{queue}{HEALTH_SUFFIX}" for queue in QUEUES.values())) < len(QUEUES):
        if time.monotonic() > deadline:
            raise SystemExit("The workers did not start.")
        await asyncio.sleep(0.5)
    await redis.aclose()


async def measure() -> bool:
    async with servers() as own, AsyncExitStack() as stack:
        port, web = await served(stack, own)
        # Nobody is named as a contact, so that no career site is read; what that takes, `ingestion` measures.
        where = {"DATABASE_URL": own.database_url, "REDIS_URL": own.redis_url, "LOG_LEVEL": "WARNING"}
        pids = {"web": web}
        for name, settings in (("worker", "WorkerSettings"), ("bulk", "BulkSettings")):
            pids[name] = (await started(stack, "arq", f"workers.main.{settings}", **where)).pid
        await have_begun(own.redis_url)
        at_start = {name: resident_kb(pid) for name, pid in pids.items()}
        await load(own, port)
        for name, pid in pids.items():
            print(
                f"{name}: {at_start[name] / 1024:.0f} MB after its start, {resident_kb(pid) / 1024:.0f} MB after the "
                f"load, {most_kb(pid) / 1024:.0f} MB at most; the goal is {GOAL_MB}"
            )
        print(f"the load: {SEEKERS} seekers with a resume and an answer each, {2 * JOBS} jobs enriched")
        return all(most_kb(pid) / 1024 <= GOAL_MB for pid in pids.values())


def main() -> None:
    if not asyncio.run(measure()):
        raise SystemExit("The goal was missed.")


if __name__ == "__main__":
    main()
