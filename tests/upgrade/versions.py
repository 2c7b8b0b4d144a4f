"""Older versions of this repository, as they were: taken out of its history, run with the packages installed now."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path

from chatserver.adapters.children import dies_with_us
from chatserver.settings import Settings
from tests.children import ended
from tests.ports import held_port

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 180.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.05
OURS = {one.name.upper() for one in fields(Settings)}


class NoHistory(Exception):
    """The clone has none, or not enough of it."""


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoHistory("there is no git here") from None
    if done.returncode:
        raise NoHistory(done.stderr.strip().partition("\n")[0])
    return done.stdout.strip()


def before_migrations(most: int) -> list[tuple[str, str]]:
    """Commits, each the last one before a migration came, with that migration's name; the newest first."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "migrations").glob("[0-9]*.sql"), reverse=True):
        added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", f"migrations/{file.name}")
        if added and len(found) < most:
            found.setdefault(_git("rev-parse", f"{added}^"), file.name)
    return list(found.items())


def unpacked(commit: str, folder: Path) -> Path:
    """The tree of the commit, in a folder of its own."""
    tree = folder / _git("rev-parse", "--short", commit)
    if not tree.exists():
        tree.mkdir(parents=True)
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", tree], input=packed.stdout, check=True)
    return tree


@dataclass
class Version:
    """One tree of the repository, and how its processes are started."""

    tree: Path
    database_url: str
    redis_url: str
    logs: Path

    @property
    def environment(self) -> Mapping[str, str]:
        plain = {name: value for name, value in os.environ.items() if name not in OURS}
        return {
            **plain, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(self.tree), "RESUME_DIR": str(self.logs / "resumes"), "DRAIN_SECONDS": "5",
        }  # fmt: skip

    async def migrates(self) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chatserver", "migrate", cwd=self.tree, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await child.communicate()
        assert child.returncode == 0, said.decode()

    @asynccontextmanager
    async def node(self) -> AsyncIterator["Running"]:
        with held_port() as port:
            async with self._serves(port) as running:
                yield running

    @asynccontextmanager
    async def _serves(self, port: int) -> AsyncIterator["Running"]:
        words = ("-m", "chatserver", "serve", "--port", str(port))
        async with self._runs(*words) as (child, log):
            async with asyncio.timeout(START_SECONDS):
                while not await _is_ready(port):
                    assert child.returncode is None, log.read_text(errors="replace")[-2_000:]
                    await asyncio.sleep(POLL_SECONDS)
            yield Running(port, child, log)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        async with self._runs("-m", "arq", "workers.main.WorkerSettings"):
            yield

    @asynccontextmanager
    async def _runs(self, *words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
        log = self.logs / f"{self.tree.name}-{len(list(self.logs.glob('*.log')))}.log"
        with log.open("wb") as output:
            child = await asyncio.create_subprocess_exec(
                sys.executable, *words, cwd=self.tree, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, preexec_fn=dies_with_us(signal.SIGKILL),
            )  # fmt: skip
        try:
            yield child, log
        finally:
            await ended(child, STOP_SECONDS)


@dataclass
class Running:
    port: int
    child: asyncio.subprocess.Process
    log: Path

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def dies(self) -> None:
        self.child.kill()
        await self.child.wait()

    @property
    def complaints(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [
            line for line in lines if "Traceback" in line or '"level": "ERROR"' in line or '"level":"ERROR"' in line
        ]


async def _is_ready(port: int) -> bool:
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        ready = b" 200 " in await reader.readuntil(b"\r\n")
        writer.close()
        return ready
    return False
