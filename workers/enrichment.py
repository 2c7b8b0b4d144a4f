"""What the workers do with jobs: enrich one, find those that nobody took up, and vectors that are missing."""

import logging
from typing import Any
from uuid import UUID

from arq import Retry

from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.core.ports import Unavailable
from chatserver.enrichment import Enriching
from chatserver.jobs import Jobs
from chatserver.logs import request_id
from chatserver.reembedding import Mending

log = logging.getLogger(__name__)

DATABASE_PAUSE_SECONDS = 10.0
MENDED_MOST = 10
"""Vectors made in one sweep: it must not keep a published job waiting."""


async def enrich(ctx: dict[str, Any], job: str, version: str) -> None:
    """One version of one job. Ids only: arq writes the arguments into its log."""
    enriching: Enriching = ctx["enriching"]
    request_id.set(f"{job}:{version}")
    try:
        pause = await enriching.run(UUID(job), version)
    except Unavailable as away:
        log.warning("job %s waits: %s", job, away)
        pause = DATABASE_PAUSE_SECONDS
    if pause is not None:
        raise Retry(defer=pause)


async def sweep(ctx: dict[str, Any]) -> None:
    """Nothing stays in `processing`, no vector missing, no leftover for ever: what was lost is queued again."""
    jobs: Jobs = ctx["jobs"]
    mending: Mending = ctx["mending"]
    enrichments: PostgresEnrichments = ctx["enrichments"]
    try:
        if found := await jobs.requeue_overdue():
            log.warning("%d jobs were overdue and are queued again", found)
        await enrichments.tidy()
        if mended := await mending.mend(MENDED_MOST):
            log.warning("%d vectors were missing or of another model; they are made", mended)
    except Unavailable as away:
        log.warning("the sweep waits: %s", away)
