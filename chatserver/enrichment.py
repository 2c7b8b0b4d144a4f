"""Enriching one version of a job: guides once per description, an embedding of its own, failure said in the row."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import (
    Bill,
    Enricher,
    EnricherKind,
    EnrichmentEstimate,
    EnrichmentFailed,
    Guides,
    PaidEnricher,
    Spent,
)
from chatserver.core.job_ports import EnrichmentTask, JobStore, Outcome
from chatserver.core.ports import Embedders, NotConfigured, Repinned, Unavailable, Vector
from chatserver.matches import embed_job

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 5
PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0)
"""After the first, second, … attempt that failed."""
CLAIM_SECONDS = 150.0
"""Longer than a worker is ever at one job: only one that died loses a claim so."""
CLAIM_PAUSE_SECONDS = 5.0
UNCONFIGURED_PAUSE_SECONDS = 600.0
KEEP_PAUSES_SECONDS = (0.5, 2.0, 8.0)
"""Before each new try to keep what was paid for."""
KEEP_SECONDS = 20.0
"""All tries together; with the longest job still less than a claim."""

DIED_SENTENCE = f"Enrichment died {ATTEMPTS_MAX} times without a word; ask for it again, or look at the worker's log."
SPENT_SENTENCE = (
    "Today's budget for enrichment is used up; this job waits until after midnight UTC. "
    "Raise BUDGET_ENRICHMENT_DAY_USD and start the workers again to go on at once."
)


class Reservation(Protocol):
    async def settle(self, usd: float) -> None: ...


class Budget(Protocol):
    """The day's money for guides. Each method raises `Unavailable`."""

    async def reserve(self, usd: float) -> Reservation | None:
        """Sets the most that a call can cost aside, or None at the limit."""
        ...

    async def spent(self) -> Spent: ...


class Purchases(Protocol):
    """Which worker buys the guides of a description, by the database's clock, and what was bought and not used yet.

    Each method raises `Unavailable`.
    """

    async def claim(self, description_hash: str, kind: EnricherKind, seconds: float) -> UUID | None:
        """None where somebody else has it; one that ran out is anybody's."""
        ...

    async def release(self, claim: UUID) -> None: ...

    async def keep(self, task: EnrichmentTask, kind: EnricherKind, guides: Guides) -> None:
        """Under the task's version: two that ask anew for one text do not take each other's."""
        ...

    async def bought(self, task: EnrichmentTask, kind: EnricherKind) -> Guides | None:
        """What was bought for this description; for a task that asks anew, for this very task."""
        ...

    async def forget(self, task: EnrichmentTask, kind: EnricherKind) -> None:
        """What was bought for this very task is in its row now."""
        ...


@dataclass(frozen=True, slots=True)
class Paid:
    """An enricher that costs money, and what keeps it from costing more than it must."""

    enricher: PaidEnricher
    purchases: Purchases
    budget: Budget


class _Elsewhere(Exception):
    """Another worker is writing these guides."""


class _Exhausted(Exception):
    """There is no money for this call today."""


class Enriching:
    """What a worker does with one entry of the queue. Doing it twice is doing it once.

    With `paid` its enricher writes, and `enricher` only for somebody who waits once the day's money is spent.
    """

    def __init__(
        self,
        store: JobStore,
        enricher: Enricher,
        embedders: Embedders,
        gazetteer: Gazetteer,
        paid: Paid | None = None,
    ) -> None:
        self._store = store
        self._enricher = enricher
        self._embedders = embedders
        self._gazetteer = gazetteer
        self._paid = paid

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
            if not await self._enrich(task):
                log.info("job %s has moved on; version %s is void", job, version)
        except EnrichmentFailed as failed:
            return await self._failed(task, failed.sentence, again=failed.again)
        except _Elsewhere:
            await self._store.postpone(job, version, None, 0)
            return CLAIM_PAUSE_SECONDS
        except _Exhausted:
            await self._store.postpone(job, version, SPENT_SENTENCE, None)
        except NotConfigured as wanted:
            log.warning("job %s waits: %s", job, wanted)
            await self._store.postpone(job, version, str(wanted), UNCONFIGURED_PAUSE_SECONDS)
        except Unavailable as away:
            return await self._failed(task, str(away), again=True)
        return None

    async def _failed(self, task: EnrichmentTask, sentence: str, *, again: bool) -> float | None:
        if again and task.attempt < ATTEMPTS_MAX:
            log.warning("job %s, attempt %d: %s", task.job, task.attempt, sentence)
            return PAUSES_SECONDS[task.attempt - 1]
        log.error("job %s failed: %s", task.job, sentence)
        await self._store.fail(task.job, task.version, sentence)
        return None

    async def _enrich(self, task: EnrichmentTask) -> bool:
        done = await self._guided(task)
        if done and self._paid is not None:
            await self._forget(self._paid, task)
        return done

    async def _guided(self, task: EnrichmentTask) -> bool:
        kind = self._paid.enricher.kind if self._paid else self._enricher.kind
        if (known := await self._known(task, kind)) is not None:
            return await self._complete(task, known, kind, *await self._embedded(task))
        if self._paid is None:
            return await self._complete(task, await self._enricher.write(task.text), kind, *await self._embedded(task))
        async with self._claimed(self._paid, task):
            # Whoever had the claim before may have stored them since we looked.
            if (known := await self._known(task, kind)) is not None:
                return await self._complete(task, known, kind, *await self._embedded(task))
            # Before the guides: what is paid for must not be lost to an embedder that is away.
            embedded = await self._embedded(task)
            guides, kind = await self._bought(self._paid, task)
            return await self._complete(task, guides, kind, *embedded)

    async def _known(self, task: EnrichmentTask, kind: EnricherKind) -> Guides | None:
        if not task.fresh:
            if task.kept is not None and task.kept_by == kind:
                return task.kept
            if (found := await self._store.reusable(task.description_hash, kind, task.job)) is not None:
                return found
        return await self._paid.purchases.bought(task, kind) if self._paid else None

    @asynccontextmanager
    async def _claimed(self, paid: Paid, task: EnrichmentTask) -> AsyncIterator[None]:
        claim = await paid.purchases.claim(task.description_hash, paid.enricher.kind, CLAIM_SECONDS)
        if claim is None:
            raise _Elsewhere
        try:
            yield
        finally:
            await asyncio.shield(self._release(paid, claim))

    @staticmethod
    async def _release(paid: Paid, claim: UUID) -> None:
        try:
            await paid.purchases.release(claim)
        except Unavailable as away:
            log.warning("a claim was not released and runs out by itself: %s", away)

    async def _bought(self, paid: Paid, task: EnrichmentTask) -> tuple[Guides, EnricherKind]:
        reservation = await paid.budget.reserve(paid.enricher.ceiling_usd(task.text))
        if reservation is None:
            if task.bulk:
                raise _Exhausted
            return await self._enricher.write(task.text), self._enricher.kind
        bill = Bill()
        try:
            guides = await paid.enricher.write(task.text, bill)
            # At once, and whoever cancels: the claim is held until what is paid for is kept.
            await _to_its_end(self._keep(paid, task, guides))
        finally:
            # A cancelled call costs money too: it is counted, whoever cancelled it.
            await asyncio.shield(self._settle(reservation, bill.usd))
        return guides, paid.enricher.kind

    async def _keep(self, paid: Paid, task: EnrichmentTask, guides: Guides) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(KEEP_SECONDS):
                for pause in (*KEEP_PAUSES_SECONDS, 0.0):
                    try:
                        await paid.purchases.keep(task, paid.enricher.kind, guides)
                        return
                    except Exception as error:
                        # Whatever it is: the guides in hand may still reach the row, and money was spent on them.
                        log.warning("the guides of job %s are paid for and not kept yet: %r", task.job, error)
                        await asyncio.sleep(pause)

    @staticmethod
    async def _forget(paid: Paid, task: EnrichmentTask) -> None:
        try:
            await paid.purchases.forget(task, paid.enricher.kind)
        except Unavailable as away:
            log.warning("bought guides were not put away; they go by themselves: %s", away)

    @staticmethod
    async def _settle(reservation: Reservation, usd: float) -> None:
        try:
            await reservation.settle(usd)
        except Unavailable as away:
            # The reservation stands: money is rather counted too high than not at all.
            log.warning("the cost of guides was not settled: %s", away)

    async def _embedded(self, task: EnrichmentTask, *, fresh: bool = False) -> tuple[Vector, str]:
        embedder = await self._embedders.current(fresh=fresh)
        text = task.text
        return await embed_job(embedder, self._gazetteer, text.title, text.description), embedder.model

    async def _complete(
        self, task: EnrichmentTask, guides: Guides, kind: EnricherKind, embedding: Vector, model: str
    ) -> bool:
        if task.given_skills:
            guides = replace(guides, skills=task.given_skills)
        try:
            return await self._store.complete(task, Outcome(guides, kind, embedding, model))
        except Repinned:
            embedding, model = await self._embedded(task, fresh=True)
            return await self._store.complete(task, Outcome(guides, kind, embedding, model))


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Whoever is cancelled meanwhile goes only when the work is done."""
    doing = asyncio.create_task(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise


class WaitingJobs(Protocol):
    async def waiting(self, kind: EnricherKind) -> tuple[int, int]:
        """How many versions wait for guides, and how many calls they take. Raises `Unavailable`."""
        ...


class Forecast:
    """What is to be paid for the jobs that wait. `dearest_usd` is the most that a call costs; 0 where none does."""

    def __init__(self, waiting: WaitingJobs, budget: Budget, kind: EnricherKind, dearest_usd: float) -> None:
        self._waiting = waiting
        self._budget = budget
        self._kind: EnricherKind = kind
        self._dearest_usd = dearest_usd

    async def estimate(self) -> EnrichmentEstimate:
        """Raises `Unavailable`."""
        jobs, calls = await self._waiting.waiting(self._kind)
        spent = await self._budget.spent()
        mean = spent.mean_usd if self._dearest_usd else 0.0
        each = self._dearest_usd if mean is None else mean
        return EnrichmentEstimate(
            jobs, jobs - calls, calls, round(calls * each, 4), mean is None,
            spent.limit_usd, round(max(0.0, spent.limit_usd - spent.spent_usd), 4),
        )  # fmt: skip
