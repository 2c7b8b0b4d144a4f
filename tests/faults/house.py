"""Real processes on a Postgres, a Redis and a model's server of their own, all of which can be killed."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from chatserver.adapters.embedded import Postgres, Redis
from chatserver.adapters.migrate import migrate
from tests.benchmarks.servers import MIGRATIONS, Servers
from tests.benchmarks.streaming import node, said, started


@dataclass
class Process:
    port: int
    pid: int
    alive: bool = True

    def signal(self, number: int) -> None:
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.alive = False
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


@dataclass
class House:
    postgres: Postgres
    redis: Redis
    servers: Servers
    model_url: str
    stack: AsyncExitStack
    nodes: list[Process] = field(default_factory=list)

    @property
    def alive(self) -> list[Process]:
        return [one for one in self.nodes if one.alive]

    async def add(self) -> Process:
        made = Process(*await node(self.stack, self.servers, self.model_url))
        self.nodes.append(made)
        return made

    async def redis_dies_and_comes_back(self) -> None:
        """With all that it held."""
        await asyncio.to_thread(self.redis.kill)
        await self.redis.start()

    async def postgres_dies_and_comes_back(self) -> None:
        await asyncio.to_thread(self.postgres.kill)
        await self.postgres.start()


@asynccontextmanager
async def a_house(nodes: int) -> AsyncIterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="ottobon-faults-"))
    postgres, redis = Postgres(folder / "postgres"), Redis(folder / "redis")
    try:
        async with AsyncExitStack() as stack:
            await postgres.start()
            stack.push_async_callback(postgres.stop)
            await redis.start()
            stack.push_async_callback(redis.stop)
            await migrate(postgres.url, MIGRATIONS)
            model = await said(await started(stack, "tests.benchmarks.streams.model"))
            house = House(postgres, redis, Servers(postgres.url, redis.url), f"http://127.0.0.1:{model}", stack)
            for _ in range(nodes):
                await house.add()
            yield house
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if postgres.folder != folder / "postgres":
            shutil.rmtree(postgres.folder, ignore_errors=True)
