"""A worker that dies over a job: the job is done again, and is in effect once."""

import asyncio
import random
import time

import httpx2

from chatserver.adapters.wire import client as redis_client
from tests.chaos.judge import Broken
from tests.chaos.town import Process, Town

GUIDES_SECONDS = 2.0
WITHIN_SECONDS = 60.0
LOOK_SECONDS = 0.1
QUIET_SECONDS = 2.0
"""So long nothing more is done once it is done."""

_JOB = "select status::text, enriched_by, pending, resume_guide_generated -> 4 as tip from public.jobs where title = $1"


async def a_worker_is_killed(town: Town, chance: random.Random) -> str:
    model, title = town.model, f"Welder {chance.randrange(10**9)}"
    model.guides_seconds = GUIDES_SECONDS
    before = model.guides
    first = await _worker(town)
    provider = await town.person("provider", "Provider")
    posting = {"title": title, "description_raw": f"{title}: you weld pipes and read drawings. Shifts, near Pune."}
    async with httpx2.AsyncClient(
        trust_env=False, base_url=f"http://127.0.0.1:{town.nodes[0].port}",
        headers={"Authorization": f"Bearer {town.token(provider)}"},
    ) as http:  # fmt: skip
        assert (answer := await http.post("/api/jobs", json=posting)).status_code == 201, answer.text
    async with asyncio.timeout(WITHIN_SECONDS):
        while model.guides == before:
            await asyncio.sleep(LOOK_SECONDS)
    await asyncio.sleep(chance.uniform(0, GUIDES_SECONDS / 2))
    await town.killed(first)
    (row,) = await town.query(_JOB, title)
    assert row["status"] == "processing", "the worker was through before it died"
    await _time_passes(town)
    began = time.monotonic()
    second = await _worker(town)
    async with asyncio.timeout(WITHIN_SECONDS):
        while row["status"] != "active":
            await asyncio.sleep(LOOK_SECONDS)
            (row,) = await town.query(_JOB, title)
    took = time.monotonic() - began
    await asyncio.sleep(QUIET_SECONDS)
    await town.killed(second)
    asked = model.guides - before
    (row,) = await town.query(_JOB, title)
    if asked != 2 or row["pending"] is not None or row["tip"] is None or row["enriched_by"] != "anthropic":
        raise Broken(f"asked {asked} times for guides, the row is {dict(row)}")
    return f"a worker killed over a job; done again {took:.1f} s after another one started, in effect once"


async def _worker(town: Town) -> Process:
    return await town.start("worker", "arq", "workers.main.WorkerSettings")


async def _time_passes(town: Town) -> None:
    """In place of waiting for two minutes: what the dead worker held in Redis and in Postgres runs out now."""
    redis = redis_client(town.redis.url)
    held = [key async for key in redis.scan_iter("arq:in-progress:*")]
    assert held, "the queue does not know that somebody had the job"
    await redis.delete(*held)
    await redis.aclose()
    await town.query("update public.enrichment_claims set expires_at = clock_timestamp() - interval '1 second'")
