"""HTTP/1.1 to a model's server, as a transport of httpx2 whose bodies are handed on in the step in which they arrive.

A body that is asked for costs the waking of a task and half a dozen generators for each token, more than all else that
is done with it. The messages are parsed by httptools (llhttp); what stands here is connections, timeouts and ends.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import cast

import aiohappyeyeballs
import httpx2
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

IDLE_MAX = 100
"""Connections kept for the next request, of all servers together. How many are open at once is bounded by the answers
and drafts that run."""
IDLE_SECONDS = 30.0
HEAD_MAX_BYTES = 64 * 1024
"""Of an answer's header fields."""
BUFFER_MAX_BYTES = 256 * 1024
"""Of a body that nobody takes yet; then the server is not read from."""
NEXT_ADDRESS_SECONDS = 0.25
"""After so long without a connection the next address of the server is tried beside the first (RFC 8305)."""

Take = Callable[[bytes], None]
_Origin = tuple[str, str, int]


class Body(httpx2.AsyncByteStream):
    """What follows a response's head: given piece by piece as it arrives, or read as any other stream."""

    def __init__(self, line: "_Line") -> None:
        self._line = line
        self._waiting: list[bytes] = []
        self._size = 0
        self._take: Take | None = None
        self._arrived = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def give(self, take: Take) -> None:
        """Calls `take` with every piece, in the caller's context, until the body ends; nothing comes once the caller
        was cancelled. Raises what `take` raises, and `httpx2.TransportError`."""
        context = copy_context()
        try:
            for piece in self._taken():
                take(piece)
            self._take = lambda piece: context.run(take, piece)
            await self._end
        finally:
            self._take = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            # Whoever takes their time over a piece finds more, and perhaps the end, when they come back.
            is_over = self._end.done()
            for piece in self._taken():
                yield piece
            if is_over:
                self._end.result()
                return
            if not self._waiting and not self._end.done():
                self._arrived.clear()
                await self._arrived.wait()

    def _taken(self) -> list[bytes]:
        pieces, self._waiting, self._size = self._waiting, [], 0
        self._line.resume()
        return pieces

    async def aclose(self) -> None:
        self._line.leave(self)

    # From the line

    def arrived(self, piece: bytes) -> None:
        if self._end.done():
            return
        if self._take is None:
            self._waiting.append(piece)
            self._size += len(piece)
            if self._size > BUFFER_MAX_BYTES:
                self._line.pause()
            self._arrived.set()
            return
        try:
            self._take(piece)
        except Exception as error:
            self.ended(error)
            self._line.abort()

    def ended(self, error: Exception | None = None) -> None:
        if not self._end.done():
            if error is None:
                self._end.set_result(None)
            else:
                self._end.set_exception(error)
                # Whoever left the body meanwhile asks no more.
                self._end.exception()
        self._arrived.set()


class PushTransport(httpx2.AsyncBaseTransport):
    """Direct connections, kept open between requests; the `Body` is the response's extension "body"."""

    def __init__(self) -> None:
        self._idle: dict[_Origin, list[_Line]] = {}
        self._lines: set[_Line] = set()
        self._tls = httpx2.create_ssl_context()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `httpx2.TransportError`. Not for HEAD, whose answer tells the length of a body that does not come."""
        content = await request.aread()
        head = _head(request)
        limits = request.extensions.get("timeout", {})
        url = request.url
        origin = (url.scheme, url.host, url.port or {"http": 80, "https": 443}[url.scheme])
        line = self._kept(origin) or await self._connected(origin, limits.get("connect"))
        return await line.ask(head + content, limits.get("read"))

    def _kept(self, origin: _Origin) -> "_Line | None":
        kept = self._idle.get(origin, [])
        while kept:
            # The one used last lives longest on the other side.
            if (line := kept.pop()).is_open:
                return line
        return None

    async def _connected(self, origin: _Origin, seconds: float | None) -> "_Line":
        scheme, host, port = origin
        tls = self._tls if scheme == "https" else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                connected = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS, interleave=1
                )
                try:
                    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    _, line = await loop.create_connection(
                        lambda: _Line(self, origin), sock=connected, ssl=tls, server_hostname=host if tls else None
                    )
                except BaseException:
                    connected.close()
                    raise
        except TimeoutError:
            raise httpx2.ConnectTimeout(f"{host} took no connection within {seconds} seconds.") from None
        except OSError as error:
            # TLS errors are among them.
            raise httpx2.ConnectError(str(error) or type(error).__name__) from error
        self._lines.add(line)
        return line

    async def aclose(self) -> None:
        for line in list(self._lines):
            line.abort()

    # From the lines

    def is_free(self, line: "_Line") -> bool:
        """Whether the connection is to be kept for the next request."""
        if sum(map(len, self._idle.values())) >= IDLE_MAX:
            return False
        self._idle.setdefault(line.origin, []).append(line)
        return True

    def is_gone(self, line: "_Line") -> None:
        self._lines.discard(line)
        kept = self._idle.get(line.origin, [])
        if line in kept:
            kept.remove(line)
        if not kept:
            self._idle.pop(line.origin, None)


class _Line(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, owner: PushTransport, origin: _Origin) -> None:
        self.origin = origin
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[httpx2.Response] | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._body: Body | None = None
        self._ends_by_close = False
        self._heard_at = 0.0
        self._read_seconds: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    async def ask(self, request: bytes, read_seconds: float | None) -> httpx2.Response:
        """The response's head, with its body to come; without a byte for `read_seconds` both fail."""
        self._stop_timer()
        answer: asyncio.Future[httpx2.Response] = self._loop.create_future()
        self._answer = answer
        self._read_seconds = read_seconds
        self._heard_at = self._loop.time()
        if read_seconds is not None:
            self._timer = self._loop.call_later(read_seconds, self._silent)
        self._transport.write(request)
        try:
            return await answer
        except BaseException:
            # An answer that came whole in one step has set the line free, and somebody else may be on it.
            if self._answer is answer:
                self.abort()
            raise

    def leave(self, body: Body) -> None:
        """Whoever closes a body that has not ended does not want the rest of it."""
        if self._body is body:
            self.abort()

    def abort(self) -> None:
        self._transport.abort()

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._heard_at = self._loop.time()
            self._transport.resume_reading()

    # From the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # Half a head that nobody asked for would become the beginning of the next answer.
            self.abort()
            return
        self._heard_at = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(f"The server's answer is no HTTP ({error})."))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._owner.is_gone(self)
        if self._body is not None and self._ends_by_close and exc is None:
            self._body.ended()
        else:
            self._tell(httpx2.RemoteProtocolError("The server closed the connection before its answer ended."))

    def _silent(self) -> None:
        assert self._read_seconds is not None
        ends_at = self._heard_at + self._read_seconds
        if self._loop.time() < ends_at or self._paused:
            self._timer = self._loop.call_at(max(ends_at, self._loop.time() + 1), self._silent)
        else:
            self._fail(httpx2.ReadTimeout(f"The server said nothing for {self._read_seconds} seconds."))

    def _fail(self, error: httpx2.TransportError) -> None:
        self._tell(error)
        self.abort()

    def _tell(self, error: httpx2.TransportError) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.ended(error)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # From the parser; what is raised here ends the connection

    def on_message_begin(self) -> None:
        self._headers, self._head_bytes = [], 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_MAX_BYTES:
            raise ValueError("The head of the server's answer is too long.")
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        if self._answer is None or self._answer.done():
            raise ValueError("The server answered without being asked.")
        names = {name.lower() for name, _ in self._headers}
        self._ends_by_close = not names & {b"content-length", b"transfer-encoding"}
        self._body = Body(self)
        self._answer.set_result(
            httpx2.Response(status, headers=self._headers, stream=self._body, extensions={"body": self._body})
        )

    def on_body(self, piece: bytes) -> None:
        if self._body is not None:
            self._body.arrived(piece)

    def on_message_complete(self) -> None:
        body, self._body = self._body, None
        if body is None:
            return
        self._stop_timer()
        self._answer = None
        body.ended()
        # One that is not read from would never hear the next answer.
        may_stay = self._parser.should_keep_alive() and self.is_open and not self._paused
        if may_stay and self._owner.is_free(self):
            self._timer = self._loop.call_later(IDLE_SECONDS, self.abort)
        else:
            self._transport.close()


def _head(request: httpx2.Request) -> bytes:
    """Raises `httpx2.LocalProtocolError` for a header that would be two: a key that was pasted with its line end."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    for name, value in request.headers.raw:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise httpx2.LocalProtocolError(f"The header {name.decode()} has a line end in it.")
        lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join([*lines, b"", b""])
