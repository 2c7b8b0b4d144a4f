"""Clients as the protocol wants them: they keep what they wanted to say until it is acknowledged, and come back."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.nodes import Screen

AGAIN_SECONDS = (0.05, 0.4)
ANSWER_SECONDS = 5.0


class Client:
    """One device. `port` names the node to come to, each time anew; what it shows is judged frame by frame."""

    def __init__(self, name: str, session: str, token: Callable[[], str], port: Callable[[], int]) -> None:
        self.screen = Screen(name)
        self.session = session
        self.closes: list[int] = []
        self.at_port = 0
        self._token = token
        self._port = port
        self._socket: ClientConnection | None = None
        self._joined = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._task = asyncio.create_task(self._live())

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def judged(self) -> None:
        """Raises what the screen had to complain of."""
        if self._task.done() and not self._task.cancelled() and (error := self._task.exception()):
            raise error

    async def _live(self) -> None:
        while True:
            self.at_port = self._port()
            try:
                async with connect(f"ws://127.0.0.1:{self.at_port}/ws", open_timeout=5, close_timeout=1) as socket:
                    await self._speak(socket)
            except ConnectionClosed as closed:
                self.closes.append(closed.rcvd.code if closed.rcvd else 1006)
            except (OSError, InvalidHandshake, TimeoutError):
                pass
            finally:
                self._socket = None
                self._joined.clear()
                for waiting in self._waiting.values():
                    if not waiting.done():
                        waiting.set_exception(ConnectionError())
                self._waiting.clear()
            await asyncio.sleep(random.uniform(*AGAIN_SECONDS))

    async def _speak(self, socket: ClientConnection) -> None:
        await self._say(socket, "hello", ref="hello", token=self._token())
        after = {"after": self.screen.seq} if self.screen.joined else {}
        await self._say(socket, "join", ref="join", session=self.session, **after)
        async for text in socket:
            frame = msgspec.json.decode(text)
            if frame["type"] == "reconnect":
                continue
            waiting = self._waiting.pop(frame.get("ref") or "", None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)
            elif frame.get("ref") == "join" and frame["type"] == "error":
                return
            else:
                self.screen.take(frame)
            if frame["type"] == "joined":
                self._socket = socket
                self._joined.set()

    @staticmethod
    async def _say(socket: ClientConnection, kind: str, **fields: Any) -> None:
        await socket.send(msgspec.json.encode({"type": kind, **fields}).decode())

    async def asks_once(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The server's answer. Raises `ConnectionError` where none came."""
        await self._joined.wait()
        socket = self._socket
        if socket is None:
            raise ConnectionError
        ref = uuid4().hex
        self._waiting[ref] = asyncio.get_running_loop().create_future()
        try:
            await self._say(socket, kind, ref=ref, **fields)
            return await asyncio.wait_for(self._waiting[ref], ANSWER_SECONDS)
        except (ConnectionClosed, TimeoutError, KeyError):
            raise ConnectionError from None

    async def posts(self, content: str) -> str:
        """Until it is acknowledged, under one id, whatever dies meanwhile."""
        id = str(uuid4())
        while True:
            self.judged()
            with suppress(ConnectionError):
                answer = await self.asks_once("post", session=self.session, id=id, content=content)
                if answer["type"] == "ok":
                    return id
                if answer["code"] not in ("unavailable", "rate_limited", "internal"):
                    raise AssertionError(answer)
            await asyncio.sleep(random.uniform(*AGAIN_SECONDS))
