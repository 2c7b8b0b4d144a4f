"""One connection of somebody: what it sends, how it ends, and that every single frame gets the answer it must get."""

import asyncio
import random
import socket
import struct
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec

from tests.fuzz.expected import ANYTHING, Expected, as_read, expected, welcome
from tests.fuzz.forge import Forge
from tests.fuzz.guest import Broken, Count, Guest
from tests.fuzz.hearing import Hearing
from tests.fuzz.wire import ENDING, OPENINGS, PASSING, Passing, framed, opening

ANSWER_SECONDS = 90.0
"""Far more than a busy machine takes: who is still not answered then waits for ever."""
BURST = (5, 60)
LONG_BURST = (40, 200)
CATCHES_UP = 0.15
"""How often it is waited for an answer: between are frames that come while others are carried out."""
LINGERS = 0.01
LINGER_SECONDS = 0.2
"""So that an answer that runs comes to something before the next frame."""
BAD_AT_MOST = 10
KEPT = 60
TEMPERS = ((0.97, 4), (0.8, 3), (0.3, 4))
"""How many of the frames are honest, and how often somebody is so: who sends much nonsense is soon sent away."""


class Visit:
    def __init__(self, port: int, guest: Guest, chance: random.Random, count: Count, *, address: str = "") -> None:
        self._port = port
        self._guest = guest
        self._chance = chance
        self._count = count
        self._address = address
        self._sent: deque[bytes] = deque(maxlen=KEPT)
        self._bad = 0
        self._aborted = False
        self._admitted = True
        (self._honesty,) = chance.choices([share for share, _ in TEMPERS], [often for _, often in TEMPERS])

    async def lasts(self) -> None:
        self._count.visits += 1
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            if self._chance.random() < 0.02:
                await self._odd_opening()
                return
            self._writer.write(opening(self._address))
            head = await self._reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101 "):
                raise self._broken(f"the handshake was answered with {head[:100]!r}")
            self._heard = Hearing(self._reader, self._guest, self._count)
            self._forge = Forge(self._chance, self._guest.known, self._guest.role, self._heard.screens)
            hearing = asyncio.create_task(self._hears())
            try:
                await self._speaks(hearing)
                if not self._aborted:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await hearing
            except TimeoutError:
                awaited = [(one.ref, one.kind, sorted(one.codes)) for one in self._heard.awaited]
                raise self._broken(f"nothing more is answered, and the connection does not end: {awaited}") from None
            finally:
                hearing.cancel()
                (came,) = await asyncio.gather(hearing, return_exceptions=True)
            if isinstance(came, Broken):
                raise came
        except (ConnectionError, asyncio.IncompleteReadError):
            if self._heard.is_proper:
                raise self._broken("the connection was reset") from None
        finally:
            self._writer.transport.abort()

    async def _hears(self) -> None:
        try:
            await self._heard.until_the_end()
        except Broken as broken:
            raise self._broken(str(broken)) from None
        finally:
            self._writer.close()

    # Speaking

    async def _speaks(self, hearing: "asyncio.Task[None]") -> None:
        with suppress(ConnectionError):
            await self._says_hello()
            burst = LONG_BURST if self._honesty > 0.9 and self._admitted else BURST
            many = self._chance.randint(*burst) if self._admitted else self._chance.randint(0, 3)
            for _ in range(many):
                if self._count.left <= 0:
                    break
                await self._says_something()
                if self._bad >= BAD_AT_MOST or self._heard.must_end:
                    break
                if self._chance.random() < CATCHES_UP:
                    await self._catches_up(hearing)
                elif self._chance.random() < LINGERS:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LINGER_SECONDS):
                            await self._heard.text_came()
                if hearing.done() or self._heard.closed is not None:
                    return
            await self._ends(hearing)

    async def _says_hello(self) -> None:
        known = self._guest.known
        if self._guest.role == "anonymous":
            self._admitted = False
            self._heard.must_end = True
            if self._chance.random() < 0.5:
                token = self._chance.choice(known.tokens)
                await self._says(_hello(token), welcome(token, None, "h"))
            return
        token = self._forge.token(0.97)
        self._admitted = token == known.tokens[0]
        self._heard.must_end = not self._admitted
        await self._says(_hello(token), welcome(token, known.tokens[0], "h"))

    async def _says_something(self) -> None:
        forge, chance = self._forge, self._chance
        kind = chance.random()
        if kind < self._honesty:
            await self._says(msgspec.json.encode(forge.honest()))
            return
        kind = chance.random()
        if kind < 0.45:
            await self._says(forge.hostile())
        elif kind < 0.68:
            await self._says(forge.mutated())
        elif kind < 0.78:
            await self._says(forge.whole())
        elif kind < 0.94:
            await self._passes(chance.choice(PASSING)(forge))
        elif kind < 0.95:
            await self._says(forge.sized())
        elif kind < 0.96:
            self._heard.is_proper = False
            self._heard.must_end = True
            await self._writes(chance.choice(ENDING)(forge))
        else:
            token = forge.token(0.6)
            await self._says(msgspec.json.encode({"type": "auth", "token": token, "ref": "a"}))

    async def _says(self, payload: bytes, one: Expected | None = None) -> None:
        self._expects(as_read(payload), one)
        await self._writes(framed(payload, mask=self._chance.randbytes(4)), payload)

    async def _passes(self, passing: Passing) -> None:
        """What the protocol beneath allows: pings, fragments, bytes."""
        self._heard.pongs.extend((ping, passing.message is None) for ping in passing.pings)
        if passing.message is not None:
            self._expects(as_read(passing.message, is_binary=passing.is_binary))
        else:
            self._count.judged += not passing.pings
        await self._writes(passing.data)

    def _expects(self, text: str | bytes, one: Expected | None = None) -> None:
        if not self._admitted and one is None:
            # Whatever follows a hello that was refused, or comes in its place, ends the connection.
            self._heard.expects(ANYTHING)
            return
        known = self._guest.known
        one = one or expected(text, self._guest.role, known.tokens[0], limited=self._guest.is_limited)
        self._bad += one.is_bad
        self._heard.expects(one)

    async def _ends(self, hearing: "asyncio.Task[None]") -> None:
        """In one of the ways in which connections end; before most of them everything is to be answered."""
        if self._heard.must_end:
            if self._guest.role == "anonymous" and not self._heard.awaited:
                await self._says(b"{}")
            if not self._heard.is_proper:
                # Of random bytes the server may await the rest.
                self._writer.write_eof()
            return
        # Ten bad frames end it where they came within a minute, which is not known here.
        way = self._chance.random() if self._bad < BAD_AT_MOST else 0
        if way < 0.9:
            await self._catches_up(hearing)
        if hearing.done():
            return
        if way < 0.7:
            self._heard.said_goodbye = True
            await self._writes(framed((1000).to_bytes(2) + b"bye", opcode=8))
        elif way < 0.8:
            self._heard.is_proper = False
            self._writer.write_eof()
        elif way < 0.85:
            self._heard.is_proper = False
            self._writer.write(framed(b'{"type":"watch"}')[: self._chance.randint(1, 12)])
            self._writer.write_eof()
        else:
            self._heard.is_proper = False
            plug: socket.socket = self._writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._aborted = True

    async def _catches_up(self, hearing: "asyncio.Task[None]") -> None:
        """Until everything that was said is answered, or the end was told."""
        if self._heard.awaited and self._heard.awaited[-1].may_be_silent:
            # Nothing need be said to that; to this there must.
            await self._says(msgspec.json.encode({"type": "unwatch", "ref": "back"}))
        all_answered = asyncio.create_task(self._heard.all_answered.wait())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.wait({all_answered, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            all_answered.cancel()

    async def _odd_opening(self) -> None:
        opening = self._chance.choice(OPENINGS)
        self._count.sent += 1
        self._writer.write(opening)
        if self._chance.random() < 0.5:
            self._writer.write_eof()
        heard = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.5):
                heard = await self._reader.read(65_536)
        if b"HTTP/1.1 5" in heard:
            raise Broken(f"the handshake {opening[:400]!r} was answered with {heard[:200]!r}")
        self._count.judged += 1

    async def _writes(self, data: bytes, payload: bytes | None = None) -> None:
        self._sent.append(data if payload is None else payload)
        self._count.sent += 1
        self._writer.write(data)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._writer.drain()

    def _broken(self, what: str) -> Broken:
        told = "\n".join(f"  {len(data):>7} {data[:200]!r}" for data in self._sent)
        return Broken(f"{self._guest.name} ({self._guest.role}): {what}\nwhat was sent before, newest last:\n{told}")


def _hello(token: Any) -> bytes:
    return msgspec.json.encode({"type": "hello", "token": token, "ref": "h"})
