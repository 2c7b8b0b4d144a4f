"""Stories of their own: a node that Redis falls silent for, and an answer that nobody lives to finish."""

import asyncio
import random
from functools import partial

from tests.chaos.faults import GIVE_UP_SECONDS, LOOK_SECONDS, NODES, Scene, suffers
from tests.chaos.judge import Broken, Count, is_true, settles
from tests.chaos.lives import Life, begun
from tests.chaos.relay import Relay, a_relay
from tests.chaos.town import Town

ATTEMPTS = 3
SILENT_SECONDS = (4.0, 9.0)
"""Shorter and longer than what a node waits before it takes its connection for dead."""
WRITING_SECONDS = 0.5


async def a_node_is_alone(town: Town, chance: random.Random, *, first: int) -> tuple[Count, str]:
    """It hears nothing and is not heard, and cannot tell that from a quiet evening; the others go on."""
    async with a_relay(town.redis.port) as relay:
        url = town.redis.url.replace(f":{town.redis.port}/", f":{relay.port}/")
        node = await town.node(REDIS_URL=url)
        # A third of the clients come to it.
        others, town.nodes = town.nodes[2:-1], [*town.nodes[:2], node]
        try:
            return await suffers(town, chance, partial(_falls_silent, relay), first=first)
        finally:
            town.nodes = [*town.nodes, *others]
            await town.killed(node)


async def _falls_silent(relay: Relay, scene: Scene) -> str:
    silent, sat = scene.chance.uniform(*SILENT_SECONDS), scene.town.nodes[-1].port
    clients = sum(device.port == sat for life in scene.lives for device in life.all)
    relay.open.clear()
    await asyncio.sleep(silent)
    cut = relay.cut() if scene.chance.random() < 0.5 else 0
    relay.open.set()
    return f"{clients} clients on a node without Redis for {silent:.1f} s, then {cut} connections cut"


async def every_writer_is_killed(town: Town, chance: random.Random, *, first: int) -> tuple[Count, str]:
    """The third attempt that dies is the last: everybody is told, and can ask for it again."""
    (life,) = await begun(town, 1, chance, first=first)
    try:
        seq, device = await life.asks(), life.devices[0]
        for _ in range(ATTEMPTS):
            await _its_writer_is_killed(life, chance)
        await device.until(lambda screen: any(_is_failure(event) for event in screen.events.values()), GIVE_UP_SECONDS)
        (failure,) = [event for event in device.screen.events.values() if _is_failure(event)]
        await town.has(NODES)
        await settles(town, [life])
        told = await is_true(town, [life])
        if (told.answers, told.failed) != (0, 1):
            raise Broken(f"an answer without a writer: {told}")
        assert (answer := await device.asks("retry", turn=failure["of_turn"]))["type"] == "ok", answer
        await life.answered(max(seq, failure["seq"]))
        settled = await settles(town, [life])
        count = await is_true(town, [life])
        return count, f"{failure['reason']} after {ATTEMPTS} deaths, retried and answered, settled {settled:.1f} s"
    finally:
        await life.ends()


def _is_failure(event: dict[str, object]) -> bool:
    return event["type"] == "status" and str(event.get("reason", "")).startswith("answer_failed")


async def _its_writer_is_killed(life: Life, chance: random.Random) -> None:
    town = life.town
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while True:
            owner, _ = (await town.running()).get(life.session, ("", 0))
            if writer := next((node for node in town.nodes if node.id == owner and node.runs), None):
                break
            await asyncio.sleep(LOOK_SECONDS)
    await asyncio.sleep(chance.uniform(0, WRITING_SECONDS))
    await town.killed(writer)
