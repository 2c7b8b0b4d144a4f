"""The two arq workers, what somebody waits for and bulk, put together from the environment."""

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from typing import Any

from arq import cron, func

from chatserver.adapters.anthropic_enricher import AnthropicEnricher
from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.adapters.postgres import connect
from chatserver.adapters.queue import (
    BULK_QUEUE,
    ENRICH,
    WAITED_FOR_QUEUE,
    WORKER_RETRIES,
    ArqQueue,
    deserialize,
    queue_redis,
    serialize,
)
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import Enricher
from chatserver.core.ports import Embedder, Unavailable
from chatserver.enrichment import ATTEMPTS_MAX, Enriching
from chatserver.jobs import Jobs
from chatserver.settings import Settings, SettingsError
from workers.enrichment import enrich, sweep

JOB_SECONDS = 120
"""A job of a worker that died is free again this long, and ten seconds, after its start."""
TRIES_MAX = 4 * ATTEMPTS_MAX
"""Attempts are counted in the row; arq's own count, which a restart raises too, is only a stop."""
WAITED_FOR_POLL_SECONDS = 0.1
BULK_POLL_SECONDS = 0.5
SWEEP_SECONDS_OF_MINUTE = {0, 30}
JOBS_AT_ONCE = 4
POOL_SIZE = 4
BULK_NICENESS = 10


def __getattr__(name: str) -> Any:
    """`arq workers.main.WorkerSettings` and `BulkSettings`, made when asked for: an import reads no environment."""
    if name not in ("WorkerSettings", "BulkSettings"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as wrong:
        raise SystemExit(str(wrong)) from None
    if not settings.database_url or not settings.redis_url:
        raise SystemExit("A worker needs DATABASE_URL and REDIS_URL; set them, or start it with `chatserver up`.")
    for ours in ("chatserver", "workers"):
        _log_to_stderr(logging.getLogger(ours), settings.log_level)
    return type(name, (), worker_settings(settings, bulk=name == "BulkSettings"))


def worker_settings(settings: Settings, *, bulk: bool) -> dict[str, Any]:
    """What arq's `Worker` is made with."""
    url = str(settings.redis_url)
    queue = BULK_QUEUE if bulk else WAITED_FOR_QUEUE

    async def start(ctx: dict[str, Any]) -> None:
        if bulk:
            os.nice(BULK_NICENESS)
        try:
            ctx["closing"] = await _build(ctx, settings)
        except Unavailable as away:
            raise SystemExit(str(away)) from None

    async def stop(ctx: dict[str, Any]) -> None:
        if closing := ctx.pop("closing", None):
            await closing.aclose()

    return {
        "functions": [func(enrich, name=ENRICH, timeout=JOB_SECONDS, keep_result=0, max_tries=TRIES_MAX)],
        # One sweep for the whole fleet: arq gives the run of one moment one id.
        "cron_jobs": []
        if bulk
        else [cron(sweep, second=SWEEP_SECONDS_OF_MINUTE, run_at_startup=True, timeout=JOB_SECONDS, keep_result=0)],
        "queue_name": queue,
        "redis_pool": queue_redis(url, queue=queue, retries=WORKER_RETRIES),
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "job_timeout": JOB_SECONDS,
        "job_completion_wait": settings.drain_seconds,
        "keep_result": 0,
        "max_jobs": JOBS_AT_ONCE,
        "poll_delay": BULK_POLL_SECONDS if bulk else WAITED_FOR_POLL_SECONDS,
        "on_startup": start,
        "on_shutdown": stop,
    }


async def _build(ctx: dict[str, Any], settings: Settings) -> AsyncExitStack:
    async with AsyncExitStack() as stack:
        pool = await connect(
            str(settings.database_url), size=POOL_SIZE, pooler=settings.database_pooler == "transaction"
        )
        stack.push_async_callback(pool.close)
        queue = ArqQueue(str(settings.redis_url))
        stack.push_async_callback(queue.aclose)
        gazetteer = await asyncio.to_thread(load_gazetteer)
        embedder = await asyncio.to_thread(_embedder, settings)
        enricher = _enricher(settings, gazetteer)
        for remote in (embedder, enricher):
            if isinstance(remote, OpenAIEmbedder | AnthropicEnricher):
                stack.push_async_callback(remote.aclose)
        store = PostgresJobs(pool)
        ctx["jobs"] = Jobs(store, PostgresCatalogue(pool), queue, embedder, gazetteer)
        ctx["enriching"] = Enriching(store, enricher, embedder)
        return stack.pop_all()


def _embedder(settings: Settings) -> Embedder:
    return OpenAIEmbedder(settings.openai_api_key) if settings.openai_api_key else MiniLM()


def _enricher(settings: Settings, gazetteer: Gazetteer) -> Enricher:
    if not settings.anthropic_api_key:
        return OfflineEnricher(gazetteer)
    return AnthropicEnricher(settings.anthropic_api_key, settings.enrichment_model, settings.anthropic_base_url)


def _log_to_stderr(logger: logging.Logger, level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level)
