"""Somebody is shut out on one node, and what goes on for them on another ends: told at once, or found by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from chatserver import node as own_node
from chatserver import revocations
from chatserver.core.access import Role, User
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.protocol import HEARTBEAT_SECONDS
from chatserver.web import rest
from tests.adapters.people import person
from tests.load.house import WITHIN_SECONDS, Client, a_client
from tests.load.town import Served, a_node
from tests.model_server import ModelServer, Says
from tests.until import until

BEAT_SECONDS = 0.05
HELD = Says(text="Yours is the second one, since it asks for what you did in Pune.", hold_after=3)


@dataclass
class Nodes:
    one: Served
    two: Served
    model: ModelServer
    database: asyncpg.Pool
    stack: AsyncExitStack

    def token(self, user: User) -> str:
        assert self.one.node.issuer is not None
        return self.one.node.issuer.issue(user.email, user.id)

    async def person(self, role: Role, name: str) -> User:
        return await person(self.database, role, name)

    async def comes(self, user: User, served: Served) -> Client:
        return await self.stack.enter_async_context(a_client(served.url, self.token(user)))

    def tell_nobody(self) -> None:
        """As when Redis is away, or another hand changes the row: beats find it."""
        for served in (self.one, self.two):
            served.node.users.changed = served.node.erasure.erased = lambda user: None

    def tell_everybody(self) -> None:
        """And no beat comes before it was heard."""
        for served in (self.one, self.two):
            served.node.users.changed = served.node.erasure.erased = served.node.revocations.tell
            served.node._beat.cancel()

    async def shuts_out(self, by: User, user: User, **change: Any) -> None:
        """Over REST, on the first node."""
        answer = await self.calls(by, self.one, "PATCH", f"/api/users/{user.id}", json=change)
        assert answer.status_code == 200, answer.text

    async def calls(self, user: User, served: Served, method: str, path: str, **more: Any) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, timeout=WITHIN_SECONDS) as client:
            headers = {"Authorization": f"Bearer {self.token(user)}"}
            url = f"http://127.0.0.1:{served.port}{path}"
            return await client.request(method, url, headers=headers, **more)


@pytest_asyncio.fixture
async def nodes(
    database: asyncpg.Pool, database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Nodes]:
    monkeypatch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
    monkeypatch.setattr(own_node, "HEARTBEAT_SECONDS", BEAT_SECONDS)
    async with ModelServer() as model, AsyncExitStack() as stack:
        settings = {"ANTHROPIC_API_KEY": "sk-ant-made-up", "ANTHROPIC_BASE_URL": model.url}
        one, two = [
            await stack.enter_async_context(a_node(database_url, redis_url, **settings)) for _ in range(2)
        ]  # fmt: skip
        async with AsyncExitStack() as clients:
            made = Nodes(one, two, model, database, clients)
            made.tell_nobody()
            yield made


async def asked(client: Client, type: str, **fields: Any) -> dict[str, Any]:
    await client.says(type, ref="r", **fields)
    return await client.hears_back("r")


async def out(client: Client) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        assert await client.ended() == 4403


async def until_left(model: ModelServer) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        await model.until(lambda: model.gone == 1)


def test_a_minute_is_longer_than_a_heartbeat() -> None:
    assert HEARTBEAT_SECONDS + rest.TRUSTED_SECONDS < 60


@pytest.mark.parametrize("change", [{"role": "seeker"}, {"deactivated": True}])
async def test_an_admin_who_was_demoted_sees_and_holds_nothing_any_more(nodes: Nodes, change: dict[str, Any]) -> None:
    asha = await nodes.person("seeker", "Asha")
    ben, dora = await nodes.person("admin", "Ben"), await nodes.person("admin", "Dora")
    seeker, holder, other = [
        await nodes.comes(user, served) for user, served in ((asha, nodes.two), (ben, nodes.two), (dora, nodes.one))
    ]  # fmt: skip
    session = (await asked(seeker, "join"))["session"]["id"]
    for frame in ("join", "take_over"):
        assert (await asked(holder, frame, session=session))["type"] in ("joined", "ok")
    assert (await asked(holder, "watch"))["type"] == "lobby"
    nodes.model.plays(HELD)
    # It is held in the middle of a word, so that no further piece lets the node notice.
    assert (await asked(holder, "draft", session=session))["type"] == "ok"
    await holder.hears_of("draft_delta")
    assert (await asked(other, "take_over", session=session))["code"] == "conflict"

    await nodes.shuts_out(dora, ben, **change)
    await out(holder)
    assert not any(connection.watching for connection in nodes.two.node.hub.connections)
    await until_left(nodes.model)
    await until(lambda: not nodes.two.node.drafts._running)

    # His lease had minutes to go. It ends without him, and whoever comes first takes the conversation.
    async def is_over() -> bool:
        return bool(await nodes.database.fetchval(
            "select admin_lease_until <= clock_timestamp() from chat_sessions where id = $1", UUID(session)
        ))  # fmt: skip

    await until(is_over)
    assert (await asked(other, "take_over", session=session))["type"] == "ok"
    while (await seeker.hears_of("status"))["by"].get("id") != str(dora.id):
        pass


async def test_a_seeker_who_was_deactivated_gets_no_answer_and_leaves_no_file(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "TRUSTED_SECONDS", 0.0)
    asha, dora = await nodes.person("seeker", "Asha"), await nodes.person("admin", "Dora")
    seeker = await nodes.comes(asha, nodes.two)
    session = (await asked(seeker, "join"))["session"]["id"]
    nodes.model.plays(HELD)
    assert (await asked(seeker, "post", session=session, id=str(uuid4()), content="Which one?"))["type"] == "ok"
    await seeker.sees_text()
    began, shut_out = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"text": "Audited banks in Pune'
        began.set()
        await shut_out.wait()
        yield b' for six years."}'

    upload = asyncio.create_task(nodes.calls(asha, nodes.two, "PUT", "/api/me/resume", content=slowly()))
    await began.wait()
    await nodes.shuts_out(dora, asha, deactivated=True)
    shut_out.set()
    refused = await upload
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert not await nodes.database.fetchval("select resume_text from users where id = $1", asha.id)

    await out(seeker)
    await until_left(nodes.model)
    last = await nodes.database.fetchrow(
        "select kind, meta ->> 'reason' as reason, meta ->> 'by' as by from chat_messages where session_id = $1"
        " order by seq desc limit 1", UUID(session),
    )  # fmt: skip
    assert tuple(last) == ("status", "stopped", "system")
    assert (await nodes.calls(asha, nodes.two, "GET", "/api/me")).status_code == 403


async def test_every_node_is_told_at_once_who_may_not_be_here_any_more(nodes: Nodes) -> None:
    nodes.tell_everybody()
    dora, ben, chen = [await nodes.person("admin", name) for name in ("Dora", "Ben", "Chen")]
    asha, emil = await nodes.person("seeker", "Asha"), await nodes.person("seeker", "Emil")
    everywhere = {
        user.id: [await nodes.comes(user, served) for served in (nodes.one, nodes.two)]
        for user in (ben, chen, asha, emil, dora)
    }
    await nodes.shuts_out(dora, ben, role="seeker")
    await nodes.shuts_out(dora, chen, deactivated=True)
    assert (await nodes.calls(asha, nodes.one, "DELETE", "/api/me")).status_code == 200
    for user in (ben, chen, asha):
        for client in everywhere[user.id]:
            await out(client)
    for user in (emil, dora):
        for client in everywhere[user.id]:
            assert (await asked(client, "join" if user is emil else "watch"))["type"] in ("joined", "lobby")
    # What is no id, and what fails, ends neither the line nor the looking.
    nodes.one.node.wire.publish(revocations.CHANNEL, "somebody")
    assert (await nodes.calls(emil, nodes.one, "DELETE", "/api/me")).status_code == 200
    for client in everywhere[emil.id]:
        await out(client)


async def test_where_redis_is_away_the_node_that_did_it_knows_and_the_others_find_it(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes.tell_everybody()
    monkeypatch.setattr(nodes.one.node.wire, "publish", lambda session, item: None)
    dora, ben = await nodes.person("admin", "Dora"), await nodes.person("admin", "Ben")
    here, there = await nodes.comes(ben, nodes.one), await nodes.comes(ben, nodes.two)
    await nodes.shuts_out(dora, ben, role="seeker")
    await out(here)
    await nodes.two.node.sockets.beat()
    await out(there)
