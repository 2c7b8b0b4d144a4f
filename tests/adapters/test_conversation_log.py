"""`conversation_log` follows the log, takes in what others write there, and loses nothing of either."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.adapters.chats import ChatStore
from chatserver.core import conversation as rules
from chatserver.core.access import User
from tests.adapters.people import person

OLD: list[dict[str, Any]] = [
    {"role": "system", "content": "Resume: eight years of audit.", "hidden": True},
    {"role": "user", "content": "How do I improve my resume?", "timestamp": "2026-02-17T10:00:00Z"},
    {"role": "assistant", "content": "Lead with your audit work.", "timestamp": "2026-02-17T10:00:05Z", "model": "x"},
    {"role": "user", "content": "Thanks"},
]


async def old_session(database: asyncpg.Pool, seeker: User, entries: object = None) -> UUID:
    session: UUID = await database.fetchval(
        "insert into public.chat_sessions (user_id, conversation_log) values ($1, $2) returning id",
        seeker.id, OLD if entries is None else entries,
    )  # fmt: skip
    return session


async def read(database: asyncpg.Pool, session: UUID) -> list[Any]:
    log: list[Any] = await database.fetchval("select conversation_log from public.chat_sessions where id = $1", session)
    return log


async def say(store: ChatStore, session: UUID, seeker: User, content: str) -> None:
    async with store.transaction(session) as tx:
        state = await tx.state()
        await tx.apply(state, rules.post(state, seeker, uuid4(), content, None))


@pytest.fixture
def store(database: asyncpg.Pool) -> ChatStore:
    return ChatStore(database, uuid4(), 300)


async def test_a_session_from_before_is_taken_in_and_read_back_equal(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker = await person(database)
    session = await old_session(database, seeker)
    row = await store.session(session)
    assert row is not None
    assert row.seq == 4
    events = await store.events_after(session, 0, 10)
    assert [(event.role, event.content, event.audience) for event in events] == [
        ("system", OLD[0]["content"], "nobody"),
        ("user", OLD[1]["content"], "all"),
        ("assistant", OLD[2]["content"], "all"),
        ("user", "Thanks", "all"),
    ]
    assert events[1].created_at.isoformat() == "2026-02-17T10:00:00+00:00"
    assert await read(database, session) == OLD


async def test_taking_in_claims_no_answer_and_happens_once(database: asyncpg.Pool, store: ChatStore) -> None:
    session = await old_session(database, await person(database))
    for _ in range(3):
        await store.session(session)
        await store.flush([session])
    assert await database.fetchval("select count(*) from public.chat_messages where session_id = $1", session) == 4
    assert await store.ownerless(10) == []


async def test_new_messages_are_appended_behind_the_old(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker = await person(database)
    session = await old_session(database, seeker)
    await store.session(session)
    await say(store, session, seeker, "And now?")
    await store.flush([session])
    log = await read(database, session)
    assert log[:4] == OLD
    assert (log[4]["role"], log[4]["content"]) == ("user", "And now?")
    assert set(log[4]) == {"role", "content", "timestamp"}


async def test_another_writer_is_taken_in_never_overwritten(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker = await person(database)
    session, _ = await store.open(seeker, job=None, new=None)
    await say(store, session, seeker, "One")
    await store.flush([session])
    theirs = {"role": "assistant", "content": "From another program", "extra": [1]}
    await database.execute(
        "update public.chat_sessions set conversation_log = conversation_log || $2 where id = $1", session, [theirs]
    )
    await say(store, session, seeker, "Two")
    await store.flush([session])
    log = await read(database, session)
    assert [entry["content"] for entry in log] == ["One", "From another program", "Two"]
    assert log[1] == theirs
    events = await store.events_after(session, 0, 10)
    assert sorted(event.content for event in events) == ["From another program", "One", "Two"]
    await store.flush([session])
    assert await read(database, session) == log


async def test_what_another_writer_dropped_is_appended_again(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker = await person(database)
    session, _ = await store.open(seeker, job=None, new=None)
    for content in ("One", "Two", "Two"):
        await say(store, session, seeker, content)
    await store.flush([session])
    kept = (await read(database, session))[1]
    theirs = {"role": "user", "content": "Read before, written after", "timestamp": "2026-11-01T00:00:00Z"}
    await database.execute(
        "update public.chat_sessions set conversation_log = $2 where id = $1", session, [kept, theirs]
    )
    await store.session(session)
    log = await read(database, session)
    assert sorted(entry["content"] for entry in log) == ["One", "Read before, written after", "Two", "Two"]
    assert log[:2] == [kept, theirs]


@pytest.mark.parametrize(
    "odd",
    [["only a string"], [{"content": "no role"}, {"role": "bot", "content": "odd role", "timestamp": "soon"}], [7]],
)
async def test_odd_entries_are_tolerated(database: asyncpg.Pool, store: ChatStore, odd: list[Any]) -> None:
    session = await old_session(database, await person(database), odd)
    await store.session(session)
    await store.flush([session])
    assert await read(database, session) == odd
    assert len(await store.events_after(session, 0, 10)) == len(odd)


async def test_the_log_is_exact_when_a_status_changes(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker, admin = await person(database), await person(database, "admin", "Ben Okoro")
    session, _ = await store.open(seeker, job=None, new=None)
    await say(store, session, seeker, "Is anybody there?")
    assert await read(database, session) == []
    async with store.transaction(session) as tx:
        state = await tx.state()
        change = rules.take_over(state, admin, None)
        assert change is not None
        await tx.apply(state, change)
    assert [entry["content"] for entry in await read(database, session)] == ["Is anybody there?"]


async def test_what_a_dead_node_left_is_found(database: asyncpg.Pool, store: ChatStore) -> None:
    seeker = await person(database)
    session, _ = await store.open(seeker, job=None, new=None)
    await say(store, session, seeker, "Left behind")
    assert await store.flush_left(600, 10) == 1
    assert await store.flush_left(600, 10) == 0
    assert [entry["content"] for entry in await read(database, session)] == ["Left behind"]
