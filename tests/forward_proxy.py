"""A forward proxy on loopback that keeps what reached it, as a company's stands between its network and the web."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

READ_BYTES = 65_536


@dataclass(slots=True)
class ForwardProxy:
    """Every tunnel leads to `to_port` of this machine, whatever its host; without one it is refused."""

    to_port: int | None = None
    status: str = "502 Bad Gateway"
    heads: list[str] = field(default_factory=list)
    """The head of each request, as it came."""
    passed: bytearray = field(default_factory=bytearray)
    """What went through the tunnels on the way out."""
    port: int = 0

    @property
    def asked(self) -> list[str]:
        return [head.partition(" HTTP/")[0] for head in self.heads]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """Its URL."""
        tasks: set[asyncio.Task[None]] = set()

        async def passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
            try:
                with suppress(OSError):
                    while data := await reader.read(READ_BYTES):
                        kept += data
                        writer.write(data)
                        await writer.drain()
            finally:
                writer.close()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                if self.to_port is None or not self.heads[-1].startswith("CONNECT "):
                    writer.write(f"HTTP/1.1 {self.status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
                    await writer.drain()
                    writer.close()
                    return
                there, back = await asyncio.open_connection("127.0.0.1", self.to_port)
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                for way in (passes(reader, back, self.passed), passes(there, writer, bytearray())):
                    task = asyncio.create_task(way)
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
