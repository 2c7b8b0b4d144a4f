"""`chatserver up` and the commands beside it, as processes, from a first start to a kill."""

import asyncio
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from chatserver.adapters.children import dies_with_us
from chatserver.running import Run, read_run
from chatserver.settings import Settings
from tests.until import until

WITHIN_SECONDS = 120.0
QUIET = {name: value for name, value in os.environ.items() if name not in {f.name.upper() for f in fields(Settings)}}


class Started:
    """A `chatserver up` on a folder of its own."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.said: list[str] = []
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.said.append(line.decode().rstrip())

    async def ready(self) -> Run:
        async with asyncio.timeout(WITHIN_SECONDS):
            while not any(line.startswith("Ready at") for line in self.said):
                assert self.process.returncode is None, "\n".join(self.said)
                await asyncio.sleep(0.05)
        run = read_run(self.folder)
        assert run is not None
        return run

    async def ended(self) -> int:
        async with asyncio.timeout(WITHIN_SECONDS):
            code = await self.process.wait()
            await self._listening
        return code


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[Started]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", "up", "--data", str(folder), "--port", "0", "--no-demo",
        cwd=folder.parent, env=QUIET, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        preexec_fn=dies_with_us(signal.SIGTERM),
    )  # fmt: skip
    try:
        yield Started(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def command(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Its exit code and all that it says; no traceback, whatever happened."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatserver", *arguments, cwd=folder.parent, env={**QUIET, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, preexec_fn=dies_with_us(signal.SIGTERM),
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), WITHIN_SECONDS)
    text = said.decode()
    assert "Traceback" not in text, text
    assert process.returncode is not None
    return process.returncode, text


def processes_of(folder: Path) -> list[str]:
    """Whatever runs with this folder's servers in its environment or command line."""
    found = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if str(folder) in line and " ps " not in line]


class Caller:
    """Somebody with a socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def asks(self, type: str, **fields: Any) -> dict[str, Any]:
        await self._socket.send(msgspec.json.encode({"type": type, "ref": type, **fields}).decode())
        return await self.hears(lambda frame: frame.get("ref") == type)

    async def hears(self, wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                frame: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
                if wanted(frame):
                    return frame


async def token(url: str, email: str) -> str:
    async with httpx2.AsyncClient(trust_env=False, timeout=WITHIN_SECONDS) as client:
        answer = await client.post(f"{url}/auth/dev", json={"email": email})
        return str(answer.json()["token"])


async def test_from_the_first_start_to_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with up(folder) as first:
        run = await first.ready()
        assert stat.S_IMODE((folder / "run.json").stat().st_mode) == 0o600
        session, said = await a_conversation(run)
        await refusals_of_the_socket(run)
        await commands_beside_it(folder)
        code, text = await command(folder, "up", "--data", str(folder), "--port", "0")
        assert code == 1, text
        assert text.splitlines()[-1].startswith("Something runs on"), text
        first.process.terminate()
        assert await first.ended() == 0
        assert first.said[-1] == "Stopped; nothing is left running."
    assert processes_of(folder) == []
    assert not (folder / "run.json").exists()

    async with up(folder) as second:
        run = await second.ready()
        seeker = await token(run.url, "asha@example.com")
        async with httpx2.AsyncClient(
            trust_env=False, timeout=WITHIN_SECONDS, headers={"Authorization": f"Bearer {seeker}"}
        ) as client:
            kept = (await client.get(f"{run.url}/api/sessions/{session}/messages")).json()["items"]
        assert said in [event.get("content") for event in kept]
        web = next(line for line in processes_of(folder) if re.search(r"chatserver serve", line))
        os.kill(int(web.split()[0]), signal.SIGKILL)
        assert await second.ended() == 1
        assert "web ended with code -9" in second.said[-1]
    assert processes_of(folder) == []

    async with up(folder) as third:
        await third.ready()
        third.process.kill()
        await third.ended()

    async def nothing_runs() -> bool:
        return processes_of(folder) == []

    await until(nothing_runs, WITHIN_SECONDS)


async def a_conversation(run: Run) -> tuple[str, str]:
    """A seeker asks over a socket and is answered; the session and the answer."""
    seeker = await token(run.url, "asha@example.com")
    async with websockets.connect(run.url.replace("http", "ws") + "/ws", open_timeout=WITHIN_SECONDS) as socket:
        caller = Caller(socket)
        welcome = await caller.asks("hello", token=seeker)
        assert welcome["assistant"]["kind"] == "offline"
        joined = await caller.asks("join")
        assert joined["events"][0]["role"] == "assistant", "the session begins with a greeting"
        session = joined["session"]["id"]
        post = {"session": session, "id": str(uuid4()), "content": "Which jobs are there in Pune?"}
        assert (await caller.asks("post", **post))["type"] == "ok"
        answer = await caller.hears(lambda frame: frame["type"] == "message" and frame["role"] == "assistant")
        again = await caller.asks("post", **post)
        assert again["seq"] < answer["seq"], "the same id is the same message"
        return session, answer["content"]


async def refusals_of_the_socket(run: Run) -> None:
    address = run.url.replace("http", "ws") + "/ws"
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(address, origin=websockets.Origin("https://elsewhere.example.com"))
    assert refused.value.response.status_code == 403

    async def closed_after(*frames: str) -> int:
        async with websockets.connect(address, open_timeout=WITHIN_SECONDS) as socket:
            for frame in frames:
                await socket.send(frame)
            async with asyncio.timeout(WITHIN_SECONDS):
                await socket.wait_closed()
            assert socket.close_code is not None
            return socket.close_code

    hello = msgspec.json.encode({"type": "hello", "token": await token(run.url, "ben@example.com")}).decode()
    assert await closed_after('{"type": "hello", "token": "none"}') == 4401
    assert await closed_after('{"type": "join"}') == 4401
    assert await closed_after(hello, *["what?"] * 10) == 4400
    assert await closed_after(hello, "x" * 200_000) == 1009


async def commands_beside_it(folder: Path) -> None:
    named = ("--data", str(folder))
    assert (await command(folder, "migrate", "--check", *named))[0] == 0
    code, text = await command(folder, "user", "asha@example.com", "--role", "admin", *named)
    assert (code, " admin  active " in text) == (0, True)
    code, text = await command(folder, "user", "nobody@example.com", *named)
    assert (code, text.count("\n"), "sign in once" in text) == (1, 1, True)
    assert (await command(folder, "doctor", *named))[0] == 0
    code, text = await command(folder, "ingest", "ey", *named)
    assert (code, "INGEST_CONTACT" in text) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        ((), {}, 2, "--help"),
        (("fly",), {}, 2, "--help"),
        (("up", "--port", "many"), {}, 2, "not a port"),
        (("ingest", "acme"), {}, 2, "deloitte"),
        (("serve",), {}, 1, "chatserver up"),
        (("serve",), {"PORT": "many"}, 1, "PORT"),
        (("migrate",), {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, 1, "DATABASE_URL"),
        (("migrate",), {}, 1, "--data"),
        (("doctor",), {}, 1, "DATABASE_URL"),
    ],
)
async def test_what_is_wrong_is_said_in_a_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], code: int, says: str
) -> None:
    folder = tmp_path / "data"
    named = ("--data", str(folder)) if arguments[:1] in (("migrate",), ("doctor",)) else ()
    ended, text = await command(folder, *arguments, *named, **environment)
    assert ended == code, text
    assert says in text


async def test_a_taken_port_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        servers = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
        code, text = await command(tmp_path / "data", "serve", "--port", port, **servers)
    assert (code, text.count("\n")) == (1, 1), text
    assert text.startswith(f"Port {port} on 127.0.0.1 cannot be had (")
    assert "choose another" in text
