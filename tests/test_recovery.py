"""What one session that is held, or cannot be written, costs the others; last words that are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

import chatserver.answers
from chatserver.adapters.chats import ChatStore
from chatserver.adapters.postgres import connect
from chatserver.core.chat_ports import ChatTransaction, SessionRow
from chatserver.core.ports import AnswerRequest, Say, Toolbox, Unavailable
from chatserver.core.protocol import JOINED_MAX_BYTES
from chatserver.recovery import FLUSH_MOST
from tests.nodes import Device, Node
from tests.test_leases import a_seeker, asks, runs
from tests.town import Town
from tests.until import until


def by_hand(*nodes: Node) -> None:
    """Nothing of what a node does again and again happens by itself."""
    for node in nodes:
        for loop in [*node.answers._loops, *node.hub._loops]:
            loop.cancel()


async def left_running(town: Town, one: Node, *sessions: UUID) -> None:
    """As a process that died leaves them."""
    for task in list(one.answers._running.values()):
        task.cancel()
    await runs(one)
    await town.leases_run_out(of=one)


async def begun(town: Town, one: Node, *names: str) -> list[tuple[Device, UUID]]:
    seekers = [await a_seeker(town, one, name) for name in names]
    one.assistant.free.clear()
    for seeker, session in seekers:
        await asks(seeker, session)
    await runs(one, *(session for _, session in seekers))
    return seekers


async def test_a_node_that_hangs_in_a_transaction_stops_nobodys_recovery(town: Town, database_url: str) -> None:
    one, two = await town.node(), await town.node()
    by_hand(one, two)
    (_, held), (_, other) = await begun(town, one, "Asha", "Dora")
    pool = await connect(database_url, size=1)
    try:
        async with ChatStore(pool, one.id, 300).transaction(held) as tx:
            await tx.state()
            await left_running(town, one)
            await two.answers.recovery.look()
            owners = dict(await town.database.fetch("select session_id, owner from chat_answers"))
            assert owners == {held: one.id, other: two.id}
            with pytest.raises(Unavailable) as waited:
                await two.conversations.reap(held)
            assert isinstance(waited.value.__cause__, asyncpg.LockNotAvailableError)
    finally:
        await pool.close()


async def test_a_transaction_that_stands_still_lets_go_of_its_session(town: Town) -> None:
    one = await town.node()
    (_, session), *_ = await begun(town, one, "Asha")
    async with one.store.transaction(session) as tx:
        await tx.state()
        connection: asyncpg.Connection = tx._connection  # type: ignore[attr-defined]
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "10s"
    assert await town.database.fetchval("show idle_in_transaction_session_timeout") == "0"


async def test_one_that_cannot_be_taken_up_costs_the_others_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await town.node(), await town.node()
    by_hand(one, two)
    (_, bad), (_, good) = await begun(town, one, "Asha", "Dora")
    await left_running(town, one)
    reap = two.conversations.reap

    async def reaps(session: UUID) -> None:
        if session == bad:
            raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")
        await reap(session)

    monkeypatch.setattr(two.conversations, "reap", reaps)
    await two.answers.recovery.look()
    owners = dict(await town.database.fetch("select session_id, owner from chat_answers"))
    assert owners == {bad: one.id, good: two.id}


async def test_a_text_that_is_not_stored_ends_in_a_word_all_the_same(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await town.node()
    (asha, session), *_ = await begun(town, one, "Asha")
    fail = one.conversations.fail

    async def fails(session: UUID, turn: int, code: str, content: str) -> bool:
        if content:
            raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")
        return await fail(session, turn, code, content)

    async def finishes(*_: object) -> bool:
        raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")

    monkeypatch.setattr(one.conversations, "fail", fails)
    monkeypatch.setattr(one.conversations, "finish", finishes)
    one.assistant.free.set()
    await town.settles(session)
    assert [event["reason"] for event in asha.screen.events.values() if event["type"] == "status"] == [
        "answer_failed:internal"
    ]


async def test_what_a_model_says_that_no_database_stores_is_left_out(town: Town) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")

    async def answer(request: AnswerRequest, toolbox: Toolbox, say: Say) -> None:
        say("Some wo\x00rds")

    one.assistant.answer = answer  # type: ignore[method-assign]
    await asks(asha, session)
    await town.settles(session)
    assert asha.screen.said[-1] == ("assistant", "Some words")


async def test_a_full_node_takes_nothing_up_and_burns_no_attempt(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    full, idle = await town.node(), await town.node()
    by_hand(full, idle)
    asha, session = await a_seeker(town, full, "Asha")
    monkeypatch.setattr(chatserver.answers, "RUNNING_MAX", 0)
    await asks(asha, session)
    await full.answers.recovery.look()
    monkeypatch.setattr(chatserver.answers, "RUNNING_MAX", 1)
    await idle.answers.recovery.look()
    row = await town.database.fetchrow("select attempt, owner from chat_answers where session_id = $1", session)
    assert tuple(row) == (1, idle.id), "at once: nobody waits for a lease that nobody has"
    idle.hub.look_now()


async def test_however_many_a_node_leaves_one_look_takes_them_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatserver.recovery.REAP_MOST", 2)
    one, two = await town.node(), await town.node()
    by_hand(one, two)
    await begun(town, one, *"ABCDE")
    await left_running(town, one)
    await two.answers.recovery.look()
    assert await town.database.fetchval("select count(*) from chat_answers where owner = $1", two.id) == 5


async def test_the_last_word_is_told_though_its_lease_is_gone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit is done and its answer under way when the leases are renewed: the row is not among them any more."""
    one = await town.node()
    by_hand(one)
    (_, session), *_ = await begun(town, one, "Asha")
    inner, committed, answered, told = one.store.transaction, asyncio.Event(), asyncio.Event(), list[str]()
    publish = one.wire.publish

    def publishes(session: UUID, item: str) -> None:
        told.append(item)
        publish(session, item)

    monkeypatch.setattr(one.wire, "publish", publishes)

    @asynccontextmanager
    async def slow(session: UUID) -> AsyncIterator[ChatTransaction]:
        async with inner(session) as tx:
            yield tx
        committed.set()
        await answered.wait()

    monkeypatch.setattr(one.store, "transaction", slow)
    one.assistant.free.set()
    await committed.wait()
    await one.answers._renew()
    one.answers.cut_below(session, 9)
    answered.set()
    await runs(one)
    assert [item for item in told if item.startswith("e ") and "answer1-0" in item]


async def test_a_flush_holds_few_sessions_at_a_time_and_one_failure_spares_the_rest(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await town.node()
    by_hand(one)
    one.conversations.touched = {uuid4() for _ in range(3 * FLUSH_MOST)}
    flushed: list[int] = []

    async def flush(sessions: list[UUID]) -> None:
        flushed.append(len(sessions))
        if len(flushed) == 1:
            raise asyncpg.CharacterNotInRepertoireError("invalid byte sequence")
        if len(flushed) == 3:
            raise Unavailable("The database does not answer just now; try again.")

    monkeypatch.setattr(one.store, "flush", flush)
    with pytest.raises(Unavailable):
        await one.answers.recovery.flush()
    assert flushed == [FLUSH_MOST] * 3
    assert len(one.conversations.touched) == FLUSH_MOST, "what may be written later is tried again"


async def test_who_enters_again_in_vain_hears_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    row, calls = one.conversations.row, 0

    async def away(viewer: object, of: UUID) -> SessionRow:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("The database does not answer just now; try again.")
        return await row(asha.user, of)

    monkeypatch.setattr(one.conversations, "row", away)
    with pytest.raises(Unavailable):
        await asha.sends("join", session=str(session), after=asha.screen.seq)
    await asks(asha, session)
    await until(lambda: any(role == "user" for role, _ in asha.screen.said))


async def test_one_who_begins_to_watch_takes_no_change_from_the_others(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    ben, chitra = [town.device(await town.person("admin", name), one) for name in ("Ben", "Chitra")]
    by_hand(one)
    await ben.sends("watch")
    seen: list[str] = []
    monkeypatch.setattr(ben.screen, "take", lambda frame: seen.append(frame["type"]))
    monkeypatch.setattr(one.wire, "announce", lambda session: None)
    await asha.sends("ask_human", session=str(session))
    await chitra.sends("watch")
    await until(lambda: "lobby_changed" in seen)


async def test_what_is_joined_is_as_small_as_promised_in_every_script(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    await town.database.execute(
        "insert into chat_messages (session_id, seq, id, turn, kind, role, content)"
        " select $1, n, gen_random_uuid(), 0, 'message', 'user', repeat('नमस्ते ', 1000) from generate_series(2, 60) n",
        session,
    )
    await town.database.execute("update chat_sessions set seq = 60 where id = $1", session)
    joined: list[int] = []
    take = asha.screen.take

    def takes(frame: dict[str, Any]) -> None:
        if frame["type"] == "joined":
            joined.append(len(msgspec.json.encode(frame)))
        take(frame)

    monkeypatch.setattr(asha.screen, "take", takes)
    await asha.joins(session)
    await until(lambda: bool(joined))
    assert joined[0] <= JOINED_MAX_BYTES
    await town.settles(session)
    assert len(asha.screen.events) == 60, "the rest follows, as there is room"
