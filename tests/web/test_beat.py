"""The beat of a server as it is started: by the clock it ends the connections of those who may not be here any more."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chatserver import node as own_node
from chatserver.core.protocol import HEARTBEAT_SECONDS
from tests.load.house import WITHIN_SECONDS, Client, until
from tests.web.watched import Watched, watched

A_MINUTE = 60.0
BEAT_SECONDS = 0.05


def test_two_beats_are_less_than_a_minute() -> None:
    """Who changes just after one is out at the next, even where that one fails."""
    assert 2 * HEARTBEAT_SECONDS < A_MINUTE
    assert vars(own_node)["HEARTBEAT_SECONDS"] == HEARTBEAT_SECONDS


async def _ended(client: Client) -> int:
    """Heartbeats alone would keep a test going for ever."""
    async with asyncio.timeout(WITHIN_SECONDS):
        return await client.ended()


@pytest_asyncio.fixture
async def operator(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    """Nobody but the node itself calls the beat."""
    monkeypatch.setattr(own_node, "HEARTBEAT_SECONDS", BEAT_SECONDS)
    async with watched(database_url, redis_url) as operator:
        yield operator


async def test_the_clock_ends_whoever_was_deactivated_demoted_or_whose_token_ran_out(operator: Watched) -> None:
    pool = operator.node.pool
    async with (
        operator.person("seeker", "asha") as asha, operator.person("admin", "esha") as esha,
        operator.person("seeker", "ben") as ben, operator.person("seeker", "devi") as devi,
    ):  # fmt: skip
        for _ in range(3):
            await devi.hears_of("heartbeat")
        beat, failed = operator.node.sockets.beat, 0

        async def fails_once() -> None:
            nonlocal failed
            if not failed:
                failed = 1
                raise RuntimeError("a beat that goes wrong")
            await beat()

        operator.node.sockets.beat = fails_once  # type: ignore[method-assign]
        await pool.execute("update users set deactivated_at = now() where email = 'asha@example.com'")
        assert await _ended(asha) == 4403
        await pool.execute("update users set role = 'seeker' where email = 'esha@example.com'")
        assert await _ended(esha) == 4403
        (connection,) = (one for one in operator.node.hub.connections if one.user.email == "ben@example.com")
        connection.expires_at = 0.0
        assert await _ended(ben) == 4401
        assert failed, "the beat goes on after one that failed"
        await until(lambda: [one.user.email for one in operator.node.hub.connections] == ["devi@example.com"])
        await devi.hears_of("heartbeat")
