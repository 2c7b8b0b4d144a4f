"""`python -m tests.faults [--seed S] [--takeovers N] [FAULT …]`: each fault in a town of its own, and what came of it.

Ends with 1 where a promise was broken or a time was passed; the seed that is printed brings the same choices again.
"""

import argparse
import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from chatserver.adapters.wire import client as redis_client
from tests.faults.house import House, a_house
from tests.faults.takeovers import takeovers
from tests.faults.town import Town

NODES = 4
CONVERSATIONS = 8
SETTLED_SECONDS = 20.0
GOES_ON_SECONDS = 8.0
STOPPED_SECONDS = 9.0
"""Longer than a lease."""
WRITING_SECONDS = 0.5
LOOK_SECONDS = 0.02
ROUNDS_OF_A_DEPLOY = 3

Fault = Callable[[Town], Awaitable[list[str]]]


class Broken(Exception):
    """A promise was broken, or a time was passed."""


def in_time(what: str, seconds: float, most: float) -> str:
    if seconds > most:
        raise Broken(f"{what} took {seconds:.1f} s, more than {most:.0f}")
    return f"{what} {seconds:.1f} s"


async def all_ask(town: Town, text: str) -> None:
    await asyncio.gather(*(town.asks(one, f"{text} of {one.devices[0].screen.name}?") for one in town.conversations))


async def goes_on(town: Town, before: dict[str, int]) -> float:
    """Seconds until every conversation shows text of a later turn than before."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        while any(
            max((device.screen.turn for device in one.devices), default=0) <= before[one.session]
            for one in town.conversations
        ):
            await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic() - began


def turns(town: Town) -> dict[str, int]:
    return {one.session: max(device.screen.turn for device in one.devices) for one in town.conversations}


async def the_node_that_writes_is_killed(town: Town) -> list[str]:
    before = turns(town)
    town.house.nodes[0].signal(signal.SIGKILL)
    return [in_time("goes on after", await goes_on(town, before), GOES_ON_SECONDS)]


async def the_node_that_is_read_on_is_killed(town: Town) -> list[str]:
    town.house.nodes[1].signal(signal.SIGKILL)
    return []


async def redis_is_killed(town: Town) -> list[str]:
    await town.house.redis_dies_and_comes_back()
    return []


async def postgres_is_killed(town: Town) -> list[str]:
    await town.house.postgres_dies_and_comes_back()
    return []


async def the_node_that_writes_is_stopped_past_its_lease(town: Town) -> list[str]:
    town.house.nodes[0].signal(signal.SIGSTOP)
    await asyncio.sleep(STOPPED_SECONDS)
    town.house.nodes[0].signal(signal.SIGCONT)
    return []


async def the_subscriptions_are_dropped(town: Town) -> list[str]:
    redis = redis_client(town.house.servers.redis_url)
    killed = await redis.client_kill_filter(_type="pubsub")
    await redis.aclose()
    return [f"{killed} connections dropped"]


async def everything_is_deployed_anew(town: Town) -> list[str]:
    for old in list(town.house.alive):
        await town.house.add()
        old.signal(signal.SIGTERM)
        await all_ask(town, "While it is deployed")
    codes = Counter(code for one in town.conversations for device in one.devices for code in device.closes)
    if codes[1006]:
        raise Broken(f"closes seen by clients: {dict(codes)}")
    return [f"closes {dict(codes)}"]


FAULTS: dict[str, Fault] = {
    "writer": the_node_that_writes_is_killed,
    "reader": the_node_that_is_read_on_is_killed,
    "redis": redis_is_killed,
    "postgres": postgres_is_killed,
    "stopped": the_node_that_writes_is_stopped_past_its_lease,
    "subscriptions": the_subscriptions_are_dropped,
    "deploy": everything_is_deployed_anew,
}


async def suffers(house: House, chance: random.Random, fault: Fault) -> str:
    town = Town(house, chance)
    try:
        for number in range(CONVERSATIONS):
            await town.conversation(f"Seeker{number}", [0, 1 + number % (NODES - 1)])
        await all_ask(town, "Which job is the best")
        await asyncio.sleep(chance.uniform(0.1, 2 * WRITING_SECONDS))
        words = await fault(town)
        words.append(in_time("settled", await town.settles(), SETTLED_SECONDS))
        await all_ask(town, "And after that")
        await town.settles()
        questions, answers = await town.is_true()
        return ", ".join([f"{questions} questions, {answers} answers", *words])
    finally:
        await town.close()


async def run(wanted: list[str], seed: int, many: int) -> bool:
    well = True
    for name in wanted or [*FAULTS, "takeovers"]:
        began = time.monotonic()
        async with a_house(NODES) as house:
            chance = random.Random(f"{seed} {name}")
            try:
                told = await (
                    takeovers(house, chance, many) if name == "takeovers" else suffers(house, chance, FAULTS[name])
                )
            except (Broken, AssertionError, TimeoutError) as error:
                well, told = False, f"BROKEN: {error!r}"
        print(f"{name:14} {told} (in {time.monotonic() - began:.0f} s)", flush=True)
    return well


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("fault", nargs="*", choices=[*FAULTS, "takeovers", []])
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument("--takeovers", type=int, default=1_000)
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    raise SystemExit(0 if asyncio.run(run(given.fault, given.seed, given.takeovers)) else 1)


if __name__ == "__main__":
    main()
