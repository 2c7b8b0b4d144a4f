"""`chatserver reembed`: all vectors anew with the configured model, then one switch; it goes on where it stopped."""

import asyncio
import os
import socket
import sys
from contextlib import AsyncExitStack
from time import monotonic
from uuid import uuid4

import asyncpg
from tqdm import tqdm

from chatserver.adapters import openai
from chatserver.adapters.cron_locks import CronLocks, Lost
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.adapters.pinned import makers
from chatserver.adapters.postgres import connect, reason
from chatserver.adapters.reembedding import PostgresVectors
from chatserver.core.ports import Unavailable
from chatserver.core.reembedding import Extent
from chatserver.recipients import recipients_of
from chatserver.reembedding import Reembedding, Step
from chatserver.running import Failed
from chatserver.settings import Settings

LOCK = "reembed"
LOCK_SECONDS = 15.0
"""A run that was killed is in nobody's way for longer than this."""
RENEW_SECONDS = 4.0
POOL_SIZE = 4
CHARACTERS_PER_TOKEN = 3.5
FOCUS_TOKENS = 120
"""The title and opening of a job, or the titles and skills of a resume, which make a vector of their own."""

KEPT = "What is done is kept, and the old vectors serve until the switch: start `chatserver reembed` again to go on."


def expected_usd(extent: Extent) -> float:
    """What OpenAI charges for so much, in US dollars; an estimate."""
    tokens = extent.characters / CHARACTERS_PER_TOKEN + extent.texts * FOCUS_TOKENS
    return tokens * openai.USD_PER_MILLION_TOKENS / 1e6


class Bars:
    """Two bars on stderr, one after the other."""

    def __init__(self, extent: Extent) -> None:
        self._totals: dict[Step, int] = {"embedding": extent.texts, "switching": extent.texts + extent.kept}
        self._bars: dict[Step, tqdm[object]] = {}

    def __call__(self, step: Step, done: int) -> None:
        if step not in self._bars:
            self.close()
            self._bars[step] = tqdm(
                desc=step, total=self._totals[step], unit=" texts", file=sys.stderr, mininterval=0.5
            )
        self._bars[step].update(done)

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()


async def reembed(settings: Settings) -> None:
    """Raises `Failed` or `Unavailable` with one sentence."""
    url = str(settings.database_url)
    async with AsyncExitStack() as stack:
        pool = await connect(url, size=POOL_SIZE, pooler=settings.database_pooler == "transaction")
        stack.push_async_callback(pool.close)
        locks = CronLocks(
            pool, f"{socket.gethostname()}:{os.getpid()}:{uuid4()}", ttl_seconds=LOCK_SECONDS,
            renew_seconds=RENEW_SECONDS,
        )  # fmt: skip
        try:
            async with locks.held(LOCK) as held:
                if not held:
                    raise Failed(
                        "Another `chatserver reembed` is at it; let it end. "
                        f"After one that was killed, start again in {LOCK_SECONDS:g} seconds."
                    )
                await _reembed(settings, pool, stack)
        except Lost:
            raise Failed(f"Another `chatserver reembed` has taken over from this one. {KEPT}") from None
        except Unavailable as away:
            raise Failed(f"{away} {KEPT}") from None
        except asyncpg.UndefinedTableError:
            raise Failed("The database is not up to date; run `chatserver migrate` first.") from None
        except asyncpg.PostgresError as error:
            raise Failed(f"The database refused it ({reason(error)}). {KEPT}") from None
        except asyncio.CancelledError:
            print(f"\nStopped. {KEPT}", file=sys.stderr)
            raise


async def _reembed(settings: Settings, pool: asyncpg.Pool, stack: AsyncExitStack) -> None:
    model, make = next(iter(makers(settings.openai_api_key, proxy=settings.outgoing_proxy).items()))
    vectors = PostgresVectors(pool, recipients_of(settings))
    extent = await vectors.extent(model)
    if extent.pinned == model and not extent.texts:
        print(f"Nothing to do: all vectors are of {model}, which is configured.")
        return
    print(_plan(extent, model), file=sys.stderr)
    gazetteer = await asyncio.to_thread(load_gazetteer)
    embedder = await asyncio.to_thread(make)
    if isinstance(embedder, OpenAIEmbedder):
        stack.push_async_callback(embedder.aclose)
    bars = Bars(extent)
    stack.callback(bars.close)
    began = monotonic()
    await Reembedding(vectors, embedder, gazetteer, bars).run()
    bars.close()
    print(f"Done in {monotonic() - began:,.0f} s: all vectors are of {model} now, and questions are asked of it.")


def _plan(extent: Extent, model: str) -> str:
    """What is about to be done and what it costs, before any of it is."""
    costs = f", for about {expected_usd(extent):.2f} USD" if model == openai.MODEL else ", on this machine"
    kept = f" {extent.kept:,} are there from an earlier run." if extent.kept else ""
    return (
        f"{extent.jobs:,} jobs and {extent.resumes:,} resumes get vectors of {model}{costs}.{kept} "
        f"Until the switch {extent.pinned or 'no model'} serves."
    )
