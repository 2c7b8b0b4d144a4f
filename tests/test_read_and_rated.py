"""How far somebody has read, the same on every device; and what the seeker thought of an answer."""

from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from chatserver.core.access import User
from chatserver.reading import Reading
from tests.nodes import Device
from tests.town import Town
from tests.until import until


class House:
    """A seeker with an answer, on a phone and a laptop, and an admin; each on a node of their own."""

    def __init__(self, town: Town, phone: Device, laptop: Device, ben: Device, session: UUID) -> None:
        self.town, self.phone, self.laptop, self.ben, self.session = town, phone, laptop, ben, session

    async def asks(self, device: Device, type: str, **fields: Any) -> str:
        answer = await device.sends(type, session=str(self.session), **fields)
        return str(answer.get("code", answer["type"]))

    async def unread(self, viewer: User) -> int:
        reading = Reading(self.ben.node.store, self.ben.node.hub._summaries)
        items, _ = await reading.list(viewer, status=None, q=None, cursor=None, limit=10)
        return int(items[0]["unread"])

    async def shown(self, viewer: User) -> list[dict[str, Any]]:
        reading = Reading(self.ben.node.store, self.ben.node.hub._summaries)
        return await reading.events(viewer, self.session, after=0, before=None, limit=50)


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    asha = await town.person("seeker", "Asha")
    phone = town.device(asha, await town.node())
    laptop = town.device(asha, await town.node())
    ben = town.device(await town.person("admin", "Ben"), await town.node())
    session = await phone.joins()
    await laptop.joins(session)
    await ben.joins(session)
    await phone.sends("post", session=str(session), id=str(uuid4()), content="Which one?")
    await town.settles(session)
    return House(town, phone, laptop, ben, session)


async def test_what_was_read_on_one_device_is_read_on_all(house: House) -> None:
    asha = house.phone.user
    assert await house.unread(asha) == 2, "the greeting and the answer"
    assert await house.asks(house.phone, "seen", seq=house.phone.screen.seq) == "ok"
    assert await house.unread(asha) == 0
    assert await house.asks(house.laptop, "seen", seq=1) == "ok"
    assert await house.unread(asha) == 0, "who has read has read"
    assert await house.asks(house.phone, "seen", seq=10_000) == "ok"
    await house.phone.sends("post", session=str(house.session), id=str(uuid4()), content="And now?")
    await house.town.settles(house.session)
    assert await house.unread(asha) == 1, "nobody has read what was not there yet"


async def test_the_seeker_is_told_of_the_holder_and_not_of_who_looks_on(house: House) -> None:
    last = house.ben.screen.seq
    assert await house.asks(house.ben, "seen", seq=last - 1) == "ok"
    assert await house.asks(house.ben, "take_over") == "ok"
    await house.town.settles(house.session)
    assert await house.asks(house.ben, "seen", seq=house.ben.screen.seq) == "ok"

    async def heard() -> bool:
        return bool(house.phone.screen.seen)

    await until(heard)
    assert [(frame["user"]["name"], frame["seq"]) for frame in house.phone.screen.seen] == [
        ("Ben", house.ben.screen.seq)
    ]


async def test_an_answer_is_rated_and_it_may_be_thought_over(house: House) -> None:
    answer = max(seq for seq, event in house.phone.screen.events.items() if event.get("role") == "assistant")
    assert await house.asks(house.phone, "rate", seq=answer, rating=-1, comment="Too long.") == "ok"
    [rated] = [event for event in await house.shown(house.ben.user) if event.get("rating")]
    assert (rated["seq"], rated["rating"], rated["comment"]) == (answer, -1, "Too long.")
    assert await house.asks(house.phone, "rate", seq=answer, rating=1) == "ok"
    assert [event["rating"] for event in await house.shown(house.phone.user) if event.get("rating")] == [1]
    assert await house.asks(house.phone, "rate", seq=answer, rating=0) == "ok"
    assert not [event for event in await house.shown(house.phone.user) if event.get("rating")]


async def test_nobody_else_rates_and_nothing_else_is_rated(house: House) -> None:
    question = next(seq for seq, event in house.phone.screen.events.items() if event.get("role") == "user")
    assert await house.asks(house.ben, "rate", seq=question + 1, rating=1) == "forbidden"
    assert await house.asks(house.phone, "rate", seq=question, rating=1) == "not_found"
    assert await house.asks(house.phone, "rate", seq=10_000, rating=1) == "not_found"
    stranger = house.town.device(await house.town.person("seeker", "Dora"), house.ben.node)
    assert await house.asks(stranger, "rate", seq=question + 1, rating=1) == "not_found"
    assert await house.asks(stranger, "seen", seq=1) == "not_found"
