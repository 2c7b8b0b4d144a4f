"""The worker as its process: started by arq's own command, told by signals to go."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from chatserver.adapters.children import dies_with_us
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.queue import ArqQueue
from chatserver.core.draft import JobDraft

ROOT = Path(__file__).parent.parent.parent
SYSTEM = UUID("00000000-0000-4000-a000-000000000001")
PATIENCE_SECONDS = 60

Start = Callable[..., Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    started: list[asyncio.subprocess.Process] = []

    async def start(settings: str = "WorkerSettings", **env: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "arq", f"workers.main.{settings}",
            cwd=ROOT, env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")} | env,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            preexec_fn=dies_with_us(signal.SIGTERM),
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until_active(database: asyncpg.Pool, job: UUID) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await database.fetchval("select status from jobs where id = $1", job) != "active":
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("settings", ["WorkerSettings", "BulkSettings"])
async def test_a_worker_takes_up_its_queue_and_goes_when_told(
    start: Start, settings: str, database: asyncpg.Pool, database_url: str, redis_url: str
) -> None:
    store, queue = PostgresJobs(database), ArqQueue(redis_url)
    secret = "Only for the eyes of applicants."
    job, enrichment = await store.add(SYSTEM, JobDraft("Data Engineer", f"Pipelines in Python. {secret}"))
    await database.execute(
        "update jobs set pending = jsonb_set(pending, '{bulk}', $2) where id = $1", job.id, settings == "BulkSettings"
    )
    [enrichment] = await store.overdue(0, 1)
    await queue.enrich(enrichment)
    await queue.aclose()
    worker = await start(settings, DATABASE_URL=database_url, REDIS_URL=redis_url)
    await until_active(database, job.id)
    worker.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(worker.communicate(), PATIENCE_SECONDS)
    assert worker.returncode == 0
    assert str(job.id) in said.decode()
    assert secret not in said.decode()
    assert "Traceback" not in said.decode()


async def test_what_was_left_behind_is_found_without_any_queue(
    start: Start, database: asyncpg.Pool, database_url: str, redis_url: str
) -> None:
    job, _ = await PostgresJobs(database).add(SYSTEM, JobDraft("Data Engineer", "Pipelines in Python."))
    await database.execute("""update jobs set pending = pending || '{"since": "2026-01-01T00:00:00Z"}'""")
    await start(DATABASE_URL=database_url, REDIS_URL=redis_url)
    await until_active(database, job.id)


async def test_a_redis_that_stays_away_is_one_sentence() -> None:
    patient = "import workers.main as ours; ours.WORKER_RETRIES = 1; from arq.cli import cli; cli()"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", patient, "workers.main.WorkerSettings", cwd=ROOT, env={
            "PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://owner@127.0.0.1:1/jobs",
            "REDIS_URL": "redis://:secret@127.0.0.1:1",
        }, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await asyncio.wait_for(worker.communicate(), PATIENCE_SECONDS)
    assert worker.returncode == 1
    assert said.decode().splitlines()[-1].startswith("Redis does not answer (Error 111")
    assert "Traceback" not in said.decode()
    assert "secret" not in said.decode()


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({}, "A worker needs DATABASE_URL and REDIS_URL"),
        ({"REDIS_URL": "http://127.0.0.1"}, "REDIS_URL"),
        ({"DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/x"}, "check DATABASE_URL"),
    ],
)
async def test_a_wrong_setting_is_one_sentence(
    start: Start, redis_url: str, env: dict[str, str], sentence: str
) -> None:
    worker = await start(**({"REDIS_URL": redis_url} | env))
    _, said = await asyncio.wait_for(worker.communicate(), PATIENCE_SECONDS)
    assert worker.returncode == 1
    assert sentence in said.decode()
    assert "Traceback" not in said.decode()
    assert "secret" not in said.decode()
