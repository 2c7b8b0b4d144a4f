"""Somebody waits, and the outside is told: once, signed, without a word that was said, again where nobody answered."""

import asyncio
import hashlib
import hmac
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from chatserver.adapters.notices import PostgresNotices, Webhook
from chatserver.core.ports import Unavailable
from chatserver.notices import TRIES_MAX, Notices
from tests.nodes import Device
from tests.town import Town
from tests.until import WITHIN_SECONDS

SECRET = "made up for this test"
NOW = 1_790_000_000


class Receiver:
    """A webhook on loopback that answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": "http://127.0.0.1:9/"})


@pytest_asyncio.fixture
async def receiver() -> Any:
    made = Receiver()
    application = web.Application()
    application.router.add_post("/hook", made.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()


class House:
    def __init__(self, town: Town, asha: Device, session: UUID, receiver: Receiver) -> None:
        self.town, self.asha, self.session, self.receiver = town, asha, session, receiver

    def notices(self, secret: str | None = SECRET, after_seconds: float = 0) -> Notices:
        """Those of one node."""
        webhook = Webhook(self.receiver.url, secret, now=lambda: NOW)
        return Notices(PostgresNotices(self.town.database), webhook, after_seconds)

    async def passes(self) -> None:
        """The pause until the next try is over."""
        await self.town.database.execute(
            "update chat_sessions set notice_due_at = now() where notice_due_at is not null"
        )


@pytest_asyncio.fixture
async def house(town: Town, receiver: Receiver) -> House:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    session = await asha.joins()
    await asha.sends("ask_human", session=str(session), reason="My salary is a secret")
    return House(town, asha, session, receiver)


async def test_a_wait_is_told_once_by_whichever_node_comes_first(house: House) -> None:
    await asyncio.gather(*(house.notices().look() for _ in range(8)))
    await house.passes()
    await house.notices().look()
    assert len(house.receiver.calls) == 1
    headers, body = house.receiver.calls[0]
    said = msgspec.json.decode(body)
    assert set(said) == {"id", "type", "session", "waiting_since"}
    assert (said["type"], said["session"]) == ("seeker_waiting", str(house.session))
    assert b"secret" not in body
    assert b"Asha" not in body
    expected = hmac.new(SECRET.encode(), f"{NOW}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["Ottobon-Signature"] == f"t={NOW},v1={expected}"


async def test_a_second_wait_is_told_anew(house: House) -> None:
    await house.notices().look()
    await house.asha.sends("cancel_human", session=str(house.session))
    await house.notices().look()
    await house.asha.sends("ask_human", session=str(house.session))
    await house.notices().look()
    first, second = (msgspec.json.decode(body)["id"] for _, body in house.receiver.calls)
    assert first != second


async def test_nobody_is_told_before_the_time_nor_of_who_is_spoken_with(house: House) -> None:
    await house.notices(after_seconds=60).look()
    ben = house.town.device(await house.town.person("admin", "Ben"), house.asha.node)
    await ben.sends("take_over", session=str(house.session))
    await house.notices().look()
    assert house.receiver.calls == []


async def test_who_may_be_in_danger_is_told_of_at_once_and_again_where_they_waited_already(house: House) -> None:
    await house.notices().look()
    said = {"session": str(house.session), "id": str(uuid4()), "content": "I want to die"}
    await house.asha.sends("post", **said)
    await house.notices(after_seconds=3_600).look()
    await house.notices(after_seconds=3_600).look()
    waits, urgent = (msgspec.json.decode(body) for _, body in house.receiver.calls)
    assert urgent["urgent"] is True
    assert urgent["id"] != waits["id"]
    assert b"die" not in house.receiver.calls[1][1]


@pytest.mark.parametrize("status", [500, 302, 404])
async def test_what_was_not_taken_is_told_again_and_not_for_ever(house: House, status: int) -> None:
    house.receiver.status = status
    for _ in range(TRIES_MAX + 3):
        await house.notices().look()
        await house.notices().look()
        await house.passes()
    assert len(house.receiver.calls) == TRIES_MAX, "once for each pause, and then no more"
    assert len({msgspec.json.decode(body)["id"] for _, body in house.receiver.calls}) == 1


async def test_a_node_that_died_in_mid_call_leaves_it_to_another(house: House) -> None:
    await PostgresNotices(house.town.database).due(after_seconds=0, tries=TRIES_MAX, pause_seconds=10, most=10)
    await house.notices().look()
    assert house.receiver.calls == []
    await house.passes()
    await house.notices().look()
    assert len(house.receiver.calls) == 1


async def test_two_nodes_that_look_at_once_do_not_both_take_a_wait(house: House) -> None:
    due = PostgresNotices(house.town.database)
    async with house.town.database.acquire() as another, another.transaction():
        await another.execute("select id from chat_sessions for update")
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await due.due(after_seconds=0, tries=TRIES_MAX, pause_seconds=10, most=10) == []
    assert len(await due.due(after_seconds=0, tries=TRIES_MAX, pause_seconds=10, most=10)) == 1


async def test_without_a_secret_nothing_is_signed_and_no_error_names_the_address(house: House) -> None:
    await house.notices(secret=None).look()
    assert "Ottobon-Signature" not in house.receiver.calls[0][0]
    nobody = Webhook("http://127.0.0.1:9/token-in-the-path", None)
    due = PostgresNotices(house.town.database)
    await house.passes()
    await house.asha.sends("cancel_human", session=str(house.session))
    await house.asha.sends("ask_human", session=str(house.session))
    notice = (await due.due(after_seconds=0, tries=TRIES_MAX, pause_seconds=10, most=10))[0]
    with pytest.raises(Unavailable) as away:
        await nobody.tell(notice)
    assert "token-in-the-path" not in str(away.value)
