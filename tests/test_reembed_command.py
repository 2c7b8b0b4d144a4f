"""`chatserver reembed` as its process: what it says, how it ends, and how it goes on after it was stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatserver.adapters import minilm, openai
from chatserver.adapters.children import dies_with_us
from chatserver.adapters.cron_locks import CronLocks
from chatserver.core.reembedding import Extent
from chatserver.reembed_command import LOCK, LOCK_SECONDS, expected_usd
from chatserver.reembedding import BATCH
from tests.embedders import vector_of
from tests.locks import somebody_waits
from tests.until import until

PATIENCE_SECONDS = 90

Ended = tuple[int | None, str, str]
Start = Callable[..., Coroutine[Any, Any, asyncio.subprocess.Process]]


@pytest_asyncio.fixture
async def start(database_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    started: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str, **env: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chatserver", "reembed", "--data", str(tmp_path), *arguments,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
            | {"DATABASE_URL": database_url} | env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            preexec_fn=dies_with_us(signal.SIGTERM),
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert b"Traceback" not in err
    return process.returncode, out.decode(), err.decode()


async def filled(database: asyncpg.Pool, jobs: int) -> None:
    """Jobs of an older writer."""
    await database.executemany(
        "insert into jobs (title, description_raw, embedding, embedding_model) values ($1, $2, $3, $4)",
        [(f"Job {n}", f"Text {n}.", vector_of(openai.MODEL, str(n)), openai.MODEL) for n in range(jobs)],
    )
    await database.execute("insert into embedding_models (model) values ($1)", openai.MODEL)


async def models(database: asyncpg.Pool) -> set[str]:
    rows = await database.fetch("select embedding_model as m from jobs union select model from embedding_models")
    return {row["m"] for row in rows}


async def test_it_changes_the_model_once_and_then_has_nothing_to_do(database: asyncpg.Pool, start: Start) -> None:
    await filled(database, 3)
    code, out, err = await ended(await start())
    assert code == 0
    assert out.startswith("Done in ")
    assert minilm.MODEL in out
    assert f"3 jobs and 0 resumes get vectors of {minilm.MODEL}, on this machine" in err
    assert f"Until the switch {openai.MODEL} serves." in err
    assert "embedding: 100%" in err
    assert await models(database) == {minilm.MODEL}
    code, out, _ = await ended(await start())
    assert (code, out) == (0, f"Nothing to do: all vectors are of {minilm.MODEL}, which is configured.\n")


async def test_a_stop_says_that_it_goes_on_and_the_next_one_does(database: asyncpg.Pool, start: Start) -> None:
    jobs = 2 * BATCH + 8
    await filled(database, jobs)

    async with database.acquire() as other, other.transaction():
        # In the third batch: what is in the middle of its work stays there until it is stopped.
        await other.execute(
            "select from jobs where id = (select id from jobs order by id offset $1 limit 1) for update", 2 * BATCH
        )
        process = await start()
        await until(lambda: somebody_waits(database), PATIENCE_SECONDS)
        process.send_signal(signal.SIGINT)
        code, out, err = await ended(process)
    assert (code, out) == (1, "")
    assert "Stopped. What is done is kept" in err
    assert "start `chatserver reembed` again to go on" in err
    assert await models(database) == {openai.MODEL}
    assert await database.fetchval("select count(*) from next_embeddings") == 2 * BATCH
    code, _, err = await ended(await start())
    assert code == 0
    assert f"{2 * BATCH} are there from an earlier run." in err
    assert f"{jobs - 2 * BATCH} jobs" in err
    assert await models(database) == {minilm.MODEL}


async def test_of_two_at_once_one_wins(database: asyncpg.Pool, start: Start) -> None:
    await filled(database, 1)
    async with CronLocks(database, "another", ttl_seconds=LOCK_SECONDS).held(LOCK) as held:
        assert held
        code, out, err = await ended(await start())
    assert (code, out) == (1, "")
    assert err == (
        "Another `chatserver reembed` is at it; let it end. After one that was killed, start again in 15 seconds.\n"
    )
    assert await models(database) == {openai.MODEL}


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set and no `chatserver up` runs here"),
        ({"DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/x"}, "check DATABASE_URL"),
        ({"OPENAI_API_KEY": "two words"}, "OPENAI_API_KEY: this is no key"),
    ],
)
async def test_what_is_missing_is_one_line(start: Start, env: dict[str, str], sentence: str) -> None:
    code, out, err = await ended(await start(**env))
    assert (code, out) == (1, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert "secret" not in err


async def test_a_database_that_is_not_migrated_is_one_line(start: Start, empty_database_url: str) -> None:
    code, _, err = await ended(await start(DATABASE_URL=empty_database_url))
    assert (code, err) == (1, "The database is not up to date; run `chatserver migrate` first.\n")


def test_the_estimate_is_a_few_cents_for_thousands_of_jobs() -> None:
    assert expected_usd(Extent("old", 10_000, 0, 10_000 * 4_000, 0)) == pytest.approx(0.25, rel=0.1)
    assert expected_usd(Extent("old", 0, 0, 0, 0)) == 0
