"""A node went away, and everybody who was on it comes to this one at once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.core.client_frames import Join
from chatserver.dispatch import Dispatcher
from chatserver.subscriptions import Connection
from chatserver.users import Users
from chatserver.web import limits
from tests.load.house import a_client
from tests.load.town import a_node, a_seeker
from tests.until import until

CLIENTS = 500
MESSAGES = 4
POOL = 4
STORM_SECONDS = 120.0
"""How long a slow machine may take; that a door tells those who wait for too long is shown elsewhere."""


class Turnstile:
    """Counts who is inside at once."""

    def __init__(self) -> None:
        self.inside = self.most = self.entered = 0

    async def passes(self, what: Any) -> Any:
        self.inside += 1
        self.entered += 1
        self.most = max(self.most, self.inside)
        try:
            return await what
        finally:
            self.inside -= 1


async def test_five_hundred_come_back_at_once_and_all_are_served(
    database: asyncpg.Pool, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each gets what it missed; few are at the database at a time; somebody who writes meanwhile gets through."""
    monkeypatch.setattr(limits, "ENTER_SECONDS", STORM_SECONDS)
    turnstile = Turnstile()
    enter, handle = Users.enter, Dispatcher.handle
    monkeypatch.setattr(Users, "enter", lambda self, principal: turnstile.passes(enter(self, principal)))

    def handled(self: Dispatcher, connection: Connection, frame: Any) -> Any:
        handling = handle(self, connection, frame)
        return turnstile.passes(handling) if isinstance(frame, Join) else handling

    monkeypatch.setattr(Dispatcher, "handle", handled)
    async with a_node(database_url, redis_url, DATABASE_POOL_SIZE=str(POOL)) as served:
        assert served.node.issuer is not None
        seekers = [await a_seeker(database, served.node.issuer, MESSAGES) for _ in range(CLIENTS)]
        writer, writes_in = await a_seeker(database, served.node.issuer, MESSAGES)
        all_here = asyncio.Event()
        here: list[UUID] = []

        async def comes_back(token: str, session: UUID) -> list[int]:
            async with a_client(served.url, open_timeout=STORM_SECONDS) as client:
                await client.says("hello", token=token)
                await client.hears_of("welcome")
                await client.says("join", session=str(session), after=2)
                joined = await client.hears_of("joined")
                # Nobody makes room for another by going again.
                here.append(session)
                if len(here) == CLIENTS:
                    all_here.set()
                await all_here.wait()
                return [event["seq"] for event in joined["events"]]

        async with a_client(served.url) as client:
            await client.says("hello", token=writer)
            await client.hears_of("welcome")
            await client.says("join", session=str(writes_in), after=MESSAGES)
            await client.hears_of("joined")
            storm = asyncio.gather(*(comes_back(*one) for one in seekers))
            await until(lambda: turnstile.entered > 2 * POOL)
            await client.says("post", session=str(writes_in), id=str(uuid4()), content="Hello?", ref="p")
            assert (await client.hears_back("p"))["type"] == "ok"
            async with asyncio.timeout(STORM_SECONDS):
                assert await storm == [[3, 4]] * CLIENTS
        assert turnstile.entered == 2 * (CLIENTS + 1), "nobody had to come twice"
        assert turnstile.most == POOL - 2
