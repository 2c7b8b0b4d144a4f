"""A relay between one node and Redis, which can fall silent without a word, as a network does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

READ_BYTES = 65_536


@dataclass
class Relay:
    to_port: int
    port: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> int:
        """Ends every connection; how many there were."""
        cut = list(self.writers)
        for writer in cut:
            writer.transport.abort()
        return len(cut) // 2

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        self.writers.add(writer)
        with suppress(OSError, asyncio.CancelledError):
            await self.open.wait()
            away_reader, away_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
            self.writers.add(away_writer)
            ways = [
                asyncio.create_task(self._passes(reader, away_writer)),
                asyncio.create_task(self._passes(away_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                self.writers.discard(away_writer)
                away_writer.close()
        self.writers.discard(writer)
        writer.close()

    async def _passes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_BYTES):
            await self.open.wait()
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def a_relay(to_port: int) -> AsyncIterator[Relay]:
    relay = Relay(to_port)
    relay.open.set()
    server = await asyncio.start_server(relay.connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        tasks = list(relay.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
