"""Two admins see each other, and no seeker sees who looks on."""

from typing import Any
from uuid import UUID

import pytest_asyncio

from chatserver.core.delivery import ROLL_CALL, Here, pack, unpack
from tests.nodes import Device
from tests.town import Town
from tests.until import until


class House:
    """A seeker and two admins, each on a node of their own; Ben alone is in the session with the seeker."""

    def __init__(self, town: Town, asha: Device, ben: Device, cara: Device, session: UUID) -> None:
        self.town, self.asha, self.ben, self.cara, self.session = town, asha, ben, cara, session


def told(device: Device, type: str = "presence") -> list[tuple[str, bool]]:
    return [(frame["user"]["name"], frame["on"]) for frame in device.screen.passing if frame["type"] == type]


def here(device: Device) -> set[str]:
    """Whom this device shows as here."""
    return {name for name, on in dict(told(device)).items() if on}


@pytest_asyncio.fixture
async def house(town: Town) -> House:
    asha = town.device(await town.person("seeker", "Asha"), await town.node())
    ben = town.device(await town.person("admin", "Ben"), await town.node())
    cara = town.device(await town.person("admin", "Cara"), await town.node())
    session = await asha.joins()
    await ben.joins(session)
    await until(lambda: here(ben) == {"Asha", "Ben"})
    return House(town, asha, ben, cara, session)


async def test_who_comes_learns_who_is_here_and_is_seen(house: House) -> None:
    await house.cara.joins(house.session)
    await until(lambda: here(house.cara) == {"Asha", "Ben", "Cara"} and "Cara" in here(house.ben))
    await house.asha.leaves()
    await until(lambda: here(house.cara) == here(house.ben) == {"Ben", "Cara"})


async def test_a_seeker_never_learns_who_looks_on_nor_who_writes_a_note(house: House) -> None:
    await house.cara.joins(house.session)
    for admin in (house.ben, house.cara):
        await admin.sends("typing", session=str(house.session), on=True, ref="t")
    await until(lambda: {("Ben", True), ("Cara", True)} <= set(told(house.ben, "typing")))
    assert await house.ben.sends("take_over", session=str(house.session))
    await house.ben.sends("typing", session=str(house.session), on=True, ref="t")
    await until(lambda: bool(told(house.asha, "typing")))
    assert told(house.asha, "typing") == [("Ben", True)], "the holder alone"
    assert told(house.asha) == []


async def test_who_has_two_devices_is_here_until_the_last_is_gone(house: House) -> None:
    laptop = house.town.device(house.asha.user, house.cara.node)
    await laptop.joins(house.session)
    await until(lambda: told(house.ben).count(("Asha", True)) >= 2)
    await house.asha.leaves()
    await until(lambda: ("Asha", False) in told(house.ben) and "Asha" in here(house.ben))
    await laptop.leaves()
    await until(lambda: here(house.ben) == {"Ben"})


async def test_to_join_again_is_not_to_leave(house: House) -> None:
    await house.asha.joins(house.session)
    await house.cara.joins(house.session)
    await until(lambda: "Cara" in here(house.ben))
    assert ("Asha", False) not in told(house.ben)


async def test_every_heartbeat_asks_again_so_that_a_dead_node_is_forgotten(house: House) -> None:
    def asked() -> list[dict[str, Any]]:
        return [frame for frame in house.ben.screen.passing if frame["type"] == "presence" and frame["on"]]

    before = len(asked())
    house.ben.node.hub.beat()
    await until(lambda: {frame["user"]["name"] for frame in asked()[before:]} == {"Asha", "Ben"})
    assert all(frame["seconds"] == 50 for frame in asked())
    await house.asha.node.dies()
    before = len(asked())
    house.ben.node.hub.beat()
    await until(lambda: len(asked()) > before)
    assert {frame["user"]["name"] for frame in asked()[before:]} == {"Ben"}


def test_the_wire_carries_what_is_for_nobody_and_what_is_for_admins() -> None:
    for item in (ROLL_CALL, Here(UUID(int=7), True, "{}"), Here(UUID(int=7), False, "{}")):
        assert unpack(pack(item)) == item
