"""The use cases around jobs: who may do what, and what a seeker is shown."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.core.access import Role, User
from chatserver.core.draft import JobChanges, JobDraft, Posting
from chatserver.core.errors import Refused
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job import Job
from chatserver.core.job_ports import Candidate, Enrichment
from chatserver.core.ports import Unavailable, Vector
from chatserver.enrichment import Enriching
from chatserver.jobs import LIST_MAX, MATCHES_MAX, QUERY_MAX_CHARACTERS, Jobs, embed_job
from chatserver.matches import rank
from tests.consents import consents_on

ENGINEER = JobDraft(
    "Data Engineer",
    "You will build data pipelines in Python and Apache Spark and model warehouses in SQL for retailers.",
    company_name="Alpha", location="Bengaluru, Karnataka",
)  # fmt: skip
AUDITOR = JobDraft(
    "Statutory Auditor",
    "You will audit listed companies under Ind AS. A Chartered Accountant with audit experience is needed.",
    company_name="Beta", location="Mumbai, Maharashtra",
)  # fmt: skip
RECRUITER = JobDraft(
    "Recruiter",
    "You will interview candidates for shops and keep in touch with schools.",
    company_name="Gamma", location="Pune",
)  # fmt: skip
RESUME = "I build data pipelines in Python and Apache Spark. Five years of SQL for an online shop."


@dataclass
class RecordingQueue:
    """Keeps what it was given; a worker is played by `House.work`."""

    asked: list[Enrichment] = field(default_factory=list)

    async def enrich(self, enrichment: Enrichment) -> None:
        self.asked.append(enrichment)


class AwayEmbedder:
    """Does not answer."""

    model = MiniLM.model

    async def current(self, *, fresh: bool = False) -> "AwayEmbedder":
        return self

    def chunks(self, text: str) -> list[str]:
        return [text]

    async def embed(self, texts: object) -> Vector:
        raise Unavailable("The embedder does not answer.")


class House:
    def __init__(self, database: asyncpg.Pool, embedder: MiniLM, gazetteer: Gazetteer) -> None:
        self.database = database
        self.embedder = embedder
        self.gazetteer = gazetteer
        self.queue = RecordingQueue()
        self.store = PostgresJobs(database)
        self.jobs = Jobs(
            self.store, PostgresCatalogue(database), self.queue, embedder, gazetteer, consents_on(database)
        )
        self.enriching = Enriching(self.store, OfflineEnricher(gazetteer), embedder, gazetteer)

    async def user(self, role: Role) -> User:
        user = User(uuid4(), f"{uuid4().hex[:8]}@example.com", role)
        await self.database.execute(
            "insert into users (id, email, role) values ($1, $2, $3)", user.id, user.email, user.role
        )
        return user

    async def seeker(self, resume: str | None = None) -> User:
        seeker = await self.user("seeker")
        if resume:
            await self.database.execute(
                "update users set resume_text = $2, resume_embedding = $3, embedding_model = $4 where id = $1",
                seeker.id, resume, (await self.embedder.embed([resume]))[0], self.embedder.model,
            )  # fmt: skip
        return seeker

    async def work(self) -> None:
        while self.queue.asked:
            enrichment = self.queue.asked.pop(0)
            assert await self.enriching.run(enrichment.job, enrichment.version) is None

    async def active(self, by: User, *drafts: JobDraft) -> list[Job]:
        jobs = [await self.jobs.publish(by, draft) for draft in drafts]
        await self.work()
        return await self.jobs.by_ids([job.id for job in jobs])


@pytest_asyncio.fixture
async def house(database: asyncpg.Pool, minilm: MiniLM, gazetteer: Gazetteer) -> AsyncIterator[House]:
    yield House(database, minilm, gazetteer)


def refusal(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.code


async def test_only_providers_and_admins_publish(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await house.jobs.publish(await house.user("seeker"), ENGINEER)
    assert refusal(refused) == "forbidden"
    assert house.queue.asked == []
    job = await house.jobs.publish(await house.user("admin"), ENGINEER)
    assert (job.status, [one.job for one in house.queue.asked]) == ("processing", [job.id])


async def test_a_bad_draft_leaves_nothing_behind(house: House) -> None:
    with pytest.raises(Refused, match="title"):
        await house.jobs.publish(await house.user("provider"), JobDraft("", "text"))
    assert await house.database.fetchval("select count(*) from jobs") == 0


async def test_who_sees_a_job(house: House) -> None:
    provider, other, seeker, admin = [await house.user(role) for role in ("provider", "provider", "seeker", "admin")]
    waiting = await house.jobs.publish(provider, ENGINEER)
    for viewer in (provider, admin):
        assert (await house.jobs.get(viewer, waiting.id)).id == waiting.id
    for viewer in (other, seeker):
        with pytest.raises(Refused) as refused:
            await house.jobs.get(viewer, waiting.id)
        assert refusal(refused) == "not_found"
    await house.work()
    assert (await house.jobs.get(seeker, waiting.id)).status == "active"
    await house.jobs.close(provider, waiting.id)
    assert (await house.jobs.get(seeker, waiting.id)).status == "closed", "it may have been cited"
    with pytest.raises(Refused):
        await house.jobs.get(admin, uuid4())


async def test_other_providers_jobs_are_not_there(house: House) -> None:
    [job] = await house.active(await house.user("provider"), ENGINEER)
    other = await house.user("provider")
    for attempt in (
        house.jobs.edit(other, job.id, JobChanges(title="Mine")), house.jobs.close(other, job.id),
        house.jobs.enrich(other, job.id),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            await attempt
        assert refusal(refused) == "not_found"
    with pytest.raises(Refused) as refused:
        await house.jobs.close(await house.user("seeker"), job.id)
    assert refusal(refused) == "forbidden"


async def test_a_closed_job_stays_closed(house: House) -> None:
    provider = await house.user("provider")
    [job] = await house.active(provider, ENGINEER)
    assert (await house.jobs.close(provider, job.id)).status == "closed"
    assert (await house.jobs.close(provider, job.id)).status == "closed"
    for attempt in (house.jobs.edit(provider, job.id, JobChanges(title="x")), house.jobs.enrich(provider, job.id)):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refusal(refused) == "conflict"


async def test_a_resume_finds_its_job_and_says_why(house: House) -> None:
    await house.active(await house.user("admin"), RECRUITER, AUDITOR, ENGINEER)
    seeker = await house.seeker(RESUME)
    matches = await house.jobs.matches(seeker.id)
    assert [match.rank for match in matches] == [1, 2, 3]
    best = matches[0]
    assert best.job.title == "Data Engineer"
    assert best.similarity > matches[1].similarity
    assert {skill.casefold() for skill in best.matched_skills} >= {"python", "sql"}
    assert best.reasons
    for reason in best.reasons:
        assert reason.resume in RESUME
        assert reason.job in ENGINEER.description_raw


async def test_without_a_resume_the_question_decides_and_without_both_the_newest_come(house: House) -> None:
    await house.active(await house.user("admin"), ENGINEER, AUDITOR, RECRUITER)
    seeker = await house.seeker()
    asked = await house.jobs.matches(seeker.id, question="audit of listed companies", limit=1)
    assert [(match.job.title, match.reasons) for match in asked] == [("Statutory Auditor", ())]
    newest = await house.jobs.matches(seeker.id, limit=2)
    assert [match.job.title for match in newest] == ["Recruiter", "Statutory Auditor"]


async def test_a_question_shifts_what_a_resume_finds(house: House) -> None:
    cook = JobDraft("Cook", "You will cook for the canteen of a school and keep the kitchen clean.")
    nurse = JobDraft("Nurse", "You will look after patients on a ward, at night too.")
    await house.active(await house.user("admin"), ENGINEER, AUDITOR, RECRUITER, cook, nurse)
    seeker = await house.seeker(RESUME)
    asked = await house.jobs.matches(seeker.id, question="audit under Ind AS for a Chartered Accountant")
    assert asked[0].job.title == "Statutory Auditor"
    greeted = await house.jobs.matches(seeker.id, question="hello")
    assert greeted[0].job.title == "Data Engineer"


async def test_the_sessions_own_job_is_always_among_them(house: House) -> None:
    admin = await house.user("admin")
    _, recruiter, auditor = await house.active(admin, ENGINEER, RECRUITER, AUDITOR)
    await house.jobs.close(admin, auditor.id)
    for seeker in (await house.seeker(RESUME), await house.seeker()):
        matches = await house.jobs.matches(seeker.id, limit=2, include=[auditor.id])
        assert auditor.id in [match.job.id for match in matches]
        assert len(matches) == 2
    both = await house.jobs.matches(
        seeker.id, question="pipelines", limit=1, include=[recruiter.id, auditor.id, uuid4()]
    )
    assert {match.job.id for match in both} == {recruiter.id, auditor.id}


async def test_filters_hold_for_matches(house: House) -> None:
    posting = Posting(ENGINEER, "alpha", "alpha-in", "R-1")
    await house.jobs.take_in(posting)
    await house.active(await house.user("admin"), AUDITOR)
    seeker = await house.seeker(RESUME)
    in_bangalore = await house.jobs.matches(seeker.id, location="bangalore")
    assert [match.job.location for match in in_bangalore] == ["Bengaluru, Karnataka"]
    assert [m.job.source_name for m in await house.jobs.matches(seeker.id, source="Alpha")] == ["alpha"]
    assert await house.jobs.matches(seeker.id, source="nobody") == []


async def test_an_embedder_that_is_away_leaves_the_words(house: House) -> None:
    await house.active(await house.user("admin"), ENGINEER, AUDITOR, RECRUITER)
    jobs = Jobs(
        house.store, PostgresCatalogue(house.database), house.queue, AwayEmbedder(), house.gazetteer,
        consents_on(house.database),
    )  # fmt: skip
    seeker = await house.seeker()
    asked = await jobs.matches(seeker.id, question="Chartered Accountant audit", limit=1)
    assert [match.job.title for match in asked] == ["Statutory Auditor"]
    found, _ = await jobs.search(seeker, q="Spark")
    assert [job.title for job in found] == ["Data Engineer"]


async def test_vectors_of_two_models_are_never_compared(house: House) -> None:
    await house.active(await house.user("admin"), RECRUITER, ENGINEER, AUDITOR)
    seeker = await house.seeker(RESUME)
    await house.database.execute("update users set embedding_model = 'another' where id = $1", seeker.id)
    matches = await house.jobs.matches(seeker.id)
    assert (matches[0].job.title, matches[0].similarity) == ("Data Engineer", 0.0), "the words alone"


async def test_one_job_is_held_against_the_resume(house: House) -> None:
    admin = await house.user("admin")
    engineer, auditor = await house.active(admin, ENGINEER, AUDITOR)
    seeker = await house.seeker(RESUME)
    near, far = await house.jobs.match_one(seeker.id, engineer.id), await house.jobs.match_one(seeker.id, auditor.id)
    assert near.similarity > far.similarity
    await house.jobs.close(admin, engineer.id)
    closed = await house.jobs.match_one(seeker.id, engineer.id)
    assert closed.similarity == pytest.approx(near.similarity, abs=1e-3), "though its vector is gone"
    with pytest.raises(Refused) as refused:
        await house.jobs.match_one((await house.seeker()).id, auditor.id)
    assert refusal(refused) == "conflict"
    with pytest.raises(Refused) as refused:
        await house.jobs.match_one(seeker.id, (await house.jobs.publish(admin, RECRUITER)).id)
    assert refusal(refused) == "not_found"


async def test_a_search_is_paged_without_loss(house: House) -> None:
    provider, seeker = await house.user("provider"), await house.user("seeker")
    drafts = [JobDraft(f"Engineer {n}", f"Build pipelines, kind {n}.") for n in range(5)]
    jobs = await house.active(provider, *drafts)
    for q in (None, "pipelines"):
        seen: list[UUID] = []
        cursor: str | None = None
        while True:
            page, cursor = await house.jobs.search(seeker, q=q, limit=2, cursor=cursor)
            seen += [job.id for job in page]
            if cursor is None:
                break
            assert "+" not in cursor
        assert sorted(seen) == sorted(job.id for job in jobs)
        assert len(seen) == len(set(seen))


async def test_a_search_shows_to_each_what_is_theirs(house: House) -> None:
    provider, other, seeker, admin = [await house.user(role) for role in ("provider", "provider", "seeker", "admin")]
    await house.active(other, AUDITOR)
    mine = await house.jobs.publish(provider, ENGINEER)
    for q in (None, "pipelines"):
        assert mine.id not in [job.id for job in (await house.jobs.search(seeker, q=q))[0]]
        assert [job.id for job in (await house.jobs.search(provider, q=q))[0]] == [mine.id]
        assert mine.id in [job.id for job in (await house.jobs.search(admin, q=q))[0]]


async def test_a_rare_word_comes_before_what_is_merely_near(house: House) -> None:
    seeker = await house.user("seeker")
    await house.active(
        await house.user("provider"), ENGINEER, JobDraft("Analyst", "Somebody who knows Kdb and little else.")
    )
    found, _ = await house.jobs.search(seeker, q="Kdb")
    assert found[0].title == "Analyst"


@pytest.mark.parametrize(
    "cursor", ["nonsense", "-1", "9999999", "2026-01-01T00:00:00~x", "2026-01-01T00:00:00~" + "0" * 32]
)
async def test_a_foreign_cursor_is_refused(house: House, cursor: str) -> None:
    seeker = await house.user("seeker")
    with pytest.raises(Refused, match="start again"):
        await house.jobs.search(seeker, q=None, cursor=cursor)
    if not cursor.isdigit() or len(cursor) > 6:
        with pytest.raises(Refused, match="start again"):
            await house.jobs.search(seeker, q="audit", cursor=cursor)


async def test_what_is_asked_for_is_bounded(house: House) -> None:
    seeker = await house.seeker()
    await house.active(await house.user("admin"), *[JobDraft(f"Job {n}", "Text.") for n in range(LIST_MAX + 2)])
    assert len((await house.jobs.search(seeker, limit=10_000))[0]) == LIST_MAX
    assert len(await house.jobs.matches(seeker.id, limit=10_000)) == MATCHES_MAX
    with pytest.raises(Refused, match="shorten"):
        await house.jobs.search(seeker, q="x" * (QUERY_MAX_CHARACTERS + 1))
    assert (await house.jobs.search(seeker, q="a\x00b", limit=0))[0]


async def test_a_jobs_vector_is_one_unit_vector_with_its_title_in_it(minilm: MiniLM, gazetteer: Gazetteer) -> None:
    one = await embed_job(minilm, gazetteer, "Data Engineer", ENGINEER.description_raw)
    two = await embed_job(minilm, gazetteer, "Head of Tax", ENGINEER.description_raw)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert 0.5 < float(one @ two) < 0.999
    assert np.linalg.norm(await embed_job(minilm, gazetteer, "Title", "")) == pytest.approx(1, abs=1e-5)


def test_a_job_without_a_comparable_vector_is_last_unless_its_words_speak_for_it(gazetteer: Gazetteer) -> None:
    near = Candidate(uuid4(), "bakery and bread", 0.9)
    far = Candidate(uuid4(), "bakery and cake", 0.1)
    unknown = Candidate(uuid4(), "audit of banks", None)
    assert rank([unknown, far, near], ["bread"], gazetteer)[0].id == near.id
    assert rank([], ["bread"], gazetteer) == []
