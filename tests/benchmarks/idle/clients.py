"""Many connections that join a session and then only listen, in one process that parses no more than it must.

`python -m tests.benchmarks.idle.clients` reads a `Plan` as JSON from its input, opens all of it, prints an `Opened`,
waits for a line, and prints a `Held`.
"""

import asyncio
import base64
import os
import resource
import sys
import time
from typing import cast

import msgspec
import uvloop

OPENING = 100
"""So many at a time shake hands, sign in and join."""
OPEN_SECONDS = 300.0
SPARE_FILES = 200


class Plan(msgspec.Struct):
    port: int
    tokens: list[str]
    sessions: list[str]


class Opened(msgspec.Struct):
    joined: int
    seconds: float
    slowest_ms: float
    """From the first byte of the slowest connection to its `joined`."""


class Held(msgspec.Struct):
    alive: int
    heartbeats: int


class _Idler(asyncio.Protocol):
    """One connection. Frames come whole or in pieces; only their lengths and first bytes are looked at."""

    __slots__ = ("_buffer", "_last", "_open", "_session", "_token", "_transport", "alive", "heartbeats", "joined")

    def __init__(self, token: str, session: str) -> None:
        self._token = token
        self._session = session
        self._buffer = self._last = b""
        self._open = False
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.alive = False
        self.heartbeats = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.alive = True
        transport.write(  # type: ignore[attr-defined]
            b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: " + base64.b64encode(os.urandom(16)) + b"\r\n"
            # Each comes from an address of its own, through a proxy: ten thousand at once from one are refused.
            b"x-forwarded-for: 10.%d.%d.%d\r\n\r\n" % tuple(os.urandom(3))
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.alive = False
        if not self.joined.done():
            self.joined.set_exception(
                ConnectionError(f"lost before it had joined, after {self._last[:200]!r}: {error}")
            )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            _, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._open, self._buffer = True, rest
            self._say(f'{{"type":"hello","token":"{self._token}"}}')
        while (frame := self._frame()) is not None:
            self._last = frame
            if frame.startswith(b'{"type":"heartbeat"'):
                self.heartbeats += 1
            elif frame.startswith(b'{"type":"welcome"'):
                self._say(f'{{"type":"join","ref":"j","session":"{self._session}"}}')
            elif frame.startswith(b'{"type":"joined"') and not self.joined.done():
                self.joined.set_result(None)
            elif frame.startswith(b'{"type":"error"'):
                print(frame.decode(), file=sys.stderr, flush=True)

    def _frame(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1] & 127, 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4]), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[start : start + length]

    def _say(self, text: str) -> None:
        content = text.encode()
        size = bytes([128 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2)
        # A mask of zeros is a mask.
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + content)


def files_for(count: int) -> None:
    """Raises the limit on open files of this process, or says that it cannot."""
    wanted = count + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        except (ValueError, OSError):
            raise SystemExit(f"{wanted} open files are needed and {hard} allowed; raise it with `ulimit -n`.") from None


async def hold(plan: Plan) -> None:
    loop = asyncio.get_running_loop()
    idlers: list[_Idler] = []
    turns = asyncio.Semaphore(OPENING)
    slowest = 0.0

    async def open_one(token: str, session: str) -> None:
        nonlocal slowest
        async with turns:
            began = time.monotonic()
            _, idler = await loop.create_connection(lambda: _Idler(token, session), "127.0.0.1", plan.port)
            idlers.append(idler)
            await idler.joined
            slowest = max(slowest, time.monotonic() - began)

    began = time.monotonic()
    async with asyncio.timeout(OPEN_SECONDS):
        await asyncio.gather(*(open_one(*one) for one in zip(plan.tokens, plan.sessions, strict=True)))
    opened = Opened(len(idlers), time.monotonic() - began, slowest * 1000)
    print(msgspec.json.encode(opened).decode(), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    held = Held(sum(idler.alive for idler in idlers), sum(idler.heartbeats for idler in idlers))
    print(msgspec.json.encode(held).decode(), flush=True)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    files_for(len(given.tokens))
    uvloop.run(hold(given))
