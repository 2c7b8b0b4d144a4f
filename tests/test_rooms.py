"""Rooms on a real wire: nobody who has begun to enter loses it to somebody who leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from chatserver.adapters.wire import RedisWire, client
from chatserver.rooms import Rooms
from tests.until import until


@dataclass
class House:
    wire: RedisWire
    redis_url: str
    heard: list[tuple[UUID, str]] = field(default_factory=list)
    rooms: Rooms[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rooms = Rooms(self.wire, lambda session, item: self.heard.append((session, item)))

    async def listeners(self, session: UUID) -> int:
        redis = client(self.redis_url)
        try:
            ((_, count),) = await redis.pubsub_numsub(f"session:{session}")
            return int(count)
        finally:
            await redis.aclose()


@pytest_asyncio.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    wire = RedisWire(redis_url)
    wire.start()
    await until(lambda: wire.healthy)
    yield House(wire, redis_url)
    await wire.stop()


async def test_who_is_about_to_enter_keeps_the_room_that_everybody_leaves(house: House) -> None:
    session = uuid4()
    async with house.rooms.entering(session):
        house.rooms.add(session, "first")
        async with house.rooms.entering(session):
            house.rooms.remove(session, "first")
        house.wire.publish(session, "p -\nwhile I read the log")
        await until(lambda: bool(house.heard))
        house.rooms.add(session, "second")
    house.wire.publish(session, "p -\nafterwards")
    await until(lambda: len(house.heard) == 2)
    assert house.rooms.members(session) == ("second",)


async def test_who_gives_up_takes_the_wire_from_nobody(house: House) -> None:
    session = uuid4()

    async def enter(name: str) -> None:
        async with house.rooms.entering(session):
            house.rooms.add(session, name)

    impatient, patient = asyncio.create_task(enter("impatient")), asyncio.create_task(enter("patient"))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await patient
    house.wire.publish(session, "p -\nheard")
    await until(lambda: house.heard == [(session, "p -\nheard")])


async def test_an_empty_room_is_listened_to_no_more(house: House) -> None:
    session = uuid4()
    async with house.rooms.entering(session):
        house.rooms.add(session, "only")
    assert await house.listeners(session) == 1
    house.rooms.remove(session, "only")
    assert len(house.rooms) == 0

    async def nobody_listens() -> bool:
        return await house.listeners(session) == 0

    await until(nobody_listens)
