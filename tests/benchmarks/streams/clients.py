"""Many clients in one process, which parse no more of a frame than they must: what they cost is not what is measured.

`python -m tests.benchmarks.streams.clients` reads a `Plan` as JSON from its input, prints `ready` when every client has
its first token, measures from the next line of its input to the one after, and prints an `Outcome`.
"""

import asyncio
import base64
import os
import random
import re
import sys
import time
from array import array
from functools import partial
from typing import cast

import msgspec
import uvloop

from tests.benchmarks.streams.model import IN_DIGITS

_TOKEN = re.compile(rb"w([a-p]{8,12})")
SPREAD_SECONDS = 2.0


class Plan(msgspec.Struct):
    ports: list[int]
    streams: int
    tokens: list[str] = []
    """Of our own server's users; without them the clients speak to a relay, which takes any text as a question."""
    sessions: list[str] = []


class Outcome(msgspec.Struct):
    tokens: int
    answers: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Clients:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.waits = array("d")
        self.answers = self.errors = self.begun = 0
        self.measuring = False
        self.all_began = asyncio.Event()

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        for number in range(self.plan.streams):
            port = self.plan.ports[number % len(self.plan.ports)]
            await loop.create_connection(partial(_Client, self, number), "127.0.0.1", port)
            if number % 20 == 19:
                await asyncio.sleep(0.05)

    def outcome(self, seconds: float) -> Outcome:
        waits = sorted(self.waits)

        def at(share: float) -> float:
            """Milliseconds."""
            return waits[min(int(len(waits) * share), len(waits) - 1)] / 1000 if waits else 0.0

        return Outcome(len(waits), self.answers, self.errors, seconds, at(0.5), at(0.99), at(1.0))


class _Client(asyncio.Protocol):
    def __init__(self, clients: Clients, number: int) -> None:
        self._all = clients
        self._number = number
        self._ours = bool(clients.plan.tokens)
        self._buffer = b""
        self._open = False
        self._began = False
        self._asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16))
        self._transport.write(
            b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: " + key + b"\r\n\r\n"
        )

    def connection_lost(self, error: Exception | None) -> None:
        self._all.errors += 1

    def data_received(self, data: bytes) -> None:
        arrived = time.monotonic_ns() // 1000
        self._buffer += data
        if not self._open:
            _, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._open, self._buffer = True, rest
            self._opened()
        while (frame := self._frame()) is not None:
            self._take(frame, arrived)

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

    def _send(self, text: str) -> None:
        content = text.encode()
        size = bytes([128 | len(content)]) if len(content) < 126 else b"\xfe" + len(content).to_bytes(2)
        # A mask of zeros is a mask.
        self._transport.write(b"\x81" + size + b"\0\0\0\0" + content)

    def _opened(self) -> None:
        if self._ours:
            self._send(f'{{"type":"hello","token":"{self._all.plan.tokens[self._number]}"}}')
        else:
            self._ask_later(random.uniform(0, SPREAD_SECONDS))

    def _ask_later(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._ask)

    def _ask(self) -> None:
        self._asked += 1
        question = f"Question {self._asked} of client {self._number}: which of these jobs suits somebody like me?"
        if not self._ours:
            self._send(question)
            return
        session = self._all.plan.sessions[self._number]
        id = f"{self._number:08x}-0000-4000-8000-{self._asked:04x}{random.getrandbits(32):08x}"
        self._send(f'{{"type":"post","ref":"p","session":"{session}","id":"{id}","content":"{question}"}}')

    def _take(self, frame: bytes, arrived: int) -> None:
        kind = frame[9:17] if self._ours else b""
        if kind.startswith(b"delta") or (not self._ours and frame.startswith(b'{"content')):
            for sent in _TOKEN.findall(frame):
                if self._all.measuring:
                    self._all.waits.append(arrived - int(sent.translate(IN_DIGITS), 16))
            if not self._began:
                self._began = True
                self._all.begun += 1
                if self._all.begun == self._all.plan.streams:
                    self._all.all_began.set()
        elif not self._ours:
            self._all.answers += self._all.measuring
            self._ask()
        elif kind.startswith(b"message"):
            # The greeting of a session answers no turn.
            if b'"of_turn":' in frame and b'"assistant"' in frame:
                self._all.answers += self._all.measuring
                self._ask()
        elif kind.startswith(b"welcome"):
            self._send(f'{{"type":"join","ref":"j","session":"{self._all.plan.sessions[self._number]}"}}')
        elif kind.startswith(b"joined"):
            self._ask_later(random.uniform(0, SPREAD_SECONDS))
        elif kind.startswith(b"error") or b"answer_failed" in frame:
            self._all.errors += 1
            print(frame.decode(), file=sys.stderr, flush=True)
            self._ask_later(SPREAD_SECONDS)


async def measure(plan: Plan) -> None:
    clients = Clients(plan)
    await clients.connect()
    async with asyncio.timeout(120):
        await clients.all_began.wait()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    clients.measuring = True
    began = time.monotonic()
    errors = clients.errors
    await asyncio.to_thread(sys.stdin.readline)
    clients.measuring = False
    clients.errors -= errors
    print(msgspec.json.encode(clients.outcome(time.monotonic() - began)).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(measure(msgspec.json.decode(sys.stdin.readline(), type=Plan)))
