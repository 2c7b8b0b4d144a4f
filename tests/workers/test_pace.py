"""A second between requests to one site, from however many workers; judged by the slots that are given out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from chatserver.adapters.embedded import Redis
from chatserver.adapters.wire import client
from tests.workers.clockwork import Clockwork, redis_seconds
from workers.boards.board import Away
from workers.pace import GAP_SECONDS, KEYS_MAX, PENALTY_MAX_SECONDS, WAIT_MAX_SECONDS, Pace

SITE = "careers.example"
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def time() -> Clockwork:
    return Clockwork()


@pytest.fixture
async def pace_at(time: Clockwork) -> AsyncIterator[Callable[[str], Pace]]:
    async with AsyncExitStack() as stack:

        def make(url: str) -> Pace:
            pace = Pace(url, clock=time, sleep=time.sleep)
            stack.push_async_callback(pace.aclose)
            return pace

        yield make


async def test_two_workers_together_never_ask_a_site_more_than_once_a_second(
    redis_url: str, pace_at: Callable[[str], Pace]
) -> None:
    one, other = pace_at(redis_url), pace_at(redis_url)
    slots = await asyncio.gather(*(pace.reserve(SITE) for _ in range(10) for pace in (one, other)))
    assert all(slot.shared for slot in slots)
    at = sorted(round(slot.at * 1000) for slot in slots)
    assert all(later - earlier >= GAP_SECONDS * 1000 for earlier, later in pairwise(at))


async def test_sites_do_not_wait_for_one_another(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    pace = pace_at(redis_url)
    for site in ("one.example", "other.example", "third.example"):
        assert (await pace.reserve(site)).wait_seconds == 0


async def test_a_site_that_asks_for_more_between_requests_gets_it(
    redis_url: str, pace_at: Callable[[str], Pace]
) -> None:
    pace = pace_at(redis_url)
    first, second = await pace.reserve(SITE, 10.0), await pace.reserve(SITE, 10.0)
    assert round(second.at - first.at, 3) >= 10.0


async def test_waiting_sleeps_until_the_slot(redis_url: str, pace_at: Callable[[str], Pace], time: Clockwork) -> None:
    pace = pace_at(redis_url)
    reserved = await pace.reserve(SITE, 60.0)
    assert reserved.wait_seconds == 0
    await pace.wait(SITE)
    assert len(time.slept) == 1
    assert time.slept[0] > 30


async def test_a_penalty_of_one_worker_holds_all_of_them(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    one, other = pace_at(redis_url), pace_at(redis_url)
    told = await redis_seconds(redis_url)
    await one.penalise(SITE, 60.0)
    first, second = await other.reserve(SITE), await one.reserve(SITE)
    assert first.at >= told + 59.9
    assert round(second.at - first.at, 3) >= GAP_SECONDS


async def test_a_penalty_does_not_shorten_a_longer_one(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    pace = pace_at(redis_url)
    told = await redis_seconds(redis_url)
    await pace.penalise(SITE, 60.0)
    await pace.penalise(SITE, 1.0)
    assert (await pace.reserve(SITE)).at >= told + 59.9


async def test_a_slot_from_before_a_penalty_is_void(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    other = pace_at(redis_url)
    slept: list[float] = []

    async def sleep_and_hear(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            await other.penalise(SITE, 60.0)
            await other.penalise(SITE, 1.0)

    pace = Pace(redis_url, sleep=sleep_and_hear)
    await pace.reserve(SITE, 30.0)
    await pace.wait(SITE)
    await pace.aclose()
    assert len(slept) == 2
    assert slept[1] > 40


async def test_a_penalty_is_bounded(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    pace = pace_at(redis_url)
    await pace.penalise(SITE, 100_000.0)
    slot = await pace.reserve(SITE)
    assert slot.at <= await redis_seconds(redis_url) + PENALTY_MAX_SECONDS


async def test_who_would_wait_too_long_is_told_and_takes_no_slot(
    redis_url: str, pace_at: Callable[[str], Pace], time: Clockwork
) -> None:
    pace = pace_at(redis_url)
    await pace.reserve(SITE, WAIT_MAX_SECONDS + 100)
    refused = await pace.reserve(SITE, 500.0)
    with pytest.raises(Away, match="read fewer of its boards at once"):
        await pace.wait(SITE, 500.0)
    assert (await pace.reserve(SITE)).at == refused.at
    assert time.slept == []


async def test_slots_are_forgotten_when_they_are_past(redis_url: str, pace_at: Callable[[str], Pace]) -> None:
    await pace_at(redis_url).reserve(SITE, 60.0)
    connection = client(redis_url)
    left = [await connection.pttl(key) for key in await connection.keys("*")]
    await connection.aclose()
    assert len(left) == 1
    assert 0 < left[0] <= 60_000


async def test_without_redis_a_process_keeps_the_pace_itself(pace_at: Callable[[str], Pace], time: Clockwork) -> None:
    pace = pace_at(NOWHERE)
    for _ in range(3):
        await pace.wait(SITE)
    assert time.slept == [GAP_SECONDS, GAP_SECONDS]
    assert not (await pace.reserve("other.example")).shared
    await pace.penalise(SITE, 50.0)
    await pace.wait(SITE)
    assert time.slept[2:] == [50.0]


async def test_without_redis_a_slot_from_before_a_penalty_is_void_too(time: Clockwork) -> None:
    async def sleep_and_hear(seconds: float) -> None:
        await time.sleep(seconds)
        if len(time.slept) == 1:
            await pace.penalise(SITE, 60.0)

    pace = Pace(NOWHERE, clock=time, sleep=sleep_and_hear)
    await pace.reserve(SITE)
    await pace.wait(SITE)
    await pace.aclose()
    assert time.slept == [GAP_SECONDS, 60.0]


async def test_the_pace_goes_on_when_redis_goes_away(
    servers_folder: Path, pace_at: Callable[[str], Pace], time: Clockwork
) -> None:
    server = Redis(servers_folder / "leaving")
    await server.start()
    try:
        pace = pace_at(server.url)
        assert (await pace.reserve(SITE)).shared
    finally:
        await server.stop()
    slot = await pace.reserve(SITE)
    assert not slot.shared
    assert slot.at == time.passed + GAP_SECONDS


async def test_what_a_process_remembers_is_bounded(pace_at: Callable[[str], Pace], time: Clockwork) -> None:
    pace = pace_at(NOWHERE)
    remembered: dict[str, float] = {f"{number}.example": time.passed for number in range(KEYS_MAX)}
    pace._next_here = remembered
    await pace.reserve(SITE)
    assert list(remembered) == [SITE]
