"""A relay that is as slow as a bad line, and counts what crosses it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

CHUNK_BYTES = 1_400


@dataclass
class Line:
    """`bytes_per_second` and `delay_seconds` hold for each direction; without them it only counts."""

    port: int
    bytes_per_second: float | None = None
    delay_seconds: float = 0.0
    down: int = 0
    up: int = 0
    listening_port: int = 0


@asynccontextmanager
async def a_relay(line: Line) -> AsyncIterator[Line]:
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, down: bool) -> None:
        loop = asyncio.get_running_loop()
        free = loop.time()
        while data := await reader.read(CHUNK_BYTES):
            if down:
                line.down += len(data)
            else:
                line.up += len(data)
            if line.bytes_per_second is not None:
                # The next piece is not taken before this one has gone: what waits, waits where it came from.
                free = max(free, loop.time()) + len(data) / line.bytes_per_second
                await asyncio.sleep(free - loop.time())
            if line.delay_seconds:
                loop.call_later(line.delay_seconds, writer.write, data)
            else:
                writer.write(data)
                await writer.drain()
        loop.call_later(line.delay_seconds, writer.close)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", line.port, limit=CHUNK_BYTES)
        for task in (
            asyncio.create_task(carry(reader, back, down=False)),
            asyncio.create_task(carry(there, writer, down=True)),
        ):
            tasks.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=CHUNK_BYTES)
    line.listening_port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
