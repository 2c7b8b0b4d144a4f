"""The numbers of retrieved jobs in a session: kept, dense, and never given twice."""

import asyncio
import random
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from chatserver.adapters.chats import ChatStore
from chatserver.adapters.jobs import PostgresJobs
from chatserver.core.draft import JobDraft
from chatserver.core.job import Match, Reason
from chatserver.grounding import _stored, card, source_of
from tests.adapters.people import person

SYSTEM = UUID("00000000-0000-4000-a000-000000000001")


@pytest_asyncio.fixture
async def session(database: asyncpg.Pool) -> UUID:
    return (await store_of(database).open(await person(database), job=None, new=None))[0]


def store_of(database: asyncpg.Pool) -> ChatStore:
    return ChatStore(database, uuid4(), 300)


async def jobs(database: asyncpg.Pool, count: int) -> list[UUID]:
    added = [await PostgresJobs(database).add(SYSTEM, JobDraft(f"Auditor {n}", f"Audits {n}.")) for n in range(count)]
    return [job.id for job, _ in added]


async def test_a_job_keeps_its_number_and_others_get_the_next(database: asyncpg.Pool, session: UUID) -> None:
    store = store_of(database)
    one, two, three, four = await jobs(database, 4)
    assert await store.number(session, [(two, {}), (one, {})]) == [1, 2]
    assert await store.number(session, [(three, {}), (one, {"now": True}), (four, {}), (two, {})]) == [3, 2, 4, 1]
    rows = await database.fetch("select ref, job_id, match from chat_references order by ref")
    assert [tuple(row) for row in rows] == [(1, two, {}), (2, one, {"now": True}), (3, three, {}), (4, four, {})]
    assert await store.number(session, []) == []


async def test_answers_at_once_give_no_number_twice(database: asyncpg.Pool, session: UUID) -> None:
    store, there = store_of(database), await jobs(database, 12)
    chosen = [random.sample(there, 6) for _ in range(30)]
    given = await asyncio.gather(*(store.number(session, [(job, {}) for job in some]) for some in chosen))
    seen: dict[UUID, set[int]] = {}
    for some, numbers in zip(chosen, given, strict=True):
        for job, number in zip(some, numbers, strict=True):
            seen.setdefault(job, set()).add(number)
    assert all(len(numbers) == 1 for numbers in seen.values()), "a job that had two numbers"
    assert sorted(number for numbers in seen.values() for number in numbers) == list(range(1, len(seen) + 1))


async def test_a_card_is_shown_as_the_log_will_have_it(database: asyncpg.Pool, session: UUID) -> None:
    store = store_of(database)
    job, _ = await PostgresJobs(database).add(
        SYSTEM, JobDraft("Auditor", "Audits banks.", location="Pune", external_apply_url="https://jobs.example.com/1")
    )
    match = Match(job, 1, 0.5, ("SQL",), ("IFRS",), (Reason("I know SQL.", "Audits banks."),))
    (ref,) = await store.number(session, [(job.id, _stored(match))])
    assert await store.sources(session, [ref]) == [source_of(card(ref, match))]
