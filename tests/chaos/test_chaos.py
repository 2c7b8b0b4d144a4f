"""The short form of `make chaos`: one bad day of a small town, with takeovers all day long."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from tests.chaos.faults import Scene, goes_on, goes_politely, redis_is_killed, suffers
from tests.chaos.model import Model
from tests.chaos.takeovers import takeovers
from tests.chaos.town import Town, a_town

NODES = 3
LIVES = 4
TAKEOVERS = 20
AT_ONCE = 5
WORDS = (10, 25)
REDIS_AWAY_SECONDS = (0.3, 0.8)


@pytest_asyncio.fixture
async def town() -> AsyncIterator[Town]:
    async with a_town(NODES, Model(random.Random(), WORDS)) as town:
        yield town


async def a_bad_day(scene: Scene) -> str:
    town = scene.town
    writer = await town.writer()
    before = await town.running()
    await town.killed(writer)
    # One in the place of the dead one, and one in the place of the one that goes later.
    await asyncio.gather(goes_on(scene, before, writer), town.has(NODES + 1))
    await redis_is_killed(replace(scene, away_seconds=REDIS_AWAY_SECONDS))
    await goes_politely(scene, town.nodes[0])
    return "a node killed, Redis killed, a node replaced"


async def test_on_a_bad_day_no_word_is_lost_and_no_assistant_speaks_after_a_takeover(town: Town) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    (lived, _), (held, _) = await asyncio.gather(
        suffers(town, chance, a_bad_day, first=0, lives=LIVES, is_timed=False),
        takeovers(town, chance, TAKEOVERS, first=LIVES, at_once=AT_ONCE, faults=False, is_timed=False),
    )
    assert lived.answers >= LIVES, "each was answered when it was over"
    assert held.takeovers == TAKEOVERS, "each had one winner"
