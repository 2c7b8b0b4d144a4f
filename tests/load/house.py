"""The real sockets on a real port, over people and a dispatcher that do what a test says: no database is needed."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid5

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.core.limits import Limits
from chatserver.core.protocol import FRAME_MAX_BYTES
from chatserver.core.server_frames import AssistantInfo, Ok, ServerFrame
from chatserver.dispatch import Dispatcher
from chatserver.hub import Hub
from chatserver.subscriptions import Connection
from chatserver.web.http import http_with
from chatserver.web.limits import Addresses
from chatserver.web.line import Line
from chatserver.web.ws import Sockets
from tests import loopback

PEOPLE = UUID("6f1c1f0e-0000-4000-8000-000000000000")
HOUR = 3600.0
WITHIN_SECONDS = 45.0
POLL_SECONDS = 0.005


class Server(loopback.Server):
    def __init__(self, app: Any, **settings: Any) -> None:
        settings.setdefault("http", http_with(Addresses(0)))
        super().__init__(uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws=Line, ws_max_size=FRAME_MAX_BYTES,
            timeout_graceful_shutdown=1, **settings,
        ))  # fmt: skip

    @property
    def lines(self) -> list[Line]:
        return [cast(Line, one) for one in self.server_state.connections]


@asynccontextmanager
async def serving(app: Any, **settings: Any) -> AsyncIterator[tuple[Server, int]]:
    """The server and its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_000) as listener:
        server = Server(app, **settings)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.stopped.set()
            await running


@dataclass
class Everybody:
    """A token is a name, and everybody is let in; `slow` is waited for first."""

    known: dict[UUID, User] = field(default_factory=dict)
    slow: Callable[[], Awaitable[object]] | None = None

    @dataclass
    class In:
        user: User
        expires_at: float
        key: str | None = None

    async def admit(self, token: str) -> In:
        return await self.enter(await self.verify(token))

    async def verify(self, token: str) -> str:
        if token == "nobody":
            raise Refused("unauthorized", "This token is not valid; sign in again.")
        return token

    async def enter(self, token: str) -> In:
        if self.slow is not None:
            await self.slow()
        user = User(uuid5(PEOPLE, token), f"{token}@example.com", "seeker", token)
        self.known[user.id] = user
        return self.In(user, time.time() + HOUR)

    async def some(self, ids: Any) -> list[User]:
        if self.slow is not None:
            await self.slow()
        return [self.known[id] for id in ids]

    async def believes(self, key: str) -> bool:
        return True


@dataclass
class Desk:
    """Answers every frame with `ok`, or as `does` says."""

    does: Callable[[Connection, Any], Awaitable[ServerFrame | None]] | None = None
    handled: list[Any] = field(default_factory=list)

    def ended(self, connection: Connection) -> None: ...

    async def handle(self, connection: Connection, frame: Any) -> ServerFrame | None:
        self.handled.append(frame)
        return await self.does(connection, frame) if self.does is not None else Ok(ref=frame.ref)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not holds():
            await asyncio.sleep(POLL_SECONDS)


@dataclass
class House:
    server: Server
    port: int
    sockets: Sockets
    people: Everybody
    desk: Desk

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def connection_of(self, name: str) -> Connection:
        return next(one for one in self.sockets.hub.connections if one.user.full_name == name)

    async def has(self, connections: int) -> None:
        await until(lambda: len(self.sockets.hub.connections) == connections)


@asynccontextmanager
async def a_house(limits: Limits = Limits()) -> AsyncIterator[House]:  # noqa: B008 - it is frozen
    people, desk = Everybody(), Desk()
    hub = Hub(cast(Any, None), cast(Any, None), cast(Any, None))
    assistant = AssistantInfo("offline", "offline")
    sockets = Sockets(hub, cast(Dispatcher, desk), people, assistant, "here", origins=(), limits=limits)
    async with serving(Starlette(routes=[WebSocketRoute("/ws", sockets.endpoint)])) as (server, port):
        yield House(server, port, sockets, people, desk)


class Client:
    """A client that speaks as docs/protocol.md says."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []

    async def says(self, type: str, **fields: Any) -> None:
        await self.socket.send(msgspec.json.encode({"type": type, **fields}).decode())

    async def hears(self) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN_SECONDS):
            frame: dict[str, Any] = msgspec.json.decode(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def hears_of(self, type: str) -> dict[str, Any]:
        while (frame := await self.hears())["type"] != type:
            pass
        return frame

    async def sees_text(self) -> dict[str, Any]:
        """The next frame that shows some of an answer: what follows the text so far, or all of it, as it comes."""
        while (frame := await self.hears())["type"] not in ("delta", "rebase") or not frame["content"]:
            pass
        return frame

    async def hears_back(self, ref: str) -> dict[str, Any]:
        """The answer to what was said with this `ref`."""
        while (frame := await self.hears()).get("ref") != ref:
            pass
        return frame

    async def ended(self) -> int:
        """The close code, after whatever else is said."""
        with suppress(ConnectionClosed):
            while True:
                await self.hears()
        await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def a_client(url: str, name: str | None = None, **more: Any) -> AsyncIterator[Client]:
    """With a name it has said hello and heard the welcome."""
    plain: dict[str, Any] = {
        "compression": None, "ping_interval": None, "proxy": None, "max_size": None, "open_timeout": WITHIN_SECONDS,
    }  # fmt: skip
    # A client whose queue is full reads nothing, not even that the server says goodbye.
    async with connect(url, max_queue=None, **(plain | more)) as socket:
        client = Client(socket)
        if name is not None:
            await client.says("hello", token=name, ref="h")
            assert (await client.hears())["type"] == "welcome"
        yield client


class Reluctant:
    """A raw connection with a small window of its own, which reads only what it is told to."""

    def __init__(self, port: int, *, window: int = 4096) -> None:
        self.socket = socket.socket()
        # Before connecting: the window is agreed on there.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.setblocking(False)
        self._port = port

    async def __aenter__(self) -> "Reluctant":
        await asyncio.get_running_loop().sock_connect(self.socket, ("127.0.0.1", self._port))
        await self.sends(
            b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += await self.reads(4096)
        assert b" 101 " in heard
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()

    async def sends(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def says(self, type: str, **fields: Any) -> None:
        await self.sends(frame(1, msgspec.json.encode({"type": type, **fields})))

    async def reads(self, count: int) -> bytes:
        """At most so many bytes, and some. Raises `ConnectionError` where the server has ended the connection."""
        async with asyncio.timeout(WITHIN_SECONDS):
            data = await asyncio.get_running_loop().sock_recv(self.socket, count)
        if not data:
            raise ConnectionResetError("the server has ended the connection")
        return data


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """As a client sends it, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([128 | size])
    elif size < 65_536:
        length = b"\xfe" + size.to_bytes(2)
    else:
        length = b"\xff" + size.to_bytes(8)
    return bytes([(128 if fin else 0) | opcode]) + length + b"\0\0\0\0" + payload
