"""Nodes as processes of their own on a Postgres, a Redis and a model's server, all of which can be killed."""

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
from websockets.asyncio.client import connect

from chatserver.adapters.children import dies_with_us
from chatserver.adapters.embedded import Postgres, Redis
from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.adapters.migrate import migrate
from chatserver.settings import Settings
from tests.chaos.model import Model
from tests.ports import held_port

ROOT = Path(__file__).parent.parent.parent
PREFIX = "ottobon-chaos-"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 * 2**30
START_SECONDS = 180.0
END_SECONDS = 60.0
LOOK_SECONDS = 0.1
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Unavailable|Refused)\b")
QUIET = {name: value for name, value in os.environ.items() if name not in {f.name.upper() for f in fields(Settings)}}
"""No setting of the person who runs this reaches a node."""


@dataclass
class Process:
    """A process that we started; it is gone when we are, also where we are killed."""

    name: str
    child: asyncio.subprocess.Process
    log: Path
    port: int = 0
    id: str = ""
    """A node's own, as `welcome` and the rows of its answers have it."""

    @property
    def runs(self) -> bool:
        return self.child.returncode is None

    def gets(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.child.send_signal(number)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.child.wait(), END_SECONDS)

    def errors(self) -> list[str]:
        """What its log calls an error, without its time, and the exception's line where there is one."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [
            re.sub("0x[0-9a-f]+", "…", line.partition(" ERROR ")[2])
            + ": "
            + next((one for one in lines[at:] if _EXCEPTION.match(one)), "")[:120]
            for at, line in enumerate(lines)
            if " ERROR " in line
        ]


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    email: str
    name: str


@dataclass
class Town:
    folder: Path
    postgres: Postgres
    redis: Redis
    model: Model
    issuer: DevelopmentIssuer
    nodes: list[Process] = field(default_factory=list)
    """Those that a balancer would send somebody to, in the order of their start."""
    started: list[Process] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    # Nodes

    async def start(self, name: str, *command: str, **more: str) -> Process:
        log = self.folder / f"{name}-{next(self._numbers)}.log"
        environment = {
            **QUIET, "DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url, "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": self.model.url, "BUDGET_DAY_USD": "1000000", "BUDGET_SEEKER_DAY_USD": "1000000",
            "BUDGET_ENRICHMENT_DAY_USD": "1000000", "LIMIT_POSTS_PER_MINUTE": "0", "LIMIT_FRAMES_PER_MINUTE": "0",
            "LIMIT_CONNECTIONS_PER_ADDRESS": "0", "LOG_LEVEL": "INFO", "RESUME_DIR": str(self.folder / "resumes"),
            "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", **more,
        }  # fmt: skip
        with log.open("wb") as output:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *command, cwd=ROOT, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, preexec_fn=dies_with_us(signal.SIGKILL),
            )  # fmt: skip
        process = Process(name, child, log)
        self.started.append(process)
        return process

    async def node(self, **more: str) -> Process:
        """A fresh node that somebody can talk to."""
        with held_port() as port:
            node = await self.start("node", "chatserver", "serve", "--port", str(port), **more)
            node.port = port
            async with asyncio.timeout(START_SECONDS):
                while not node.id:
                    assert node.runs, node.log.read_text(errors="replace")[-2_000:]
                    with suppress(OSError):
                        node.id = await self._asked_for_its_name(port)
                    await asyncio.sleep(LOOK_SECONDS)
        self.nodes.append(node)
        return node

    async def _asked_for_its_name(self, port: int) -> str:
        hello = {"type": "hello", "token": self.issuer.issue("probe@example.com", UUID(int=7))}
        async with connect(f"ws://127.0.0.1:{port}/ws", proxy=None, compression=None) as socket:
            await socket.send(msgspec.json.encode(hello).decode())
            return str(msgspec.json.decode(await socket.recv())["node"])

    async def has(self, many: int) -> None:
        """Fresh nodes in the place of those that are gone."""
        self.nodes = [node for node in self.nodes if node.runs]
        await asyncio.gather(*(self.node() for _ in range(many - len(self.nodes))))

    async def killed(self, node: Process) -> None:
        """As the kernel does it when memory is short. Clients find out by themselves."""
        node.gets(signal.SIGKILL)
        await node.ended()

    # People and rows

    async def person(self, role: str, name: str) -> Person:
        one = Person(uuid4(), f"{name.lower().replace(' ', '-')}-{uuid4().hex[:8]}@example.com", name)
        await self.query(
            "insert into public.users (id, email, role, full_name) values ($1, $2, $3::text::public.user_role, $4)",
            one.id, one.email, role, name,
        )  # fmt: skip
        return one

    def token(self, person: Person) -> str:
        return self.issuer.issue(person.email, person.id)

    async def query(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.postgres.url, timeout=START_SECONDS)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows
        finally:
            await connection.close()

    async def running(self) -> dict[UUID, tuple[str, int]]:
        """The sessions with a running answer: which node writes it, and for which turn."""
        rows = await self.query("select session_id, owner, turn from public.chat_answers where state = 'running'")
        return {row["session_id"]: (str(row["owner"]), row["turn"]) for row in rows}

    async def writer(self) -> Process:
        """The node with the most running answers, once there are some."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            owners = [owner for owner, _ in (await self.running()).values()]
            if known := [node for node in self.nodes if node.runs and node.id in owners]:
                return max(known, key=lambda node: owners.count(node.id))
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError("no answer runs")

    async def end(self) -> None:
        for process in self.started:
            if process.runs:
                process.gets(signal.SIGKILL)
            await process.ended()


def _place() -> Path:
    """In memory if there is room: what is tested is the death of processes, not of the machine."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    parent = MEMORY if roomy else Path(tempfile.gettempdir())
    for left in parent.glob(f"{PREFIX}*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            # Of a town that was killed itself.
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    # The account that Postgres runs under has to reach its folder in here.
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def a_town(nodes: int, model: Model) -> AsyncIterator[Town]:
    folder = _place()
    postgres, redis = Postgres(folder / "postgres"), Redis(folder / "redis")
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        await asyncio.gather(postgres.start(), redis.start())
        stack.push_async_callback(postgres.stop)
        stack.push_async_callback(redis.stop)
        await migrate(postgres.url, ROOT / "migrations")
        town = Town(folder, postgres, redis, await stack.enter_async_context(model), DevelopmentIssuer(postgres.url))
        stack.push_async_callback(town.end)
        await town.has(nodes)
        yield town
