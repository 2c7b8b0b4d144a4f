"""Whose vectors are compared: the database decides, processes follow, and no other model's vector is ever stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.adapters import minilm, openai
from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.adapters.pinned import KNOWN_SECONDS, PinnedEmbedder, makers
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.storage import FolderStorage
from chatserver.core.access import User
from chatserver.core.draft import JobDraft
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job_ports import Enrichment
from chatserver.core.ports import Embedder, NotConfigured, Repinned, Unavailable
from chatserver.enrichment import Enriching
from chatserver.jobs import SYSTEM_PROVIDER, Jobs
from chatserver.resumes import Resumes
from tests.adapters.people import person
from tests.adapters.test_jobs_store import finish
from tests.consents import consents_on
from tests.embedders import HashedEmbedder
from tests.locks import somebody_waits
from tests.until import until

RESUME = "I build data pipelines in Python and Apache Spark, and five years of SQL for an online shop."


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Queue:
    async def enrich(self, enrichment: Enrichment) -> None: ...


class Stage:
    """Processes around one database: the models `one` (configured first) and `two` can be made in each."""

    def __init__(self, database: asyncpg.Pool, gazetteer: Gazetteer) -> None:
        self.database = database
        self.gazetteer = gazetteer
        self.clock = Clock()
        self.store = PostgresJobs(database)
        self.models = {name: HashedEmbedder(name) for name in ("one", "two")}
        self.made: list[str] = []

    def process(self, *models: str) -> PinnedEmbedder:
        def make(model: str) -> Callable[[], Embedder]:
            def made() -> Embedder:
                self.made.append(model)
                return self.models[model]

            return made

        return PinnedEmbedder(self.database, {model: make(model) for model in models}, clock=self.clock)

    async def pin(self, model: str) -> None:
        await self.database.execute(
            "insert into embedding_models (model) values ($1) on conflict (singleton) do update set model = $1", model
        )

    async def pinned(self) -> str | None:
        model: str | None = await self.database.fetchval("select model from embedding_models")
        return model

    async def job(self, title: str = "Data Engineer", text: str = "Pipelines in Python and SQL.") -> Enrichment:
        _, enrichment = await self.store.add(SYSTEM_PROVIDER, JobDraft(title, text))
        return enrichment

    def enriching(self, process: PinnedEmbedder) -> Enriching:
        return Enriching(self.store, OfflineEnricher(self.gazetteer), process, self.gazetteer)

    def jobs(self, process: PinnedEmbedder) -> Jobs:
        consents = consents_on(self.database)
        return Jobs(self.store, PostgresCatalogue(self.database), Queue(), process, self.gazetteer, consents)

    async def model_of(self, job: UUID) -> str | None:
        model: str | None = await self.database.fetchval("select embedding_model from jobs where id = $1", job)
        return model


@pytest.fixture
def stage(database: asyncpg.Pool, gazetteer: Gazetteer) -> Stage:
    return Stage(database, gazetteer)


async def test_where_nothing_is_pinned_the_configured_model_is_and_its_first_vector_pins_it(stage: Stage) -> None:
    process = stage.process("one", "two")
    assert (await process.current()).model == "one"
    assert await stage.pinned() is None
    first = await stage.job()
    assert await stage.enriching(process).run(first.job, first.version) is None
    assert await stage.pinned() == "one"


async def test_another_setting_changes_nothing_by_itself(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    await stage.pin("two")
    process = stage.process("one", "two")
    assert (await process.current()).model == "two"
    assert stage.made == ["two"], "what is not asked for is not loaded"
    assert "chatserver reembed" in caplog.text
    stage.clock.now += KNOWN_SECONDS
    await process.current(fresh=True)
    assert caplog.text.count("chatserver reembed") == 1


async def test_a_switch_is_known_within_seconds_and_at_once_to_who_asks(stage: Stage) -> None:
    await stage.pin("one")
    slow, quick = stage.process("one", "two"), stage.process("one", "two")
    for process in (slow, quick):
        assert (await process.current()).model == "one"
    await stage.pin("two")
    stage.clock.now += KNOWN_SECONDS / 2
    assert (await slow.current()).model == "one"
    assert (await quick.current(fresh=True)).model == "two"
    stage.clock.now += KNOWN_SECONDS / 2
    assert (await slow.current()).model == "two"


async def test_what_is_made_is_made_once_however_many_ask(stage: Stage) -> None:
    process = stage.process("one")
    embedders = await asyncio.gather(*(process.current() for _ in range(20)))
    assert stage.made == ["one"]
    assert {id(embedder) for embedder in embedders} == {id(stage.models["one"])}


async def test_before_the_migrations_nothing_is_pinned(stage: Stage) -> None:
    await stage.database.execute("drop table embedding_models")
    assert (await stage.process("one").current()).model == "one"


def test_a_key_makes_the_service_the_configured_model_and_leaves_the_local_one() -> None:
    assert list(makers("sk-made-up")) == [openai.MODEL, minilm.MODEL]
    assert list(makers(None)) == [minilm.MODEL]


async def test_the_service_is_closed_with_the_process(database: asyncpg.Pool) -> None:
    process = PinnedEmbedder(database, makers("sk-made-up"))
    service = await process.current()
    assert isinstance(service, OpenAIEmbedder)
    await process.warm()
    await process.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await service.embed(["text"])


# Without the key of the pinned model


async def test_without_its_key_a_pinned_model_says_what_to_do(stage: Stage) -> None:
    await stage.pin(openai.MODEL)
    embedder = await PinnedEmbedder(stage.database, makers(None)).current()
    assert embedder.model == openai.MODEL
    with pytest.raises(NotConfigured, match="set OPENAI_API_KEY again, or change to all-MiniLM-L6-v2 with `chatserver"):
        await embedder.embed(["text"])


async def test_a_job_waits_for_the_key_says_so_and_has_lost_no_attempt(stage: Stage) -> None:
    await stage.pin("two")
    enrichment = await stage.job()
    for _ in range(20):
        assert await stage.enriching(stage.process("one")).run(enrichment.job, enrichment.version) is None
    waiting = await stage.store.job(enrichment.job)
    assert waiting is not None
    assert waiting.status == "processing"
    assert "change to one with `chatserver reembed`" in str(waiting.failure)
    assert await stage.store.overdue(0, 10) == [], "not looked at every half minute"
    assert await stage.enriching(stage.process("one", "two")).run(enrichment.job, enrichment.version) is None
    active = await stage.store.job(enrichment.job)
    assert active is not None
    assert (active.status, active.failure) == ("active", None)


async def test_without_the_key_stored_vectors_still_match_and_questions_find_words(stage: Stage) -> None:
    able, unable = stage.process("two"), stage.process("one")
    await stage.pin("two")
    for title, text in (("Data Engineer", "Pipelines in Python."), ("Auditor", "Audits banks under Ind AS.")):
        enrichment = await stage.job(title, text)
        await stage.enriching(able).run(enrichment.job, enrichment.version)
    seeker = await person(stage.database)
    await stage.database.execute(
        "update users set resume_text = $2, embedding_model = 'two', resume_embedding = ("
        "select embedding from jobs where title = 'Data Engineer') where id = $1",
        seeker.id, RESUME,
    )  # fmt: skip
    matches = await stage.jobs(unable).matches(seeker.id)
    assert [match.job.title for match in matches] == ["Data Engineer", "Auditor"]
    assert all(match.similarity for match in matches), "compared by the vectors that are there"
    found, _ = await stage.jobs(unable).search(User(uuid4(), "s@example.com", "seeker"), q="banks")
    assert found[0].title == "Auditor"
    closed = await stage.store.close(matches[0].job.id)
    assert (await stage.jobs(unable).match_one(seeker.id, closed.id)).similarity == 0


# A switch in the middle of something


def switching(stage: Stage, model: str) -> Callable[[Sequence[str]], Awaitable[None]]:
    """Somebody else's switch, while a vector is being made."""

    async def before(texts: Sequence[str]) -> None:
        await stage.pin(model)

    return before


async def test_a_vector_of_a_model_that_is_not_pinned_is_not_stored(stage: Stage) -> None:
    enrichment = await stage.job()
    await stage.pin("two")
    with pytest.raises(Repinned):
        await finish(stage.store, enrichment)
    job = await stage.store.job(enrichment.job)
    assert job is not None
    assert (job.status, job.resume_guide_generated) == ("processing", ())


async def test_a_switch_during_an_enrichment_makes_its_vector_anew(stage: Stage) -> None:
    await stage.pin("one")
    stage.models["one"].before = switching(stage, "two")
    enrichment = await stage.job()
    assert await stage.enriching(stage.process("one", "two")).run(enrichment.job, enrichment.version) is None
    assert await stage.model_of(enrichment.job) == "two"
    assert len(stage.models["two"].embedded) > 0


async def test_a_switch_during_an_upload_makes_its_vector_anew_and_keeps_one_file(stage: Stage, tmp_path: Path) -> None:
    await stage.pin("one")
    stage.models["one"].before = switching(stage, "two")
    seeker = await person(stage.database)
    resumes = Resumes(
        PostgresResumes(stage.database), ProcessExtractor(), stage.process("one", "two"), stage.gazetteer,
        FolderStorage(tmp_path), consents_on(stage.database),
    )  # fmt: skip
    await resumes.read(seeker, file=RESUME.encode(), file_name="cv.txt")
    kept = await resumes.get(seeker.id)
    assert kept is not None
    assert kept.embedding_model == "two"
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1


async def test_who_stores_while_the_switch_is_under_way_waits_for_it(stage: Stage) -> None:
    await stage.pin("three-directions")
    enrichment = await stage.job()

    async with stage.database.acquire() as other:
        switch = other.transaction()
        await switch.start()
        await other.fetchval("select model from embedding_models for update")
        storing = asyncio.create_task(finish(stage.store, enrichment))
        await until(lambda: somebody_waits(stage.database))
        await other.execute("update embedding_models set model = 'two'")
        await switch.commit()
    with pytest.raises(Repinned):
        await storing
    assert await stage.model_of(enrichment.job) is None


async def test_the_first_resume_pins_its_model_and_its_removal_none(stage: Stage) -> None:
    seeker = await person(stage.database)
    store = PostgresResumes(stage.database)
    await store.delete(seeker.id)
    assert await stage.pinned() is None
    resumes = Resumes(
        store, ProcessExtractor(), stage.process("one"), stage.gazetteer, FolderStorage(Path()),
        consents_on(stage.database),
    )  # fmt: skip
    await resumes.read(seeker, text=RESUME)
    assert await stage.pinned() == "one"
    await stage.pin("two")
    await resumes.delete(seeker)
    assert await resumes.get(seeker.id) is None


async def test_a_database_that_is_away_is_said_in_a_sentence(stage: Stage, database_url: str) -> None:
    pool = await asyncpg.create_pool(database_url, min_size=0)
    await pool.close()
    with pytest.raises(Unavailable, match="database"):
        await PinnedEmbedder(pool, makers(None)).current()
