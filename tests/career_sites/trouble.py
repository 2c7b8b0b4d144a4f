"""A site that answers as it is told to: with errors, with too much, with nothing, or not at all."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PIECE = b"x" * 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `fault`: `endless` goes on, `broken` breaks off, `silent` says nothing, `stuck` stops half-way, and
    `dripping` never comes to the end of its head."""

    status: int = 200
    body: bytes = b"well"
    headers: tuple[tuple[str, str], ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    """As it was sent, with its query."""
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class TroubledSite:
    """`says[path]` are its replies in turn, the last one again and again. There is no robots.txt unless it says one."""

    says: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    holding: asyncio.Event | None = None
    """Nothing is answered before it is set."""
    most_connections: int = 0
    """How many were open at once."""

    def paths(self) -> list[str]:
        """What was asked for, but for robots.txt."""
        return [asked.path for asked in self.asked if asked.path != "/robots.txt"]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        """The URL, without a slash at its end. HTTP by hand: no proper server would misbehave so."""
        talks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            self.most_connections = max(self.most_connections, len(talks))
            try:
                while await self._once(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                talks.discard(task)
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            left = list(talks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, written, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, written, headers, body))
        if self.holding is not None:
            await self.holding.wait()
        reply = self._next(written.partition("?")[0])
        if reply.fault == "silent":
            await reader.read()
        if reply.fault == "dripping":
            writer.write(b"HTTP/1.1 200 Said\r\nX-Slow: ")
        while reply.fault == "dripping":
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in reply.headers)]
        lines.append("transfer-encoding: chunked" if reply.fault else f"content-length: {len(reply.body)}")
        said = "\r\n".join([*lines, "", ""]).encode("latin-1")
        writer.write(said + (_chunk(reply.body) if reply.fault else reply.body))
        await writer.drain()
        if reply.fault == "stuck":
            await reader.read()
        while reply.fault == "endless":
            writer.write(_chunk(PIECE))
            await writer.drain()
            # Without a full buffer nothing waits, and nobody else would have a turn.
            await asyncio.sleep(0)
        return not reply.fault

    def _next(self, path: str) -> Reply:
        replies = self.says.get(path)
        if not replies:
            return Reply(404, b"") if path == "/robots.txt" else Reply()
        return replies.pop(0) if len(replies) > 1 else replies[0]


def slow_down(retry_after: str | None = None, status: int = 429) -> Reply:
    return Reply(status, b"", () if retry_after is None else (("retry-after", retry_after),))


def redirect(target: str, status: int = 302) -> Reply:
    return Reply(status, b"", (("location", target),))


def robots(text: str) -> Reply:
    return Reply(200, text.encode(), (("content-type", "text/plain"),))


def bomb(unpacked_bytes: int) -> Reply:
    """A thousandth as large as what it unpacks to."""
    return Reply(200, gzip.compress(bytes(unpacked_bytes)), (("content-encoding", "gzip"),))


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)
