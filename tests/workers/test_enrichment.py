"""A real arq worker on a real Redis and a real Postgres: from `processing` to `active`, or to a word that it failed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from arq.worker import Worker, func

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.enrichments import PostgresEnrichments
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.queue import (
    BULK_QUEUE,
    ENRICH,
    PUBLISHER_RETRIES,
    WAITED_FOR_QUEUE,
    ArqQueue,
    QueueRedis,
    deserialize,
    queue_redis,
    serialize,
)
from chatserver.adapters.reembedding import PostgresVectors
from chatserver.core.access import User
from chatserver.core.consent import Recipients
from chatserver.core.draft import JobChanges, JobDraft, Posting
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import EnricherKind, EnrichmentFailed, Guides, JobText
from chatserver.core.job import Job
from chatserver.core.job_ports import Enrichment
from chatserver.core.offline_guides import compose
from chatserver.core.ports import Unavailable
from chatserver.enrichment import ATTEMPTS_MAX, DIED_SENTENCE, PAUSES_SECONDS, Enriching
from chatserver.jobs import Jobs
from chatserver.reembedding import Mending
from tests.consents import consents_on
from workers.enrichment import enrich, sweep

TEXT = "You will build pipelines in Python and SQL for retailers. We ask for three years of experience."


class ScriptedEnricher:
    """Fails as often as it is told to, then writes; counts what it was asked."""

    kind: EnricherKind = "anthropic"

    def __init__(self) -> None:
        self.asked: list[JobText] = []
        self.failures: list[Exception] = []

    async def write(self, job: JobText) -> Guides:
        self.asked.append(job)
        if self.failures:
            raise self.failures.pop(0)
        return compose(job, ["Python"])


class House:
    def __init__(
        self, database: asyncpg.Pool, redis_url: str, embedder: MiniLM, gazetteer: Gazetteer, provider: User
    ) -> None:
        self.redis_url = redis_url
        self.provider = provider
        self.store = PostgresJobs(database)
        self.queue = ArqQueue(redis_url)
        self.catalogue = PostgresCatalogue(database)
        self.embedder = embedder
        self.gazetteer = gazetteer
        self.consents = consents_on(database)
        self.jobs = Jobs(self.store, self.catalogue, self.queue, embedder, gazetteer, self.consents)
        self.enricher = ScriptedEnricher()
        self.enriching = Enriching(self.store, self.enricher, embedder, gazetteer)

    async def work(self, queue: str = WAITED_FOR_QUEUE) -> Worker:
        """As many jobs as are queued, then the worker goes: a burst would wait for those that pause."""
        worker = Worker(
            [func(enrich, name=ENRICH, keep_result=0, max_tries=20)],
            queue_name=queue,
            redis_pool=queue_redis(self.redis_url, queue=queue, retries=PUBLISHER_RETRIES),
            job_serializer=serialize,
            job_deserializer=deserialize,
            burst=True,
            max_burst_jobs=await self.queued(queue),
            poll_delay=0.01,
            handle_signals=False,
            keep_result=0,
            ctx={"enriching": self.enriching},
        )
        await worker.async_run()
        await worker.close()
        return worker

    async def queued(self, queue: str = WAITED_FOR_QUEUE) -> int:
        async with self.redis() as redis:
            return int(await redis.zcard(queue))

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[QueueRedis]:
        redis = queue_redis(self.redis_url, queue=WAITED_FOR_QUEUE, retries=PUBLISHER_RETRIES)
        yield redis
        await redis.aclose()

    async def publish(self, text: str = TEXT, *, skills: tuple[str, ...] = ()) -> Job:
        return await self.jobs.publish(self.provider, JobDraft("Data Engineer", text, skills))

    async def now(self, id: UUID) -> Job:
        job = await self.store.job(id)
        assert job is not None
        return job


@pytest_asyncio.fixture
async def house(database: asyncpg.Pool, redis_url: str, minilm: MiniLM, gazetteer: Gazetteer) -> AsyncIterator[House]:
    provider = User(uuid4(), "provider@example.com", "provider")
    await database.execute(
        "insert into users (id, email, role) values ($1, $2, 'provider')", provider.id, provider.email
    )
    house = House(database, redis_url, minilm, gazetteer, provider)
    yield house
    await house.queue.aclose()


async def test_a_published_job_becomes_active(house: House, database: asyncpg.Pool) -> None:
    job = await house.publish()
    assert job.status == "processing"
    await house.work()
    after = await house.now(job.id)
    assert (after.status, after.enriched_by, after.failure) == ("active", "anthropic", None)
    assert (len(after.resume_guide_generated), len(after.prep_guide_generated)) == (5, 5)
    assert after.skills_required == ("Python",)
    vector = await database.fetchval("select embedding from jobs where id = $1", job.id)
    assert float((vector.to_numpy() ** 2).sum()) == pytest.approx(1, abs=1e-4)


async def test_the_same_description_costs_nothing_and_has_a_vector_of_its_own(
    house: House, database: asyncpg.Pool
) -> None:
    first = await house.publish()
    await house.work()
    second = await house.jobs.publish(house.provider, JobDraft("Head of Tax", TEXT))
    await house.work()
    assert len(house.enricher.asked) == 1
    one, two = await house.now(first.id), await house.now(second.id)
    assert two.status == "active"
    assert (two.resume_guide_generated, two.skills_required) == (one.resume_guide_generated, one.skills_required)
    vectors = await database.fetch("select embedding from jobs where id = any($1)", [first.id, second.id])
    assert vectors[0][0] != vectors[1][0], "the title is in it"


async def test_guides_of_another_kind_of_enricher_are_not_copied(house: House) -> None:
    await house.publish()
    house.enricher.kind = "offline"
    await house.work()
    house.enricher.kind = "anthropic"
    second = await house.publish()
    await house.work()
    assert len(house.enricher.asked) == 2
    assert (await house.now(second.id)).enriched_by == "anthropic"


async def test_skills_that_the_provider_gave_are_kept(house: House) -> None:
    job = await house.publish(skills=("Negotiation",))
    await house.work()
    assert (await house.now(job.id)).skills_required == ("Negotiation",)


async def test_a_failure_is_tried_again_after_a_pause(house: House) -> None:
    house.enricher.failures = [EnrichmentFailed("The model has too much to do just now.")]
    job = await house.publish()
    async with house.redis() as redis:
        [(queued, asked_at)] = await redis.zrange(WAITED_FOR_QUEUE, 0, -1, withscores=True)
        worker = await house.work()
        assert worker.jobs_retried == 1
        assert (await house.now(job.id)).status == "processing"
        assert await redis.zscore(WAITED_FOR_QUEUE, queued) >= asked_at + 1_000 * PAUSES_SECONDS[0]
        # The pause is over.
        await redis.zadd(WAITED_FOR_QUEUE, {queued: 1})
    await house.work()
    assert (await house.now(job.id)).status == "active"


async def test_after_the_last_attempt_the_job_has_failed_with_the_reason_and_can_be_asked_for_again(
    house: House,
) -> None:
    job = await house.publish()
    enrichment = (await house.store.overdue(0, 1))[0]
    house.enricher.failures = [Unavailable("The model does not answer.") for _ in range(ATTEMPTS_MAX)]
    pauses = [await house.enriching.run(enrichment.job, enrichment.version) for _ in range(ATTEMPTS_MAX)]
    assert pauses == [*PAUSES_SECONDS, None], "growing pauses, then none"
    failed = await house.now(job.id)
    assert (failed.status, failed.failure) == ("failed", "The model does not answer.")
    assert await house.enriching.run(enrichment.job, enrichment.version) is None, "what is left in the queue is void"

    again = await house.jobs.enrich(house.provider, job.id)
    assert (again.status, again.failure) == ("processing", None)
    await house.work()
    assert (await house.now(job.id)).status == "active"


async def test_what_no_other_try_can_help_fails_at_once(house: House) -> None:
    house.enricher.failures = [EnrichmentFailed("The model declined to write guides.", again=False)]
    job = await house.publish()
    await house.work()
    failed = await house.now(job.id)
    assert (failed.status, failed.failure) == ("failed", "The model declined to write guides.")


async def test_a_job_that_kills_its_worker_every_time_ends_too(house: House) -> None:
    job = await house.publish()
    enrichment = (await house.store.overdue(0, 1))[0]
    for _ in range(ATTEMPTS_MAX):
        assert await house.store.begin(job.id, enrichment.version)
    await house.work()
    failed = await house.now(job.id)
    assert (failed.status, failed.failure) == ("failed", DIED_SENTENCE)
    assert house.enricher.asked == []


async def test_a_lost_queue_loses_no_job(house: House) -> None:
    job = await house.publish()
    async with house.redis() as redis:
        await redis.flushdb()
    await house.work()
    assert (await house.now(job.id)).status == "processing"
    assert await house.jobs.requeue_overdue(0) == 1
    assert await house.jobs.requeue_overdue(0) == 1, "asked again as long as it is not done"
    assert await house.queued() == 1, "but queued once"
    await house.work()
    assert (await house.now(job.id)).status == "active"


async def test_the_sweep_queues_what_is_overdue_and_makes_vectors_that_are_missing(
    house: House, database: asyncpg.Pool
) -> None:
    left = await house.publish()
    await database.execute('update jobs set pending = pending || \'{"since": "2026-01-01T00:00:00Z"}\'')
    bare = await database.fetchval(
        "insert into jobs (title, description_raw) values ('Auditor', 'Audits banks.') returning id"
    )
    async with house.redis() as redis:
        await redis.flushdb()
    mending = Mending(PostgresVectors(database, Recipients()), house.embedder, house.gazetteer)
    await sweep({"jobs": house.jobs, "mending": mending, "enrichments": PostgresEnrichments(database)})
    await house.work()
    assert (await house.now(left.id)).status == "active"
    row = await database.fetchrow("select embedding, embedding_model from jobs where id = $1", bare)
    assert (row["embedding"] is not None, row["embedding_model"]) == (True, house.embedder.model)


async def test_a_queue_that_is_away_loses_no_job(house: House, unused_tcp_port: int) -> None:
    away = ArqQueue(f"redis://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Unavailable):
        await away.enrich(Enrichment(uuid4(), "1", bulk=False))
    jobs = Jobs(house.store, house.catalogue, away, house.embedder, house.gazetteer, house.consents)
    job = await jobs.publish(house.provider, JobDraft("Data Engineer", TEXT))
    await away.aclose()
    assert job.status == "processing"
    assert await house.jobs.requeue_overdue(0) == 1


async def test_a_scraped_job_waits_in_the_other_queue(house: House) -> None:
    posting = Posting(JobDraft("Auditor", TEXT, company_name="Alpha"), "alpha", "alpha-in", "R-1")
    job = await house.jobs.take_in(posting)
    assert job is not None
    assert await house.queued() == 0
    await house.work(BULK_QUEUE)
    assert (await house.now(job.id)).status == "active"


async def test_an_edit_of_the_title_alone_asks_no_model(house: House) -> None:
    job = await house.publish()
    await house.work()
    edited = await house.jobs.edit(house.provider, job.id, JobChanges(title="Senior Data Engineer"))
    assert edited.title == "Data Engineer"
    await house.work()
    assert (await house.now(job.id)).title == "Senior Data Engineer"
    assert len(house.enricher.asked) == 1


async def test_asking_for_new_guides_asks_the_model(house: House) -> None:
    job = await house.publish()
    await house.work()
    still = await house.jobs.enrich(house.provider, job.id)
    assert still.status == "active", "seekers see it all the while"
    await house.work()
    assert len(house.enricher.asked) == 2


async def test_the_offline_enricher_names_what_the_posting_names(gazetteer: Gazetteer) -> None:
    guides = await OfflineEnricher(gazetteer).write(JobText("Data Engineer", TEXT))
    assert {"python", "sql"} <= {skill.casefold() for skill in guides.skills}
    assert any("three years of experience" in tip for tip in guides.tips)


async def test_nothing_but_ids_is_in_redis(house: House) -> None:
    await house.publish()
    async with house.redis() as redis:
        stored = [await redis.get(key) for key in await redis.keys("arq:job:*")]
    assert len(stored) == 1
    assert deserialize(stored[0])["f"] == ENRICH
    assert b"pipelines" not in stored[0]


async def test_two_workers_do_one_job_once(house: House) -> None:
    await house.publish()
    await asyncio.gather(house.work(), house.work())
    assert len(house.enricher.asked) == 1
