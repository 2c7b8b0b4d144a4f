"""`python -m tests.fuzz [--frames N] [--seed S]`: hostile frames from everybody at once on a node of its own.

The first and long run is on a node whose limits are lifted, so that nearly every frame is answered and judged; a short
one follows on a node with the real ones. Ends with 1 where a promise was broken, and prints what was sent before. The
seed makes the same choices again; the order in which the connections of different people are served is the machine's.
"""

import argparse
import random
import shutil
import tempfile
from pathlib import Path

import asyncpg
import uvloop

from chatserver.adapters.identity import DevelopmentIssuer
from tests.benchmarks.servers import servers
from tests.fuzz.guest import Broken, Count
from tests.fuzz.house import a_node
from tests.fuzz.people import People
from tests.fuzz.storm import Storm
from tests.fuzz.town import Fuzzing

FRAMES = 1_000_000


def _says(line: str) -> None:
    print(line, flush=True)


async def run(frames: int, seed: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="ottobon-fuzz-"))
    async with servers() as given:
        database = await asyncpg.connect(given.database_url)
        people = People(database, DevelopmentIssuer(given.database_url), seed)
        try:
            async with a_node(given.database_url, given.redis_url, folder) as node:
                _says(await Fuzzing(people, node, seed, Count(frames), _says).run())
            async with a_node(given.database_url, given.redis_url, folder, limits={}) as node:
                await Storm(people, node, seed).run(_says)
        except Broken as broken:
            _says(f"BROKEN with --seed {seed}: {broken}\nthe log of the node is {node.log}")
            return 1
        finally:
            await database.close()
    shutil.rmtree(folder)
    return 0


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--frames", type=int, default=FRAMES)
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = arguments.parse_args()
    _says(f"seed {given.seed}")
    raise SystemExit(uvloop.run(run(given.frames, given.seed)))


if __name__ == "__main__":
    main()
