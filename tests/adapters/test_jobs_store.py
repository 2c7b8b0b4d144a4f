"""The rows of jobs on a real Postgres: versions, attempts, reuse, and how jobs are found."""

from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.jobs import PostgresJobs
from chatserver.core.draft import JobDraft, Posting, description_hash
from chatserver.core.guides import Guides
from chatserver.core.job import PrepQuestion
from chatserver.core.job_ports import Enrichment, Filters, Outcome, Place
from chatserver.core.ports import Vector

SYSTEM = UUID("00000000-0000-4000-a000-000000000001")
MODEL = "three-directions"
GUIDES = Guides(
    ("SQL", "Python"),
    tuple(f"Tip {n}" for n in range(5)),
    tuple(PrepQuestion(f"Question {n}?", f"Strategy {n}") for n in range(5)),
)


def towards(*weights: float) -> Vector:
    vector = np.zeros(384, np.float32)
    vector[: len(weights)] = weights
    return vector / np.linalg.norm(vector)


async def finish(
    store: PostgresJobs, enrichment: Enrichment, vector: Vector | None = None, guides: Guides = GUIDES
) -> bool:
    task = await store.begin(enrichment.job, enrichment.version)
    assert task is not None
    embedding = towards(1) if vector is None else vector
    return await store.complete(task, Outcome(guides, "offline", embedding, MODEL))


async def active(store: PostgresJobs, draft: JobDraft, vector: Vector | None = None) -> UUID:
    job, enrichment = await store.add(SYSTEM, draft)
    assert await finish(store, enrichment, vector)
    return job.id


@pytest.fixture
def store(database: asyncpg.Pool) -> PostgresJobs:
    return PostgresJobs(database)


@pytest.fixture
def catalogue(database: asyncpg.Pool) -> PostgresCatalogue:
    return PostgresCatalogue(database)


async def test_a_new_job_is_processing_and_active_once_enriched(store: PostgresJobs, database: asyncpg.Pool) -> None:
    job, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks.", location="Pune"))
    assert (job.status, job.description_hash) == ("processing", description_hash("Audits banks."))
    assert await finish(store, enrichment)
    row = await database.fetchrow("select * from jobs where id = $1", job.id)
    assert (row["status"], row["embedding_model"], row["enriched_by"]) == ("active", MODEL, "offline")
    assert row["skills_required"] == ["SQL", "Python"]
    assert row["resume_guide_generated"] == list(GUIDES.tips)
    assert row["prep_guide_generated"][0] == {"question": "Question 0?", "answer_strategy": "Strategy 0"}
    assert row["embedding"] is not None
    assert row["pending"] is None
    assert await database.fetchval("select model from embedding_models") == MODEL


async def test_an_edit_keeps_the_old_version_until_the_new_one_is_enriched(store: PostgresJobs) -> None:
    id = await active(store, JobDraft("Auditor", "Audits banks.", company_name="Alpha", location="Pune"))
    changed = await store.change(id, {"title": "Senior Auditor", "location": None}, fresh=False)
    assert changed is not None
    job, enrichment = changed
    assert (job.title, job.location, job.status) == ("Auditor", "Pune", "active")
    task = await store.begin(id, enrichment.version)
    assert task is not None
    assert task.text.title == "Senior Auditor"
    assert task.kept == GUIDES, "the description is the same, so its guides are still right"
    assert await store.complete(task, Outcome(GUIDES, "offline", towards(1), MODEL))
    after = await store.job(id)
    assert after is not None
    assert (after.title, after.location, after.company_name) == ("Senior Auditor", None, "Alpha")


async def test_two_edits_in_a_row_are_both_kept_and_the_first_version_is_void(store: PostgresJobs) -> None:
    id = await active(store, JobDraft("Auditor", "Audits banks."))
    first = await store.change(id, {"title": "Senior Auditor"}, fresh=False)
    second = await store.change(id, {"description_raw": "Audits insurers."}, fresh=False)
    assert first is not None
    assert second is not None
    assert await store.begin(id, first[1].version) is None
    task = await store.begin(id, second[1].version)
    assert task is not None
    assert (task.text.title, task.text.description) == ("Senior Auditor", "Audits insurers.")
    assert task.kept is None, "guides of another description"


async def test_an_edit_during_enrichment_makes_its_result_void(store: PostgresJobs) -> None:
    job, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks."))
    task = await store.begin(job.id, enrichment.version)
    assert task is not None
    assert await store.change(job.id, {"description_raw": "Audits insurers."}, fresh=False)
    assert not await store.complete(task, Outcome(GUIDES, "offline", towards(1), MODEL))
    after = await store.job(job.id)
    assert after is not None
    assert (after.status, after.description_raw) == ("processing", "Audits insurers.")
    assert after.description_hash == description_hash("Audits insurers.")


async def test_closing_during_enrichment_wins(store: PostgresJobs, database: asyncpg.Pool) -> None:
    job, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks."))
    task = await store.begin(job.id, enrichment.version)
    assert task is not None
    assert (await store.close(job.id)).status == "closed"
    assert not await store.complete(task, Outcome(GUIDES, "offline", towards(1), MODEL))
    assert await store.change(job.id, {"title": "x"}, fresh=False) is None
    assert await database.fetchval("select embedding is null from jobs where id = $1", job.id)


async def test_a_failed_new_job_says_why_and_a_failed_edit_leaves_the_old_version(store: PostgresJobs) -> None:
    job, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks."))
    assert await store.fail(job.id, enrichment.version, "The model declined.")
    failed = await store.job(job.id)
    assert failed is not None
    assert (failed.status, failed.failure) == ("failed", "The model declined.")
    again = await store.change(job.id, {}, fresh=True)
    assert again is not None
    assert (again[0].status, again[0].failure) == ("processing", None)
    assert await finish(store, again[1])

    edited = await store.change(job.id, {"title": "Senior Auditor"}, fresh=False)
    assert edited is not None
    assert await store.fail(job.id, edited[1].version, "The model declined.")
    still = await store.job(job.id)
    assert still is not None
    assert (still.status, still.title, still.failure) == ("active", "Auditor", "The model declined.")
    assert await store.overdue(0, 10) == [], "what was given up is not swept up"


async def test_skills_that_the_provider_gave_survive_an_edit_of_the_description(store: PostgresJobs) -> None:
    id = await active(store, JobDraft("Auditor", "Audits banks.", ("Negotiation",)))
    changed = await store.change(id, {"description_raw": "Audits insurers."}, fresh=False)
    assert changed is not None
    task = await store.begin(id, changed[1].version)
    assert task is not None
    assert task.given_skills == ("Negotiation",)


async def test_guides_are_reused_within_one_kind_of_enricher_only(store: PostgresJobs) -> None:
    id = await active(store, JobDraft("Auditor", "Audits banks."))
    hashed = description_hash("Audits banks.")
    assert await store.reusable(hashed, "offline", uuid4()) == GUIDES
    assert await store.reusable(hashed, "anthropic", uuid4()) is None
    assert await store.reusable(hashed, "offline", id) is None, "a job does not copy from itself"


async def test_a_posting_is_taken_in_once(store: PostgresJobs) -> None:
    posting = Posting(JobDraft("Auditor", "Audits banks.", company_name="Alpha"), "alpha", "alpha-in", "R-1")
    first = await store.take_in(SYSTEM, posting)
    assert first is not None
    assert first[1].bulk
    assert await store.take_in(SYSTEM, posting) is None
    assert await store.take_in(SYSTEM, replace(posting, external_id="R-2")) is not None


async def test_the_sweep_finds_what_was_lost_and_what_another_writer_left(
    store: PostgresJobs, database: asyncpg.Pool
) -> None:
    _, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks."))
    stranger = await database.fetchval(
        "insert into jobs (title, description_raw, status, created_at) values ('Clerk', 'Files.', 'processing', "
        "now() - interval '1 day') returning id"
    )
    await active(store, JobDraft("Done", "Nothing left to do."))
    assert {found.job for found in await store.overdue(60, 10)} == {stranger}
    found = {one.job: one for one in await store.overdue(0, 10)}
    assert set(found) == {enrichment.job, stranger}
    assert found[enrichment.job].version == enrichment.version, "asked again for the same version"
    assert [one.bulk for one in await store.overdue(0, 1)] == [False, True], "one of each queue"
    assert await finish(store, found[stranger])


async def test_attempts_are_counted_in_the_row(store: PostgresJobs) -> None:
    job, enrichment = await store.add(SYSTEM, JobDraft("Auditor", "Audits banks."))
    attempts = [await store.begin(job.id, enrichment.version) for _ in range(3)]
    assert [task.attempt for task in attempts if task] == [1, 2, 3]


async def test_shapes_of_older_writers_are_read_as_far_as_they_go(store: PostgresJobs, database: asyncpg.Pool) -> None:
    id = await database.fetchval(
        "insert into jobs (title, description_raw, skills_required, resume_guide_generated, prep_guide_generated) "
        "values ('Clerk', 'Files.', '[\"Excel\", 3]', '{\"odd\": true}', '[{\"question\": \"Why?\"}, \"text\"]') "
        "returning id"
    )
    job = await store.job(id)
    assert job is not None
    assert (job.skills_required, job.resume_guide_generated) == (("Excel",), ())
    assert job.prep_guide_generated == (PrepQuestion("Why?", ""),)


async def test_the_nearest_come_first_and_filters_lose_no_rows(
    store: PostgresJobs, catalogue: PostgresCatalogue, database: asyncpg.Pool
) -> None:
    near = await active(store, JobDraft("Near", "In Pune.", location="Pune, India"), towards(1, 0.1))
    far = await active(store, JobDraft("Far", "In Pune too.", location="Pune, India"), towards(0.1, 1))
    await database.execute(
        "insert into jobs (title, description_raw, location, embedding, embedding_model) "
        "select 'Noise ' || n, 'x', 'Delhi', $1, $2 from generate_series(1, 400) n",
        towards(1), MODEL,
    )  # fmt: skip
    everywhere = await catalogue.nearest(towards(1), MODEL, Filters(), 200)
    assert len(everywhere) == 200
    in_pune = await catalogue.nearest(towards(1), MODEL, Filters(locations=("pune", "poona")), 200)
    assert [one.id for one in in_pune] == [near, far]
    assert in_pune[0].similarity == pytest.approx(0.995, abs=0.001)
    assert await catalogue.nearest(towards(1), "another model", Filters(), 200) == []


async def test_a_percent_sign_in_a_place_is_a_percent_sign(store: PostgresJobs, catalogue: PostgresCatalogue) -> None:
    await active(store, JobDraft("Auditor", "Audits banks.", location="Pune"))
    assert await catalogue.newest(Filters(locations=("%",)), 10) == []


async def test_words_find_what_vectors_cannot(store: PostgresJobs, catalogue: PostgresCatalogue) -> None:
    id = await active(store, JobDraft("Auditor", "Knows Tally by heart.", company_name="Zeta & Sons"), towards(0, 1))
    await active(store, JobDraft("Auditor", "Knows nothing."), towards(0, 1))
    found = await catalogue.worded("tally zeta", (towards(1), MODEL), Filters(), 10)
    assert [one.id for one in found] == [id]
    assert found[0].similarity == pytest.approx(0.0, abs=1e-6)
    assert [one.similarity for one in await catalogue.worded("tally", None, Filters(), 10)] == [None]
    assert await catalogue.worded("\"tally (or' | &", None, Filters(), 10) == []


async def test_a_list_by_age_goes_on_where_it_stopped(store: PostgresJobs, catalogue: PostgresCatalogue) -> None:
    ids = [await active(store, JobDraft(f"Job {n}", "Text.")) for n in range(5)]
    await store.add(SYSTEM, JobDraft("Not yet", "Text."))
    first = await catalogue.newest(Filters(), 3)
    rest = await catalogue.newest(Filters(), 3, Place(first[-1].created_at, first[-1].id))
    assert [job.id for job in first + rest] == ids[::-1]
    assert len(await catalogue.newest(Filters(provider=SYSTEM, active_only=False), 10)) == 6


async def test_a_resume_is_read_with_its_vector(catalogue: PostgresCatalogue, database: asyncpg.Pool) -> None:
    seeker = uuid4()
    assert await catalogue.resume(seeker) is None
    await database.execute("insert into users (id, email) values ($1, 'a@example.com')", seeker)
    assert await catalogue.resume(seeker) is None
    await database.execute(
        "update users set resume_text = 'SQL', resume_embedding = $2, embedding_model = $3 where id = $1",
        seeker, towards(1), MODEL,
    )  # fmt: skip
    resume = await catalogue.resume(seeker)
    assert resume is not None
    assert resume.embedding is not None
    assert resume.embedding.tolist() == towards(1).tolist()
    assert (resume.text, resume.embedding_model) == ("SQL", MODEL)
