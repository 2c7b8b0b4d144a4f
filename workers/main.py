"""The two arq workers, what somebody waits for and bulk, put together from the environment."""

import asyncio
import logging
import os
import sys
from contextlib import AsyncExitStack
from time import monotonic
from types import TracebackType
from typing import Any

import asyncpg
from arq import cron, func
from redis.exceptions import RedisError

from chatserver import logs
from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.consents import PostgresConsents
from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.pinned import PinnedEmbedder, makers
from chatserver.adapters.postgres import reason
from chatserver.adapters.queue import (
    BULK_QUEUE,
    ENRICH,
    WAITED_FOR_QUEUE,
    WORKER_RETRIES,
    deserialize,
    queue_redis,
    serialize,
)
from chatserver.adapters.reembedding import PostgresVectors
from chatserver.adapters.retention import PostgresAged
from chatserver.adapters.spend import EnrichmentBudget
from chatserver.adapters.storage import SupabaseStorage, files_of
from chatserver.consents import Consents
from chatserver.core.ports import Unavailable
from chatserver.enrichment import ATTEMPTS_MAX, Enriching, Paid
from chatserver.jobs import Jobs
from chatserver.recipients import recipients_of
from chatserver.reembedding import Mending
from chatserver.retention import Retention
from chatserver.settings import Settings, SettingsError
from workers.boards.config import BoardsError
from workers.building import Parts, build_ingestion, connected, contact, locks_of
from workers.enrichment import enrich, sweep
from workers.retention import Retaining, retain

log = logging.getLogger(__name__)

JOB_SECONDS = 120
"""A job of a worker that died is free again this long, and ten seconds, after its start."""
TRIES_MAX = 8 * ATTEMPTS_MAX
"""Attempts are counted in the row; arq's own count, which a restart raises too, is only a stop."""
WAITED_FOR_POLL_SECONDS = 0.1
BULK_POLL_SECONDS = 0.5
SWEEP_SECONDS_OF_MINUTE = {0, 30}
RETAIN_MINUTE = 17
JOBS_AT_ONCE = 4
BULK_NICENESS = 10
HEARTBEAT_SECONDS = 30
"""So often a worker says that it lives; a second more without a word, and the metrics say that it does not."""


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
    sys.excepthook = _told
    return type(name, (), worker_settings(settings, bulk=name == "BulkSettings"))


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """arq lets go of a Redis that stays away with all that it knows of the call; a person wants a line."""
    if isinstance(error, RedisError):
        print(f"Redis does not answer ({reason(error)}); check REDIS_URL, then start this again.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def worker_settings(settings: Settings, *, bulk: bool) -> dict[str, Any]:
    """What arq's `Worker` is made with."""
    url = str(settings.redis_url)
    queue = BULK_QUEUE if bulk else WAITED_FOR_QUEUE

    async def start(ctx: dict[str, Any]) -> None:
        logs.configure(settings.log_level, settings.log_format, "bulk" if bulk else "worker")
        # arq's command has given its own logger a handler of another form and a level by now.
        logging.getLogger("arq").handlers.clear()
        logging.getLogger("arq").setLevel(logging.NOTSET)
        if bulk:
            os.nice(BULK_NICENESS)
        try:
            ctx["closing"] = await _build(ctx, settings, bulk=bulk)
        except (Unavailable, BoardsError) as away:
            raise SystemExit(str(away)) from None

    async def stop(ctx: dict[str, Any]) -> None:
        if closing := ctx.pop("closing", None):
            await closing.aclose()

    return {
        "functions": [func(enrich, name=ENRICH, timeout=JOB_SECONDS, keep_result=0, max_tries=TRIES_MAX)],
        # One sweep for the whole fleet: arq gives the run of one moment one id.
        # Each hour, not each day: a worker that is away in that minute would leave what is old for another day.
        "cron_jobs": [cron(retain, minute=RETAIN_MINUTE, run_at_startup=True, timeout=JOB_SECONDS, keep_result=0)]
        if bulk
        else [cron(sweep, second=SWEEP_SECONDS_OF_MINUTE, run_at_startup=True, timeout=JOB_SECONDS, keep_result=0)],
        "queue_name": queue,
        "redis_pool": queue_redis(url, queue=queue, retries=WORKER_RETRIES),
        "job_serializer": serialize,
        "job_deserializer": deserialize,
        "job_timeout": JOB_SECONDS,
        "job_completion_wait": settings.drain_seconds,
        "keep_result": 0,
        "health_check_interval": HEARTBEAT_SECONDS,
        "max_jobs": JOBS_AT_ONCE,
        "poll_delay": BULK_POLL_SECONDS if bulk else WAITED_FOR_POLL_SECONDS,
        "on_startup": start,
        "on_shutdown": stop,
    }


async def _build(ctx: dict[str, Any], settings: Settings, *, bulk: bool) -> AsyncExitStack:
    async with AsyncExitStack() as stack:
        parts = await connected(settings, stack)
        pool, queue = parts.pool, parts.queue
        gazetteer = await asyncio.to_thread(load_gazetteer)
        embedder = PinnedEmbedder(pool, makers(settings.openai_api_key, proxy=settings.outgoing_proxy))
        stack.push_async_callback(embedder.aclose)
        await embedder.warm()
        store = PostgresJobs(pool)
        recipients = recipients_of(settings)
        consents = Consents(PostgresConsents(pool), recipients)
        ctx["jobs"] = Jobs(store, PostgresCatalogue(pool), queue, embedder, gazetteer, consents)
        ctx["mending"] = Mending(PostgresVectors(pool, recipients), embedder, gazetteer)
        ctx["enrichments"] = PostgresEnrichments(pool)
        paid = _paid(settings, pool, stack)
        ctx["enriching"] = Enriching(store, OfflineEnricher(gazetteer), embedder, gazetteer, paid)
        if bulk:
            files = files_of(settings)
            if isinstance(files, SupabaseStorage):
                stack.push_async_callback(files.aclose)
            retention = Retention(PostgresAged(pool), files, settings.retention_days, monotonic)
            ctx["retaining"] = Retaining(locks_of(pool), retention)
            await PostgresEnrichments(pool).wake()
            await _watch(settings, parts, stack)
        return stack.pop_all()


async def _watch(settings: Settings, parts: Parts, stack: AsyncExitStack) -> None:
    """Ingestion runs beside the queue, not in it: a run of hours would make a dead worker's jobs wait as long."""
    if contact(settings) is None:
        log.warning("INGEST_CONTACT is not set: no career site is read. Name a page or a mail address.")
        return
    ingestion = await build_ingestion(settings, parts, stack)
    watching = asyncio.create_task(ingestion.watch(settings.ingest_at, settings.timezone), name="ingestion")

    async def stop() -> None:
        watching.cancel()
        await asyncio.wait([watching])

    stack.push_async_callback(stop)


def _paid(settings: Settings, pool: asyncpg.Pool, stack: AsyncExitStack) -> Paid | None:
    if not settings.anthropic_api_key:
        return None
    # The package takes a second to load, which a worker without a key starts earlier.
    from chatserver.adapters.anthropic_enricher import AnthropicEnricher

    enricher = AnthropicEnricher(
        settings.anthropic_api_key, settings.enrichment_model, settings.anthropic_base_url,
        proxy=settings.outgoing_proxy,
    )  # fmt: skip
    stack.push_async_callback(enricher.aclose)
    budget = EnrichmentBudget(pool, day_usd=settings.budget_enrichment_day_usd)
    return Paid(enricher, PostgresEnrichments(pool), budget)
