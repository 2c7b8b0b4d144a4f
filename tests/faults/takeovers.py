"""Many takeovers at any moment of an answer, each by two admins at once, while nodes die."""

import asyncio
import random
import signal
from contextlib import suppress
from dataclasses import dataclass

from tests.faults.clients import Client
from tests.faults.house import House
from tests.faults.town import Conversation, Person, Town

AT_ONCE = 16
ANSWER_SECONDS = 2.2
QUIET_SECONDS = 0.4
"""So long nothing of the assistant may come after a takeover; the screens judge it."""
FAULT_EVERY = 60
"""Takeovers between two deaths of a node."""


@dataclass
class Scene:
    conversation: Conversation
    admins: list[tuple[Person, Client]]


async def _scene(town: Town, number: int) -> Scene:
    conversation = await town.conversation(f"Seeker{number}", [number])
    admins = []
    for which in range(2):
        person = await town.person("admin", f"Admin{which}")
        device = town.device(person, conversation.session, f"Admin {number}.{which}", number + 1 + which)
        conversation.devices.append(device)
        admins.append((person, device))
    return Scene(conversation, admins)


async def _wins(device: Client, session: str) -> bool:
    """Whether this admin holds the session now; asked again until somebody says so."""
    while True:
        device.judged()
        with suppress(ConnectionError):
            answer = await device.asks_once("take_over", session=session)
            if answer["type"] == "ok":
                return True
            if answer["code"] == "conflict":
                return False
        await asyncio.sleep(0.05)


async def _one(town: Town, scene: Scene) -> None:
    session = scene.conversation.session
    await town.asks(scene.conversation, "Which of them suits me?")
    await asyncio.sleep(town.chance.uniform(0, ANSWER_SECONDS))
    won = await asyncio.gather(*(_wins(device, session) for _, device in scene.admins))
    assert won.count(True) == 1, f"{won.count(True)} of two admins took it over"
    await asyncio.sleep(QUIET_SECONDS)
    holder = scene.admins[won.index(True)][1]
    await holder.posts("I am a person; let me see.")
    while True:
        with suppress(ConnectionError):
            answer = await holder.asks_once("hand_back", session=session)
            # Acknowledged, or done before the acknowledgement was lost.
            if answer["type"] == "ok" or answer["code"] in ("not_holder", "conflict"):
                return
        await asyncio.sleep(0.05)


async def takeovers(house: House, chance: random.Random, many: int) -> str:
    town = Town(house, chance)
    done = deaths = 0

    async def work(scene: Scene) -> None:
        nonlocal done, deaths
        while done < many:
            done += 1
            if done % FAULT_EVERY == 0:
                deaths += 1
                chance.choice(house.alive).signal(signal.SIGKILL)
                await house.add()
            await _one(town, scene)

    try:
        scenes = [await _scene(town, number) for number in range(AT_ONCE)]
        await asyncio.gather(*(work(scene) for scene in scenes))
        await town.settles()
        questions, answers = await town.is_true()
        return f"{done} takeovers of {questions} questions, {answers} answers whole, {deaths} nodes killed"
    finally:
        await town.close()
