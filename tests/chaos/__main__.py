"""`python -m tests.chaos [--seed S] [--takeovers N] [FAULT …]`: a line for each fault, and what came of it.

Ends with 1 where a promise was broken or a time was passed. The seed that is printed makes the same choices again; what
the machine does in between is its own.
"""

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.alone import a_node_is_alone, every_writer_is_killed
from tests.chaos.faults import FAULTS, NODES, suffers
from tests.chaos.model import Model
from tests.chaos.slow import a_client_stops_reading
from tests.chaos.takeovers import takeovers
from tests.chaos.town import Town, a_town
from tests.chaos.work import a_worker_is_killed

CASES = 100
"""Numbers of conversations that each fault has for itself."""
STORIES = {"alone": a_node_is_alone, "thrice": every_writer_is_killed, "slow": a_client_stops_reading}
NAMES = [*FAULTS, *STORIES, "worker", "takeovers"]


async def done(town: Town, name: str, chance: random.Random, first: int, many: int) -> str:
    if name == "worker":
        return await a_worker_is_killed(town, chance)
    if name == "takeovers":
        count, words = await takeovers(town, chance, many, first=first)
    elif name in STORIES:
        count, words = await STORIES[name](town, chance, first=first)
    else:
        count, words = await suffers(town, chance, FAULTS[name], first=first)
    return f"{count}; {words}"


async def told(town: Town, name: str, seed: int, first: int, many: int) -> bool:
    """Does it and says how it went."""
    began = time.monotonic()
    chance = random.Random(f"{seed} {name}")
    well = True
    try:
        await town.has(NODES)
        line = await done(town, name, chance, first, many)
    except (AssertionError, TimeoutError) as broken:
        well, line = False, f"BROKEN with --seed {seed}: {broken!r}"
    print(f"{name:14} {line}  ({time.monotonic() - began:.0f} s)", flush=True)
    return well


async def run(names: list[str], seed: int, many: int) -> bool:
    well = True
    async with a_town(NODES, Model(random.Random(seed))) as town:
        for place, name in enumerate(names):
            well = await told(town, name, seed, place * CASES, many) and well
        for error, many in Counter(error for process in town.started for error in process.errors()).items():
            print(f"in the logs, {many} times: {error}")
        if not well:
            kept = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
            for process in town.started:
                shutil.copy(process.log, kept)
            print(f"the logs of all processes are in {kept}")
    return well


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("fault", nargs="*", choices=[*NAMES, []], help=", ".join(NAMES))
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument("--takeovers", type=int, default=1_000)
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    raise SystemExit(0 if asyncio.run(run(given.fault or NAMES, given.seed, given.takeovers)) else 1)


if __name__ == "__main__":
    main()
