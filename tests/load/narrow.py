"""A proxy with next to no buffer, which carries what the server says only as far as it is let."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BUFFER_BYTES = 4_096
"""Of the kernel, towards the server: it is what a proxy takes in before anybody reads it."""


@dataclass
class Narrow:
    to_port: int
    port: int = 0
    carried: int = 0
    _allowed: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def allows(self, count: int) -> None:
        self._allowed += count
        self._more.set()

    async def lets(self, count: int) -> None:
        """Carries so many bytes more to the client, and returns when they were."""
        self.allows(count)
        while self.carried < self._allowed:
            self._moved.clear()
            await self._moved.wait()

    def opens(self) -> None:
        """Carries whatever there is from now on."""
        self.allows(2**60)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = socket.socket()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        there.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(there, ("127.0.0.1", self.to_port))
        ways = [asyncio.create_task(self._up(reader, there)), asyncio.create_task(self._down(there, writer))]
        self._tasks.update(ways)
        await asyncio.wait(ways)
        there.close()
        writer.close()

    async def _up(self, reader: asyncio.StreamReader, there: socket.socket) -> None:
        while data := await reader.read(65_536):
            await asyncio.get_running_loop().sock_sendall(there, data)

    async def _down(self, there: socket.socket, writer: asyncio.StreamWriter) -> None:
        while True:
            while self.carried >= self._allowed:
                self._more.clear()
                await self._more.wait()
            data = await asyncio.get_running_loop().sock_recv(there, min(self._allowed - self.carried, BUFFER_BYTES))
            if not data:
                writer.write_eof()
                return
            self.carried += len(data)
            writer.write(data)
            await writer.drain()
            self._moved.set()

    def end(self) -> list["asyncio.Task[None]"]:
        for task in self._tasks:
            task.cancel()
        return list(self._tasks)


@asynccontextmanager
async def a_narrow_proxy(to_port: int) -> AsyncIterator[Narrow]:
    proxy = Narrow(to_port)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.gather(*proxy.end(), return_exceptions=True)
