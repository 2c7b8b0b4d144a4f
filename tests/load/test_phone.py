"""A phone on a bad line is of use soon and stays connected, judged by what crosses the line, not by a clock."""

from uuid import uuid4

import asyncpg

from tests.load.house import a_client
from tests.load.relay import Line, a_relay
from tests.load.town import a_node, a_seeker

BYTES_PER_SECOND = 50_000 / 8
ROUND_TRIP_SECONDS = 0.6
USABLE_SECONDS = 10.0
JOURNEYS = 6
"""TCP, TLS, the handshake, hello, join, post."""
TLS_BYTES = 5_000
PACKETS = 1.04
"""What TCP and IP add to each segment."""


async def test_a_phone_at_50_kbits_is_usable_within_ten_seconds(
    database: asyncpg.Pool, database_url: str, redis_url: str
) -> None:
    """Joined, the newest messages there, a message sent and confirmed, in a session of five hundred messages."""
    async with a_node(database_url, redis_url) as served:
        assert served.node.issuer is not None
        token, session = await a_seeker(database, served.node.issuer, 500)
        async with a_relay(Line(served.port)) as line, a_client(f"ws://127.0.0.1:{line.listening_port}/ws") as phone:
            await phone.says("hello", token=token, ref="h")
            await phone.hears_of("welcome")
            await phone.says("join", session=str(session), ref="j")
            joined = await phone.hears_of("joined")
            assert joined["events"][-1]["seq"] == joined["seq"] == 500
            assert len(joined["events"]) >= 10
            assert joined["earlier"]
            await phone.says("post", session=str(session), id=str(uuid4()), content="Am I heard?", ref="p")
            assert (await phone.hears_back("p"))["type"] == "ok"
            crossed = (line.down + line.up) * PACKETS + TLS_BYTES
    left = USABLE_SECONDS - JOURNEYS * ROUND_TRIP_SECONDS
    assert crossed <= left * BYTES_PER_SECOND, f"{crossed / BYTES_PER_SECOND:.1f} s for {crossed:.0f} bytes"


async def test_a_phone_that_comes_back_gets_what_it_missed_and_no_more(
    database: asyncpg.Pool, database_url: str, redis_url: str
) -> None:
    async with a_node(database_url, redis_url) as served:
        assert served.node.issuer is not None
        token, session = await a_seeker(database, served.node.issuer, 500)
        async with a_relay(Line(served.port)) as line, a_client(f"ws://127.0.0.1:{line.listening_port}/ws") as phone:
            await phone.says("hello", token=token)
            await phone.hears_of("welcome")
            await phone.says("join", session=str(session), after=495)
            joined = await phone.hears_of("joined")
            assert [event["seq"] for event in joined["events"]] == [496, 497, 498, 499, 500]
            assert line.down < 8_000
