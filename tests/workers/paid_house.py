"""A model that is paid by the call, and workers that ask it."""

import asyncio
from uuid import uuid4

import asyncpg

from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.spend import EnrichmentBudget
from chatserver.core.draft import JobDraft, Posting
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import Bill, EnricherKind, Guides, JobText
from chatserver.core.job import Job
from chatserver.core.job_ports import Enrichment
from chatserver.core.offline_guides import compose
from chatserver.enrichment import (
    Enriching,
    Forecast,
    Paid,
)
from chatserver.jobs import SYSTEM_PROVIDER
from tests.embedders import HashedEmbedder

TEXT = "You will build pipelines in Python and SQL for retailers. We ask for three years of experience."
CEILING_USD = 0.5
COST_USD = 0.1


class CountingEnricher:
    """A model that is paid by the call. It answers when `may_answer` is set, and fails with what is in `failures`."""

    kind: EnricherKind = "anthropic"

    def __init__(self) -> None:
        self.asked: list[JobText] = []
        self.failures: list[Exception] = []
        self.called = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def ceiling_usd(self, job: JobText) -> float:
        return CEILING_USD

    async def write(self, job: JobText, bill: Bill) -> Guides:
        self.asked.append(job)
        bill.usd = CEILING_USD
        self.called.set()
        await self.may_answer.wait()
        bill.usd = COST_USD
        if self.failures:
            raise self.failures.pop(0)
        return compose(job, ["Python"])


class House:
    def __init__(self, database: asyncpg.Pool, gazetteer: Gazetteer) -> None:
        self.database = database
        self.gazetteer = gazetteer
        self.store = PostgresJobs(database)
        self.enrichments = PostgresEnrichments(database)
        self.model = CountingEnricher()
        self.embedder = HashedEmbedder("hashed")
        self.budget = EnrichmentBudget(database, day_usd=10)

    def worker(self) -> Enriching:
        paid = Paid(self.model, self.enrichments, self.budget)
        return Enriching(self.store, OfflineEnricher(self.gazetteer), self.embedder, self.gazetteer, paid)

    async def published(self, text: str = TEXT, title: str = "Data Engineer") -> Enrichment:
        _, enrichment = await self.store.add(SYSTEM_PROVIDER, JobDraft(title, text))
        return enrichment

    async def scraped(self, text: str = TEXT) -> Enrichment:
        posting = Posting(JobDraft("Auditor", text, company_name="Alpha"), "alpha", "alpha-in", uuid4().hex)
        taken = await self.store.take_in(SYSTEM_PROVIDER, posting)
        assert taken is not None
        return taken[1]

    async def run(self, enrichment: Enrichment) -> float | None:
        return await self.worker().run(enrichment.job, enrichment.version)

    async def now(self, enrichment: Enrichment) -> Job:
        job = await self.store.job(enrichment.job)
        assert job is not None
        return job

    async def attempts(self, enrichment: Enrichment) -> int:
        attempts: int = await self.database.fetchval(
            "select (pending ->> 'attempts')::int from jobs where id = $1", enrichment.job
        )
        return attempts

    async def spend(self) -> tuple[float, float]:
        row = await self.database.fetchrow(
            "select coalesce(sum(reserved_usd), 0)::float8 as r, coalesce(sum(settled_usd), 0)::float8 as s from spend"
        )
        return row["r"], row["s"]

    def forecast(self) -> Forecast:
        return Forecast(self.enrichments, self.budget, "anthropic", CEILING_USD)
