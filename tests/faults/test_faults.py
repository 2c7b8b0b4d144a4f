"""The short form of `make chaos`: what dies here is a process, and the promises hold."""

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults import __main__ as faults
from tests.faults.house import House, a_house
from tests.faults.takeovers import takeovers

module = pytest.mark.asyncio(loop_scope="module")
SEED = 11


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[House]:
    async with a_house(3) as house:
        yield house


@pytest.mark.parametrize("name", ["writer", "redis"])
@module
async def test_whatever_dies_the_promises_hold(house: House, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # How long it takes is for `make chaos`, on a machine that does nothing else.
    for bound in ("SETTLED_SECONDS", "GOES_ON_SECONDS"):
        monkeypatch.setattr(faults, bound, float("inf"))
    await faults.suffers(house, random.Random(SEED), faults.FAULTS[name])
    house.nodes[:] = house.alive
    while len(house.nodes) < 3:
        await house.add()


@module
async def test_of_two_admins_one_wins_and_the_assistant_is_silent(house: House) -> None:
    assert (await takeovers(house, random.Random(SEED), 16)).startswith("16 takeovers")
