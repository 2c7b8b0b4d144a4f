"""A server of raw sockets that answers byte for byte as a test says, and who asks it over the model's line."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx2

from chatserver.adapters.pushed_http import Body, PushTransport

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Server:
    """Reads a request whole, then does as `serve` says, for every request of every connection."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.url = ""
        self.connections = 0
        self.requests: list[bytes] = []
        self.gone = asyncio.Event()
        self.handlers: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        handler = asyncio.current_task()
        assert handler is not None
        self.handlers.add(handler)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b":0"
                )
                self.requests.append(head + await reader.readexactly(int(length.partition(b":")[2])))
                await self._serve(reader, writer)
        self.gone.set()
        writer.close()


@asynccontextmanager
async def served(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    it = Server(serve)
    server = await asyncio.start_server(it.connected, "127.0.0.1", 0, ssl=tls)
    it.url = f"{'https' if tls else 'http'}://localhost:{server.sockets[0].getsockname()[1]}/v1?beta=true"
    async with server:
        yield it
        # The client left before: they all end by themselves.
        await asyncio.gather(*it.handlers)


def says(*answers: bytes) -> Serve:
    """Each piece by itself: the next one goes once the last has arrived somewhere."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await writer.drain()

    return serve


def ends_after(*answers: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(*answers)(reader, writer)
        writer.close()

    return serve


@asynccontextmanager
async def a_client(read_seconds: float = 5) -> AsyncIterator[httpx2.AsyncClient]:
    timeout = httpx2.Timeout(read_seconds, connect=5)
    async with httpx2.AsyncClient(transport=PushTransport(), timeout=timeout) as client:
        yield client


async def pushed(client: httpx2.AsyncClient, url: str) -> bytes:
    heard: list[bytes] = []
    async with client.stream("POST", url, content=b'{"ask": 1}') as response:
        body: Body = response.extensions["body"]
        await body.give(heard.append)
    return b"".join(heard)
