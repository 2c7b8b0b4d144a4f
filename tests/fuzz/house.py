"""The node that is tried: a process of its own, which says what it holds and whose log is read."""

import asyncio
import json
import os
import re
import signal
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
LOOK_SECONDS = 600.0
"""On a busy machine; it is asked between two frames."""
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05

QUIET = {name: value for name, value in os.environ.items() if name not in {f.name.upper() for f in fields(Settings)}}
PLAIN = {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "TRUSTED_PROXIES": "127.0.0.1/32"}
"""Everybody comes through a proxy, which says whose connection it is: else all of them were one address."""
UNLIMITED: Mapping[str, str] = {
    "LIMIT_POSTS_PER_MINUTE": "0", "LIMIT_FRAMES_PER_MINUTE": "0", "LIMIT_CONNECTIONS_PER_ADDRESS": "0",
    "LIMIT_CONNECTIONS_PER_USER": "0",
}  # fmt: skip
"""The limits would end every connection before it got anywhere; `storm.py` tries them as they are."""
_TRACE = re.compile(r"Traceback| ERROR | CRITICAL |Task exception|Error running script|never retrieved|never awaited")


@dataclass
class Node:
    port: int
    child: asyncio.subprocess.Process
    log: Path
    held: Path

    async def look(self) -> dict[str, int]:
        """What the process holds: kilobytes, tasks, and objects by their class."""
        self.held.unlink(missing_ok=True)
        self.child.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(LOOK_SECONDS):
            while not self.held.exists():
                await asyncio.sleep(POLL_SECONDS)
        found: dict[str, int] = json.loads(self.held.read_text())
        return found

    async def erases(self, token: str, *, may_be_gone: bool = False) -> None:
        """`DELETE /api/me`, and its answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(
                b"DELETE /api/me HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
                b"authorization: Bearer %s\r\n\r\n" % token.encode()
            )
            head = await reader.readuntil(b"\r\n")
            assert b" 200 " in head or (may_be_gone and b" 401 " in head), head
            await reader.read()
        finally:
            writer.close()

    def complaints(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if _TRACE.search(line)]


@asynccontextmanager
async def a_node(
    database_url: str, redis_url: str, folder: Path, limits: Mapping[str, str] = UNLIMITED
) -> AsyncIterator[Node]:
    with held_port() as port:
        async with _a_node(port, database_url, redis_url, folder, limits) as node:
            yield node


@asynccontextmanager
async def _a_node(
    port: int, database_url: str, redis_url: str, folder: Path, limits: Mapping[str, str]
) -> AsyncIterator[Node]:
    log, held = folder / "node.log", folder / "held.json"
    environment = {
        **QUIET, **PLAIN, **limits, "DATABASE_URL": database_url, "REDIS_URL": redis_url,
        "RESUME_DIR": str(folder / "resumes"),
    }  # fmt: skip
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fuzz.node", str(port), str(held), cwd=ROOT, env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=dies_with_us(signal.SIGKILL),
        )  # fmt: skip
    node = Node(port, child, log, held)
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                with suppress(OSError, asyncio.IncompleteReadError):
                    if await _answers(port):
                        break
                assert child.returncode is None, log.read_text(errors="replace")[-2_000:]
                await asyncio.sleep(POLL_SECONDS)
        yield node
    finally:
        await ended(child, STOP_SECONDS)


async def _answers(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        return b" 200 " in await reader.readuntil(b"\r\n")
    finally:
        writer.close()
