"""Who holds an answer or a conversation and does nothing about it does not hold it for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from chatserver.core.chat_ports import ChatTransaction
from tests.nodes import WITHIN_SECONDS, Device, Node
from tests.town import Town


async def a_seeker(town: Town, node: Node, name: str) -> tuple[Device, UUID]:
    device = town.device(await town.person("seeker", name), node)
    return device, await device.joins()


async def asks(device: Device, session: UUID) -> None:
    assert (await device.sends("post", session=str(session), id=str(uuid4()), content="Which one?"))["type"] == "ok"


async def runs(node: Node, *sessions: UUID) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while {session for session, _ in node.answers._running} != set(sessions):
            await asyncio.sleep(0.01)


async def test_an_answer_whose_task_is_gone_is_gone_on_with_elsewhere(town: Town) -> None:
    """Its process lives and renews the leases of its others."""
    one, two = await town.node(), await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    dora, other = await a_seeker(town, one, "Dora")
    one.assistant.free.clear()
    await asks(asha, session)
    await asks(dora, other)
    await runs(one, session, other)
    next(task for (running, _), task in one.answers._running.items() if running == session).cancel()
    await runs(one, other)
    # Nor does it look for what is left behind; the other node does.
    one.answers._loops[1].cancel()
    await town.leases_run_out(of=one)
    await one.answers._renew()
    await town.settles(session)
    assert asha.screen.said[-1][0] == "assistant"
    assert two.assistant.started >= 1
    one.assistant.free.set()
    await town.settles(other)


async def test_a_node_that_leaves_takes_nothing_up(town: Town) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    dora, other = await a_seeker(town, one, "Dora")
    one.assistant.free.clear()
    await asks(dora, other)
    await runs(one, other)
    draining = asyncio.create_task(one.answers.drain(WITHIN_SECONDS))
    await asyncio.sleep(0)
    await asks(asha, session)
    await one.answers.recovery.look()
    two = await town.node()
    await town.settles(session)
    assert (one.assistant.started, two.assistant.started) == (1, 1)
    one.assistant.free.set()
    await draining
    await town.settles(other)


async def test_what_a_node_took_up_while_it_was_told_to_leave_is_nobodys_at_once(town: Town) -> None:
    """The word came between the look and the write: a lease of its own would keep the others away for seconds."""
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    one.assistant.free.clear()
    await asks(asha, session)
    await runs(one, session)
    for task in one.answers._running.values():
        task.cancel()
    await runs(one)
    await town.leases_run_out(of=one)
    may, one.conversations.may_claim = one.conversations.may_claim, lambda: False
    await one.conversations.reap(session)
    lease = "select lease_until = '-infinity' from chat_answers where session_id = $1 and state = 'running'"
    assert await town.database.fetchval(lease, session)
    one.conversations.may_claim = may
    one.assistant.free.set()
    await one.answers.recovery.look()
    await town.settles(session)


async def test_a_question_in_its_commit_when_its_node_had_left_is_nobodys_at_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    transaction, written, commits = one.store.transaction, asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def held(of: UUID) -> AsyncIterator[ChatTransaction]:
        async with transaction(of) as tx:
            yield tx
            written.set()
            await commits.wait()

    monkeypatch.setattr(one.store, "transaction", held)
    asking = asyncio.create_task(asks(asha, session))
    await written.wait()
    await one.answers.drain(0)
    commits.set()
    await asking
    lease = "select lease_until = '-infinity' from chat_answers where session_id = $1 and state = 'running'"
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await town.database.fetchval(lease, session):
            await asyncio.sleep(0)
    two = await town.node()
    await two.answers.recovery.look()
    await town.settles(session)
    assert (one.assistant.started, two.assistant.started) == (0, 1)


async def test_what_nodes_left_unwritten_is_taken_up_however_long_they_were_all_away(town: Town) -> None:
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    await asks(asha, session)
    await town.settles(session)
    await one.answers.recovery.flush()
    await town.database.execute(
        "update chat_sessions set conversation_log = '[]', logged_seq = 0, logged_hash = md5('[]'),"
        " updated_at = now() - interval '3 days' where id = $1", session,
    )  # fmt: skip
    two = await town.node()
    await two.answers.recovery.flush()
    assert await town.database.fetchval("select jsonb_array_length(conversation_log) from chat_sessions")


async def test_a_question_that_a_takeover_cut_short_waits_like_any_other(town: Town) -> None:
    """What the assistant had begun to say answers nothing; an admin who is gone does not keep it."""
    one = await town.node()
    asha, session = await a_seeker(town, one, "Asha")
    ben = town.device(await town.person("admin", "Ben"), one)
    await ben.joins(session)
    one.assistant.holds_after = 3
    await asks(asha, session)
    async with asyncio.timeout(WITHIN_SECONDS):
        while not asha.screen.partial:
            asha.judged()
            await asyncio.sleep(0.01)
    assert (await ben.sends("take_over", session=str(session)))["type"] == "ok"
    log = await town.log(session)
    assert [row["role"] for row in log if row["kind"] == "message"][-1] == "assistant", "the begun answer is kept"
    one.assistant.holds_after = None
    await town.database.execute(
        "update chat_sessions set admin_lease_until = now() - interval '1 hour' where id = $1", session
    )
    await town.database.execute(
        "update chat_messages set created_at = now() - interval '2 hours' where session_id = $1", session
    )
    await one.answers.recovery.look()
    await town.settles(session)
    assert asha.screen.status == "active_ai"
    assert [role for role, _ in asha.screen.said][-2:] == ["system", "assistant"]
