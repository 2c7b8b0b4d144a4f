"""What stands in front of several nodes: an address that leads to one of them, and to another when that one is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

PIECE_BYTES = 64 * 1024


class FrontDoor:
    """Passes bytes on, so that a browser sees one server whatever stands behind it."""

    def __init__(self, node: str) -> None:
        self.url = ""
        self._node = node
        self._open: set[asyncio.StreamWriter] = set()

    def leads_to(self, node: str) -> None:
        """From now on; every connection that is open ends without a word."""
        self._node = node
        for writer in self._open:
            writer.transport.abort()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self._node)
        try:
            from_node, to_node = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_node}
        self._open |= both
        try:
            await asyncio.gather(_pipe(reader, to_node), _pipe(from_node, writer))
        finally:
            self._open -= both
            for one in both:
                one.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def front_door(node: str) -> AsyncIterator[FrontDoor]:
    """On a free port of this machine."""
    door = FrontDoor(node)
    server = await asyncio.start_server(door.pass_on, "127.0.0.1", 0)
    door.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield door
    finally:
        server.close()
        door.leads_to(node)
        await server.wait_closed()
