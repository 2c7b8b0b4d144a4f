"""Clients as docs/protocol.md wants them: they keep what they have to say until it is acknowledged, and come back."""

import asyncio
import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chaos.town import Person, Town
from tests.screens import Screen

AGAIN_SECONDS = (0.05, 0.4)
OPEN_SECONDS = 4.0
ANSWER_SECONDS = 12.0
MISSED_HEARTBEATS = 2.5
HEARTBEAT_SECONDS = 20.0
"""Until `welcome` says otherwise."""
AGAIN_CODES = ("unavailable", "rate_limited", "internal", "budget")


class Lost(Exception):
    """The connection is gone, or silent, and no answer came: it may have been done or not."""


@dataclass(frozen=True, slots=True)
class Closed:
    code: int
    at: float
    port: int


class Device:
    """One device of somebody. Without a session it opens the one that `opens` names."""

    def __init__(self, town: Town, person: Person, name: str, chance: random.Random, **join: str) -> None:
        self.screen = Screen(name)
        self.session = join.get("session", "")
        self.port = 0
        self.closed: list[Closed] = []
        self.broken: AssertionError | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self.window: int | None = None
        """Bytes that its system takes for it while it does not read; None for as many as usual."""
        self._join = join
        self._town = town
        self._token = town.token(person)
        self._chance = chance
        self._socket: ClientConnection | None = None
        self._joined = asyncio.Event()
        self._changed = asyncio.Condition()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._heartbeat_seconds = HEARTBEAT_SECONDS
        self._pause_seconds = 0.0
        self._task: asyncio.Task[None] | None = None

    def starts(self) -> None:
        self._task = asyncio.create_task(self._lives(), name=self.screen.name)

    async def stops(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def judged(self) -> None:
        """Raises what the screen had to complain of, or what we did wrong."""
        if self.broken is not None:
            raise self.broken
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def joined(self) -> None:
        await self._joined.wait()

    async def until(self, holds: Callable[[Screen], bool], seconds: float) -> None:
        """Waits until the screen shows something."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.broken is not None or holds(self.screen))
        except TimeoutError:
            at = f"{self.screen.seq}/{self.screen.turn}, {self.screen.status}, on port {self.port}"
            raise AssertionError(f"{self.screen.name} waited {seconds:.0f} s in vain at {at}") from None
        self.judged()

    def _next_port(self) -> int:
        """Any node but the one that just failed us; a balancer may still name one that is dead."""
        ports = [node.port for node in self._town.nodes]
        return self._chance.choice([port for port in ports if port != self.port] or ports or [0])

    async def _lives(self) -> None:
        while self.broken is None:
            self.port = self._next_port()
            self._pause_seconds = self._chance.uniform(*AGAIN_SECONDS)
            with suppress(OSError, InvalidHandshake, TimeoutError):
                async with connect(
                    f"ws://127.0.0.1:{self.port}/ws", proxy=None, compression=None, ping_interval=None, max_size=None,
                    open_timeout=OPEN_SECONDS, close_timeout=1, max_queue=4, sock=await self._plug(),
                ) as connected:  # fmt: skip
                    try:
                        await self._speaks(connected)
                    except ConnectionClosed as closed:
                        code = closed.rcvd.code if closed.rcvd else 1006
                        self.closed.append(Closed(code, time.monotonic(), self.port))
                    finally:
                        self._loses()
            await asyncio.sleep(self._pause_seconds)

    async def _plug(self) -> socket.socket:
        plug = socket.socket()
        try:
            plug.setblocking(False)
            if self.window is not None:
                # Before connecting: the window is agreed on there.
                plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.window)
            async with asyncio.timeout(OPEN_SECONDS):
                await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", self.port))
        except BaseException:
            plug.close()
            raise
        return plug

    def _loses(self) -> None:
        self._socket = None
        self._joined.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Lost())
        self._waiting.clear()

    async def _speaks(self, socket: ClientConnection) -> None:
        await self._say(socket, "hello", ref="hello", token=self._token)
        while True:
            await self.reads.wait()
            async with asyncio.timeout(MISSED_HEARTBEATS * self._heartbeat_seconds):
                frame: dict[str, Any] = msgspec.json.decode(await socket.recv())
            ref = frame.get("ref")
            if frame["type"] == "error" and (ref in ("hello", "join") or ref is None):
                self._pause_seconds += frame.get("retry_after") or 0
                if frame["code"] not in AGAIN_CODES:
                    self.broken = AssertionError(f"{self.screen.name}: {frame}")
                return
            if frame["type"] == "welcome":
                self._heartbeat_seconds = frame["heartbeat_seconds"]
                where = {"session": self.session, "after": self.screen.seq} if self.screen.joined else self._join
                await self._say(socket, "join", ref="join", **where)
            elif ref in self._waiting:
                waiting = self._waiting.pop(str(ref))
                if not waiting.done():
                    waiting.set_result(frame)
            elif frame["type"] != "reconnect":
                await self._sees(frame)
            if frame["type"] == "joined":
                self.session = frame["session"]["id"]
                self._socket = socket
                self._joined.set()

    async def _sees(self, frame: dict[str, Any]) -> None:
        try:
            self.screen.take(frame)
        except AssertionError as broken:
            self.broken = broken
            raise
        finally:
            async with self._changed:
                self._changed.notify_all()

    @staticmethod
    async def _say(socket: ClientConnection, kind: str, **fields: Any) -> None:
        await socket.send(msgspec.json.encode({"type": kind, **fields}).decode())

    async def asks_once(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The server's answer. Raises `Lost` where none came."""
        await self._joined.wait()
        socket, ref = self._socket, uuid4().hex
        if socket is None:
            raise Lost
        self._waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._say(socket, kind, ref=ref, session=self.session, **fields)
                return await self._waiting[ref]
        except (ConnectionClosed, TimeoutError):
            raise Lost from None
        finally:
            self._waiting.pop(ref, None)

    async def asks(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Again until there is an answer that says more than that it is not possible just now."""
        while True:
            self.judged()
            with suppress(Lost):
                answer = await self.asks_once(kind, **fields)
                if answer["type"] != "error" or answer["code"] not in AGAIN_CODES:
                    return answer
            await asyncio.sleep(self._chance.uniform(*AGAIN_SECONDS))

    async def posts(self, content: str) -> tuple[str, int]:
        """Under one id until it is acknowledged, whatever dies meanwhile: the id and its `seq`."""
        id = str(uuid4())
        answer = await self.asks("post", id=id, content=content)
        if answer["type"] != "ok":
            raise AssertionError(f"{self.screen.name} posted and heard {answer}")
        return id, answer["seq"]
