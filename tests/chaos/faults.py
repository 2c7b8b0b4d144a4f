"""What is done to a town while its people talk. Each fault says in words what it did, and raises `Broken`."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from chatserver.adapters.wire import client as redis_client
from tests.chaos.judge import Broken, Count, is_true, settles
from tests.chaos.lives import Life, begun
from tests.chaos.town import Process, Town
from tests.ports import held_port

NODES = 4
LIVES = 8
SETTLED_SECONDS = 20.0
GOES_ON_SECONDS = 8.0
LEASE_SECONDS = 5.0
AWAY_SECONDS = (1.0, 4.0)
"""So long a server that was killed is away."""
HASTE_SECONDS = (0.0, 1.5)
LOOK_SECONDS = 0.05
GIVE_UP_SECONDS = 120.0
POLITE_CODES = {1001, 1012}

Fault = Callable[["Scene"], Awaitable[str]]


@dataclass
class Scene:
    """Who is there when it happens. Where `is_timed`, being late is a violation too."""

    town: Town
    lives: list[Life]
    chance: random.Random
    is_timed: bool = True
    away_seconds: tuple[float, float] = AWAY_SECONDS

    def in_time(self, what: str, seconds: float, most: float) -> str:
        if self.is_timed and seconds > most:
            raise Broken(f"{what} {seconds:.1f} s, more than {most:.0f} s")
        return f"{what} {seconds:.1f} s"


async def goes_on(scene: Scene, before: dict[UUID, tuple[str, int]], dead: Process) -> str:
    """Until every answer of the dead node has text of a later turn on a screen, or its question another end."""
    began = time.monotonic()
    waiting = [(life, before[life.session][1]) for life in scene.lives if before.get(life.session, ("",))[0] == dead.id]
    while any(max(device.screen.turn for device in life.devices) <= turn for life, turn in waiting):
        for life in scene.lives:
            life.judged()
        if time.monotonic() - began > GIVE_UP_SECONDS:
            raise Broken(f"an answer of a dead node is not gone on with after {GIVE_UP_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    return f"{len(waiting)} answers " + scene.in_time("gone on with after", time.monotonic() - began, GOES_ON_SECONDS)


async def the_writer_is_killed(scene: Scene) -> str:
    node = await scene.town.writer()
    before = await scene.town.running()
    await scene.town.killed(node)
    return await goes_on(scene, before, node)


async def a_readers_node_is_killed(scene: Scene) -> str:
    """Whoever sits there comes back elsewhere with what they have; answers of others are not touched."""
    port = scene.chance.choice(scene.lives).devices[1].port
    node = next((node for node in scene.town.nodes if node.port == port), scene.town.nodes[0])
    before = await scene.town.running()
    sat = sum(device.port == node.port for life in scene.lives for device in life.all)
    await scene.town.killed(node)
    return f"{sat} clients sat there, " + await goes_on(scene, before, node)


async def a_leaving_node_is_killed(scene: Scene) -> str:
    """A platform that gives it less time than it asked for: what it still wrote or was handed goes on elsewhere."""
    node = await scene.town.writer()
    before = await scene.town.running()
    scene.town.nodes.remove(node)
    node.gets(signal.SIGTERM)
    seconds = scene.chance.uniform(*HASTE_SECONDS)
    await asyncio.sleep(seconds)
    await scene.town.killed(node)
    return f"killed after {seconds:.1f} s of leaving, " + await goes_on(scene, before, node)


async def everything_is_killed(scene: Scene) -> str:
    """All nodes, Redis and Postgres at once; what was acknowledged is there when they are again."""
    town = scene.town
    began = time.monotonic()
    await asyncio.gather(
        asyncio.to_thread(town.postgres.kill), asyncio.to_thread(town.redis.kill),
        *(town.killed(node) for node in town.nodes),
    )  # fmt: skip
    await asyncio.gather(town.postgres.start(), town.redis.start())
    await town.has(NODES)
    return f"everything is back after {time.monotonic() - began:.1f} s"


async def redis_is_killed(scene: Scene) -> str:
    """With everything that it held."""
    town = scene.town
    port, away = town.redis.port, scene.chance.uniform(*scene.away_seconds)
    await asyncio.to_thread(town.redis.kill)
    with held_port(port):
        await asyncio.sleep(away)
        await town.redis.start()
    assert town.redis.port == port, "somebody took its port"
    return f"away for {away:.1f} s"


async def postgres_is_killed(scene: Scene) -> str:
    """Its children end with it; what was committed is there again when it is."""
    town = scene.town
    port, away = town.postgres.port, scene.chance.uniform(*scene.away_seconds)
    await asyncio.to_thread(town.postgres.kill)
    with held_port(port):
        await asyncio.sleep(away)
        await town.postgres.start()
    assert town.postgres.port == port, "somebody took its port"
    return f"away for {away:.1f} s"


async def the_writer_is_stopped(scene: Scene) -> str:
    """Past its lease: others have its answers by then, and nobody tells it so."""
    node = await scene.town.writer()
    before = await scene.town.running()
    node.gets(signal.SIGSTOP)
    stopped = time.monotonic()
    scene.town.nodes.remove(node)
    try:
        # The clients that sit there have a silent line and see nothing; those elsewhere see the answer go on.
        seconds = LEASE_SECONDS + scene.chance.uniform(1, 4)
        await asyncio.sleep(seconds)
        # What was said meanwhile does not wait for it: it wakes up deaf, with the end of its answer in its hands.
        await the_subscriptions_are_cut(scene)
        taken = await scene.town.running()
    finally:
        node.gets(signal.SIGCONT)
        scene.town.nodes.append(node)
    left = [session for session, (owner, _) in before.items() if owner == node.id and taken.get(session) == (owner, _)]
    if left:
        raise Broken(f"{len(left)} answers are still the stopped node's after {time.monotonic() - stopped:.1f} s")
    return f"stopped for {seconds:.1f} s with {sum(owner == node.id for owner, _ in before.values())} answers"


async def the_subscriptions_are_cut(scene: Scene) -> str:
    """Of all nodes: what is published until they are there again is heard by nobody."""
    redis = redis_client(scene.town.redis.url)
    cut = int(await redis.client_kill_filter(_type="pubsub"))
    await redis.aclose()
    return f"{cut} connections cut"


async def the_subscriptions_are_cut_again_and_again(scene: Scene) -> str:
    words = []
    for _ in range(3):
        words.append(await the_subscriptions_are_cut(scene))
        await asyncio.sleep(scene.chance.uniform(0.2, 1.5))
    return ", ".join(words)


async def everything_is_deployed_anew(scene: Scene) -> str:
    """One node after the other: a fresh one first, then the old one is told to go."""
    olds, longest = [node for node in scene.town.nodes if node.runs], 0.0
    for old in olds:
        await scene.town.node()
        longest = max(longest, await goes_politely(scene, old))
    return f"{len(olds)} nodes replaced, closes {dict(closes(scene.lives, olds))}, longest drain {longest:.1f} s"


async def goes_politely(scene: Scene, old: Process) -> float:
    """Seconds that it took to go. Whoever sat there was told."""
    seconds = await is_sent_away(scene.town, old)
    if impolite := {code: many for code, many in closes(scene.lives, [old]).items() if code not in POLITE_CODES}:
        raise Broken(f"clients saw the codes {impolite}")
    return seconds


async def is_sent_away(town: Town, node: Process) -> float:
    """Seconds that it took to go."""
    began = time.monotonic()
    town.nodes.remove(node)
    node.gets(signal.SIGTERM)
    code = await node.ended()
    assert code == 0, f"a node that was told to go ended with {code}: {node.log.read_text()[-500:]}"
    return time.monotonic() - began


def closes(lives: list[Life], nodes: list[Process]) -> Counter[int]:
    ports = {node.port for node in nodes}
    return Counter(
        closed.code for life in lives for device in life.all for closed in device.closed if closed.port in ports
    )


FAULTS: dict[str, Fault] = {
    "writer": the_writer_is_killed,
    "reader": a_readers_node_is_killed,
    "hasty": a_leaving_node_is_killed,
    "redis": redis_is_killed,
    "postgres": postgres_is_killed,
    "stopped": the_writer_is_stopped,
    "subscriptions": the_subscriptions_are_cut_again_and_again,
    "blackout": everything_is_killed,
    "deploy": everything_is_deployed_anew,
}


async def suffers(
    town: Town, chance: random.Random, fault: Fault, *, first: int, lives: int = LIVES, is_timed: bool = True
) -> tuple[Count, str]:
    """People talk, something happens, they go on to talk; then everything is looked at."""
    talking = await begun(town, lives, chance, first=first)
    scene = Scene(town, talking, chance, is_timed)
    try:
        for life in talking:
            life.goes_on()
        await asyncio.sleep(chance.uniform(1.0, 2.5))
        words = [await fault(scene)]
        restored = time.monotonic()
        await asyncio.gather(*(life.rests() for life in talking))
        await settles(town, talking)
        words.append(scene.in_time("settled after", time.monotonic() - restored, SETTLED_SECONDS))
        await is_true(town, talking)
        # And then they talk on, with whatever nodes are left.
        await asyncio.gather(*(life.asks() for life in talking))
        await settles(town, talking)
        return await is_true(town, talking), ", ".join(words)
    finally:
        await asyncio.gather(*(life.ends() for life in talking))
