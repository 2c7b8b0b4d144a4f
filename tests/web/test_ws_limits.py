"""How much one user and one address may take; others notice nothing of it."""

import asyncio
import time

import pytest

from chatserver.core.errors import Refused
from chatserver.core.limits import Limits
from chatserver.web.limits import Doors, household
from tests.load.house import a_client, a_house, until


async def test_one_user_has_so_many_connections_and_others_have_theirs() -> None:
    async with a_house(Limits(connections_per_user=2)) as house:
        async with a_client(house.url, "Asha"), a_client(house.url, "Asha"):
            async with a_client(house.url) as third:
                await third.says("hello", token="Asha", ref="h")
                assert await third.ended() == 4429
                assert (third.frames[0]["code"], third.frames[0]["ref"]) == ("rate_limited", "h")
                assert third.frames[0]["retry_after"] > 0
            async with a_client(house.url, "Ben"):
                pass
        await house.has(0)
        async with a_client(house.url, "Asha"):
            pass


async def test_one_address_is_refused_before_it_says_a_word() -> None:
    """Connections that are opened to say nothing would otherwise live for the five seconds of a hello each."""
    async with a_house(Limits(connections_per_address=3)) as house:
        async with a_client(house.url), a_client(house.url), a_client(house.url, "Asha") as asha:
            for _ in range(10):
                async with a_client(house.url) as more:
                    assert await more.ended() == 4429
                    assert more.frames[0]["retry_after"] > 0
            await asha.says("watch", ref="w")
            assert await asha.hears() == {"type": "ok", "ref": "w"}
        await until(lambda: not house.server.lines)
        async with a_client(house.url, "Asha"):
            pass


async def test_frames_are_counted_over_all_connections_of_a_user_and_coming_again_renews_nothing() -> None:
    async with a_house(Limits(frames_per_minute=10)) as house, a_client(house.url, "Ben") as ben:
        async with a_client(house.url, "Asha") as one, a_client(house.url, "Asha") as other:
            for number in range(8):
                await (one, other)[number % 2].says("watch", ref="w")
                assert (await (one, other)[number % 2].hears())["type"] == "ok"
            await one.says("watch", ref="w")
            assert await one.ended() == 4429
            error = one.frames[-1]
            assert (error["type"], error["code"], 0 < error["retry_after"] <= 60) == ("error", "rate_limited", True)
        async with a_client(house.url) as again:
            await again.says("hello", token="Asha")
            assert await again.ended() == 4429
            assert again.frames[0]["retry_after"] > 0
        await ben.says("watch", ref="w")
        assert (await ben.hears())["type"] == "ok"
        assert len(house.desk.handled) == 9


async def test_nothing_is_kept_of_those_who_have_gone() -> None:
    async with a_house(Limits(5, 5, 5)) as house:
        for name in ("Asha", "Ben", "nobody"):
            async with a_client(house.url) as client:
                await client.says("hello", token=name)
                await client.hears()
        await until(lambda: not house.server.lines)
        doors = house.sockets.doors
        doors.forget(time.monotonic() + 61)
        assert not any((doors.users._counts, doors.addresses._counts, doors._windows, house.sockets._owing))


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_one_household_is_one_address(host: str, counted: str) -> None:
    assert household(host) == counted


async def test_turns_are_given_back_whatever_happens() -> None:
    doors = Doors(Limits(entering=1))
    for error in (Refused("forbidden", "No."), RuntimeError("broken"), asyncio.CancelledError()):
        try:
            async with doors.turn():
                raise error
        except (Refused, RuntimeError, asyncio.CancelledError):
            pass
    async with doors.turn():
        assert doors._turns.locked()
