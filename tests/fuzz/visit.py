"""One connection of somebody: what it sends, how it ends, and what may be sent to it."""

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chatserver.core.server_frames import AnyServerFrame, Error, Joined, Lobby, LobbyChanged, Welcome
from tests.fuzz.forge import ENDING, OPENING, OPENINGS, PASSING, Forge, Known, framed

ANSWER_SECONDS = 90.0
"""Far more than a busy machine takes: who is still not answered then waits for ever."""
BURST = (5, 60)
CATCHES_UP = 0.15
"""How often it is waited for an answer: between are frames that come while others are carried out."""
KEPT = 60
DOCUMENTED = frozenset({1000, 1001, 1002, 1009, 1012, 4400, 4401, 4403, 4408, 4429})
"""1000 is the echo of the client's own; 1002 is for what RFC 6455 itself forbids."""
FOR_ADMINS = frozenset({"note", "presence", "lobby", "lobby_changed", "draft", "draft_delta"})
NOTE = "for-admins-eyes"
"""Every note bears it."""

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyServerFrame)


class Broken(Exception):
    """A promise that was broken."""


@dataclass
class Guest:
    """Somebody with a token, on any number of devices; an anonymous one has none."""

    name: str
    role: str
    known: Known
    secrets: tuple[bytes, ...] = ()
    """What must never be sent to them."""


@dataclass
class Count:
    most: int
    sent: int = 0
    heard: int = 0
    visits: int = 0
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return self.most - self.sent


class Visit:
    def __init__(self, port: int, guest: Guest, chance: random.Random, count: Count) -> None:
        self._port = port
        self._guest = guest
        self._chance = chance
        self._count = count
        self._forge = Forge(chance, guest.known)
        self._sent: list[bytes] = []
        self._back = asyncio.Event()
        self._closed: int | None = None
        self._welcomed = False
        self._aborted = False
        self._proper = True
        """Nothing was sent that the protocol below forbids, so the end must be told with a code."""

    async def lasts(self) -> None:
        self._count.visits += 1
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        try:
            if self._chance.random() < 0.02:
                await self._odd_opening()
                return
            self._writer.write(OPENING)
            head = await self._reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101 "):
                raise self._broken(f"the handshake was answered with {head[:100]!r}")
            hearing = asyncio.create_task(self._hears())
            try:
                await self._speaks(hearing)
                if not self._aborted:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        await hearing
            except TimeoutError:
                raise self._broken("nothing was answered, and the connection did not end") from None
            finally:
                hearing.cancel()
                (came,) = await asyncio.gather(hearing, return_exceptions=True)
            if isinstance(came, Broken):
                raise came
        except (ConnectionError, asyncio.IncompleteReadError):
            if self._proper:
                raise self._broken("the connection was reset") from None
        finally:
            self._writer.transport.abort()

    # Speaking

    async def _speaks(self, hearing: "asyncio.Task[None]") -> None:
        with suppress(ConnectionError):
            await self._says_hello()
            for _ in range(min(self._chance.randint(*BURST), max(self._count.left, 1))):
                await self._writes(self._word())
                if self._chance.random() < CATCHES_UP:
                    await self._catches_up(hearing)
                if hearing.done() or self._closed is not None:
                    return
            await self._ends(hearing)

    async def _says_hello(self) -> None:
        if self._guest.role == "anonymous":
            if self._chance.random() < 0.5:
                await self._writes(framed(b'{"type":"hello","token":%s}' % msgspec.json.encode(self._forge.token(0))))
            return
        hello = {"type": "hello", "token": self._forge.token(0.97), "ref": "h"}
        await self._writes(framed(msgspec.json.encode(hello)))

    def _word(self) -> bytes:
        forge, chance = self._forge, self._chance
        kind = chance.random()
        mask = chance.randbytes(4)
        if kind < 0.42:
            return framed(self._as_told(forge.honest()), mask=mask)
        if kind < 0.72:
            return framed(forge.hostile(), mask=mask)
        if kind < 0.82:
            return framed(forge.mutated(), mask=mask)
        if kind < 0.88:
            return framed(forge.whole(), mask=mask)
        if kind < 0.97:
            return chance.choice(PASSING)(forge)
        if kind < 0.975:
            return framed(forge.sized(), mask=mask)
        if kind < 0.98:
            self._proper = False
            return chance.choice(ENDING)(forge)
        auth = {"type": "auth", "token": forge.token(0.6), "ref": "a"}
        return framed(msgspec.json.encode(auth), mask=mask)

    def _as_told(self, frame: dict[str, Any]) -> bytes:
        if frame["type"] == "note":
            frame["content"] = f"{NOTE} {frame['content']}"
        return msgspec.json.encode(frame)

    async def _ends(self, hearing: "asyncio.Task[None]") -> None:
        """In one of the ways in which connections end; before most of them everything is to be answered."""
        way = self._chance.random()
        if way < 0.7:
            await self._catches_up(hearing)
        if hearing.done():
            return
        if way < 0.5:
            await self._writes(framed((1000).to_bytes(2) + b"bye", opcode=8))
        elif way < 0.6:
            self._proper = False
            self._writer.write_eof()
        elif way < 0.65:
            self._proper = False
            self._writer.write(framed(b'{"type":"watch"}')[: self._chance.randint(1, 12)])
            self._writer.write_eof()
        else:
            self._proper = False
            plug: socket.socket = self._writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._aborted = True

    async def _catches_up(self, hearing: "asyncio.Task[None]") -> None:
        """Until everything that was said is answered, or the end was told."""
        self._back.clear()
        await self._writes(framed(b'{"type":"unwatch","ref":"back"}'))
        back = asyncio.create_task(self._back.wait())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await asyncio.wait({back, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.cancel()

    async def _odd_opening(self) -> None:
        self._proper = False
        opening = self._chance.choice(OPENINGS)
        await self._writes(opening)
        if self._chance.random() < 0.5:
            self._writer.write_eof()
        heard = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                heard = await self._reader.read(65_536)
        if b"HTTP/1.1 5" in heard:
            raise self._broken(f"the handshake was answered with {heard[:200]!r}")

    async def _writes(self, data: bytes) -> None:
        self._sent = [*self._sent[-KEPT:], data]
        self._count.sent += 1
        self._writer.write(data)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._writer.drain()

    # Hearing

    async def _hears(self) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while self._closed is None:
                await self._one()
        if self._closed is None and self._proper:
            raise self._broken("the connection ended without a word")
        self._count.codes[str(self._closed)] = self._count.codes.get(str(self._closed), 0) + 1
        self._writer.close()

    async def _one(self) -> None:
        first, size = await self._reader.readexactly(2)
        if first & 0xF0 != 0x80 or size & 0x80:
            raise self._broken(f"a server's frame is whole and not masked, but this begins with {first:x} {size:x}")
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        payload = await self._reader.readexactly(size)
        match first & 0xF:
            case 8:
                self._closed = int.from_bytes(payload[:2]) if payload else 1005
                if self._proper and self._closed not in DOCUMENTED:
                    raise self._broken(f"ended with {self._closed}, which is not documented: {payload[2:]!r}")
                if self._closed == 1011:
                    raise self._broken("ended with 1011")
            case 1:
                self._heard(payload)
            case 9 | 10:
                pass
            case other:
                raise self._broken(f"a frame of the kind {other}")

    def _heard(self, payload: bytes) -> None:
        self._count.heard += 1
        try:
            frame = _decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise self._broken(f"this is no frame of the protocol ({wrong}): {payload[:400]!r}") from None
        kind = str(type(frame).__struct_config__.tag)
        if getattr(frame, "ref", None) == "back":
            self._back.set()
        if isinstance(frame, Error):
            if frame.code == "internal":
                raise self._broken(f"an error of ours: {frame.message}")
        elif not self._welcomed:
            if not isinstance(frame, Welcome):
                raise self._broken(f"{kind} before the welcome")
            self._welcomed = True
            if self._guest.role == "anonymous":
                raise self._broken("somebody without a token was welcomed")
        elif self._guest.role != "admin":
            self._is_theirs(kind, payload)
        self._learns(frame)

    def _is_theirs(self, kind: str, payload: bytes) -> None:
        if kind in FOR_ADMINS:
            raise self._broken(f"{kind} is for admins: {payload[:400]!r}")
        for secret in self._guest.secrets:
            if secret in payload:
                raise self._broken(f"this is not for them: {payload[:400]!r}")

    def _learns(self, frame: Any) -> None:
        known = self._guest.known
        if isinstance(frame, Joined):
            id = str(frame.session.id)
            if id not in known.sessions:
                if self._guest.role == "seeker" and id in known.foreign:
                    raise self._broken("somebody else's session was joined")
                known.sessions = [*known.sessions[-9:], id]
        elif isinstance(frame, Lobby | LobbyChanged):
            fresh = [str(one.id) for one in frame.sessions if one.status != "closed"]
            known.sessions = ([one for one in fresh if one not in known.barred] or known.sessions)[-20:]
        if (seq := getattr(frame, "seq", None)) is not None:
            known.seq = seq
        if (turn := getattr(frame, "turn", None)) is not None:
            known.turn = turn

    def _broken(self, what: str) -> Broken:
        told = "\n".join(f"  {len(data):>7} {data[:160]!r}" for data in self._sent)
        return Broken(f"{self._guest.name} ({self._guest.role}): {what}\nwhat was sent before, newest last:\n{told}")
