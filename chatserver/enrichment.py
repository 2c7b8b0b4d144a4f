"""Enriching one version of a job: guides once per description, an embedding of its own, failure said in the row."""

import logging
from dataclasses import replace
from uuid import UUID

from chatserver.core.guides import Enricher, EnrichmentFailed, Guides
from chatserver.core.job_ports import EnrichmentTask, JobStore, Outcome
from chatserver.core.ports import Embedder, Unavailable
from chatserver.matches import embed_job

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 5
PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0)
"""After the first, second, … attempt that failed."""

DIED_SENTENCE = f"Enrichment died {ATTEMPTS_MAX} times without a word; ask for it again, or look at the worker's log."


class Enriching:
    """What a worker does with one entry of the queue. Doing it twice is doing it once."""

    def __init__(self, store: JobStore, enricher: Enricher, embedder: Embedder) -> None:
        self._store = store
        self._enricher = enricher
        self._embedder = embedder

    async def run(self, job: UUID, version: str) -> float | None:
        """None when there is nothing left to do, else the seconds until the next try.

        Raises `Unavailable` while the database does not answer: nothing was counted then.
        """
        task = await self._store.begin(job, version)
        if task is None:
            return None
        if task.attempt > ATTEMPTS_MAX:
            await self._store.fail(job, version, DIED_SENTENCE)
            return None
        try:
            outcome = await self._outcome(task)
        except EnrichmentFailed as failed:
            return await self._failed(task, failed.sentence, again=failed.again)
        except Unavailable as away:
            return await self._failed(task, str(away), again=True)
        if not await self._store.complete(task, outcome):
            log.info("job %s has moved on; version %s is void", job, version)
        return None

    async def _failed(self, task: EnrichmentTask, sentence: str, *, again: bool) -> float | None:
        if again and task.attempt < ATTEMPTS_MAX:
            log.warning("job %s, attempt %d: %s", task.job, task.attempt, sentence)
            return PAUSES_SECONDS[task.attempt - 1]
        log.error("job %s failed: %s", task.job, sentence)
        await self._store.fail(task.job, task.version, sentence)
        return None

    async def _outcome(self, task: EnrichmentTask) -> Outcome:
        guides = await self._guides(task)
        if task.given_skills:
            guides = replace(guides, skills=task.given_skills)
        embedding = await embed_job(self._embedder, task.text.title, task.text.description)
        return Outcome(guides, self._enricher.kind, embedding, self._embedder.model)

    async def _guides(self, task: EnrichmentTask) -> Guides:
        kind = self._enricher.kind
        if not task.fresh:
            if task.kept is not None and task.kept_by == kind:
                return task.kept
            if (known := await self._store.reusable(task.description_hash, kind, task.job)) is not None:
                return known
        return await self._enricher.write(task.text)
