"""HTTP by hand: requests that two readers would read in two ways, paths that lead elsewhere, and who lies in a head."""

import asyncio
import gzip
import io
import json
import logging
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from chatserver import logs
from chatserver.core.limits import Limits
from chatserver.web import http as http_module
from chatserver.web import pages, rest
from chatserver.web.http import Http, http_with
from chatserver.web.limits import Addresses, Doors
from chatserver.web.requests import Requests
from chatserver.web.rest import HANDLERS, body_of
from chatserver.web.security import SecureHeaders
from chatserver.web.strict import HEAD_MAX_BYTES
from chatserver.web.turnstile import Turnstile
from tests.load.house import WITHIN_SECONDS, serving, until

SECOND = "GET /api/second HTTP/1.1\r\nHost: x\r\n\r\n"


class Server:
    """Notes which requests it took for such."""

    def __init__(self) -> None:
        self.port = 0
        self.took: list[str] = []
        self.began = asyncio.Event()
        self.http = http_with(Addresses(0))

    async def take(self, request: Request) -> Response:
        self.began.set()
        body = await body_of(request)
        self.took.append(f"{request.method} {request.url.path} {body.decode()}".strip())
        return Response("taken")

    async def open(self, websocket: WebSocket) -> None:
        self.took.append(f"a socket at {websocket.url.path}")
        await websocket.close()

    async def says(self, *pieces: str | bytes) -> tuple[int, bytes]:
        """Status and body of the first answer; the server has to end the connection by itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                for piece in pieces:
                    writer.write(piece if isinstance(piece, bytes) else piece.encode("latin-1"))
                    await writer.drain()
                head = await reader.readuntil(b"\r\n\r\n")
                self.head = head.decode("latin-1").lower()
                return int(head[9:12]), await reader.read()
        finally:
            writer.close()

    async def gets(self, target: str, *lines: str, method: str = "GET") -> tuple[int, bytes]:
        head = "".join(f"{line}\r\n" for line in ("Host: x", *lines, "Connection: close"))
        return await self.says(f"{method} {target} HTTP/1.1\r\n{head}\r\n")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = Starlette(
        routes=[
            Route("/api/one", made.take, methods=["GET", "POST"]), Route("/api/second", made.take),
            WebSocketRoute("/ws", made.open), *pages.routes(),
        ],
        exception_handlers=HANDLERS,
        middleware=[
            Middleware(Requests), Middleware(SecureHeaders, ()), Middleware(Turnstile, Doors(Limits())),
        ],
    )  # fmt: skip
    app.router.redirect_slashes = False
    async with serving(app, http=made.http) as (_, made.port):
        yield made


AMBIGUOUS = {
    "a length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 4\r\nContent-Length: 0\r\n\r\nbody",
    "one length twice": "Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
    "lengths in a list": "Content-Length: 4, 4\r\n\r\nbody",
    "a signed length": "Content-Length: +4\r\n\r\nbody",
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": "Content-Length: 0x4\r\n\r\nbody",
    "a length with a line": "Content-Length: 4_0\r\n\r\nbody",
    "an endless length": f"Content-Length: {'9' * 400}\r\n\r\nbody",
    "another coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity after": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a quoted coding": 'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a control character in a coding": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a line that ends bare": "X-A: 1\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a head that ends bare": "Content-Length: 0\n\n",
    "a bare carriage return": "X-A: 1\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": "X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a line folded by a tab": "Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n",
    "no name": ": chunked\r\n\r\n",
    "a line without a colon": "Transfer-Encoding\r\n\r\n",
    "a zero byte": "X-A: 1\x002\r\n\r\n",
    "two hosts": "Host: y\r\n\r\n",
    "a head without end": f"X-A: {'a' * (HEAD_MAX_BYTES + 10)}\r\n\r\n",
    "a broken chunk": "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk longer than said": "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a chunk whose line ends bare": "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
    "an endless chunk size": f"Transfer-Encoding: chunked\r\n\r\n{'0' * 100}1\r\na\r\n0\r\n\r\n",
}


async def test_what_two_readers_could_read_in_two_ways_is_no_request(server: Server) -> None:
    for shape, rest_of_it in AMBIGUOUS.items():
        status, body = await server.says(f"POST /api/one HTTP/1.1\r\nHost: x\r\n{rest_of_it}", SECOND)
        assert status == 400, shape
        assert b"HTTP/1.1" not in body, f"{shape}: the second one is not answered on this connection"
        assert server.took == [], shape


FIRST_LINES = [
    "GET /api/one\r\n\r\n", "GET  /api/one HTTP/1.1\r\nHost: x\r\n\r\n", "GET /api/one HTTP/1.1\r\n\r\n",
    "GET /api/one HTTP/2.0\r\nHost: x\r\n\r\n", "GET /api/one HTTP/1.1 \r\nHost: x\r\n\r\n",
    "GET /api/one\tHTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\r\n\r\n",
    "POST /api/one HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET /api/one\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /api/\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n",
]  # fmt: skip


async def test_a_first_line_is_one_or_none(server: Server) -> None:
    for whole in FIRST_LINES:
        status, body = await server.says(whole, SECOND)
        assert status == 400, whole
        assert b"HTTP/1.1" not in body, whole
        assert server.took == [], whole


async def test_two_requests_that_are_two_are_both_answered(server: Server) -> None:
    posted = "POST /api/one HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    measured = "POST /api/one HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    await server.says(posted + measured + "GET /api/second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert server.took == ["POST /api/one body", "POST /api/one body", "GET /api/second"]


async def test_junk_behind_a_request_is_no_second_one(server: Server) -> None:
    whole = "GET /api/one HTTP/1.1\r\nHost: x\r\n\r\n"
    status, body = await server.says(f"{whole}GET /api/second HTTP/1.1\nHost: x\r\n\r\n")
    assert status == 200
    assert b"HTTP/1.1 400" in body
    assert server.took == ["GET /api/one"]


# Paths


PATHS = [
    "//client/page.css", "/client//page.css", "/client/../client/page.css", "/client/./page.css",
    "/client/..%2f..%2fapp.py", "/client/%2e%2e/app.py", "/client/%2e%2e%2fapp.py", "/client/..%5c..%5capp.py",
    "/client/..\\app.py", "/client/%252e%252e/app.py", "/client/page.css%00", "/client/page.css%00.js",
    "/client/page.css.", "/client/page.css/", "/client/page.css%20", "/client/PAGE.CSS", "/client/", "/client",
    "/client//etc/passwd", "/client/%2fetc%2fpasswd", "/client/file:%2f%2f%2fetc/passwd", "/client/.git/config",
    "/client/views", "/client/%c0%ae%c0%ae/app.py", "/client/%ff", "/%2e%2e/SECURITY.md", "//etc/passwd",
    "/admin/..;/api/one", "/api/one/", "/api/one%2f", "/api%2fone", "/api/one%00", "/api/one.", "/api//one",
    "/api/../api/one", "/api/%2e%2e/api/one", "/API/one", "/api/one;a=b", "http://x/api/one", "*",
]  # fmt: skip


async def test_a_path_is_what_it_says_and_leads_nowhere_else(server: Server) -> None:
    for path in PATHS:
        status, _ = await server.gets(path)
        assert status in (400, 404), path
        assert server.took == [], path


SOCKET_PATHS = [
    "/%77s", "/w%73", "/%57s", "/ws%2f", "/ws%3f", "/ws%00", "/ws%20", "/%2fws", "/x/%2e%2e/ws", "//ws", "/ws/",
    "/ws//", "/WS", "/ws;a=b", "/ws.", "/x/../ws", "/./ws", "http://x/ws", "ws://x/ws",
]  # fmt: skip


async def test_a_socket_has_one_path_too(server: Server) -> None:
    """To the standard `/%77s` is `/ws`, to a rule in a router that guards `/ws` it is not."""
    upgrade = (
        "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    for path in SOCKET_PATHS:
        status, _ = await server.says(f"GET {path} HTTP/1.1\r\n{upgrade}")
        assert status == 403, path
        assert server.took == [], path
    await server.says(f"GET /ws?%77s HTTP/1.1\r\n{upgrade}")
    assert server.took == ["a socket at /ws"]


async def test_a_page_with_a_slash_behind_it_is_on_this_host_whatever_host_was_named(server: Server) -> None:
    for path in ("/admin", "/provider"):
        assert (await server.says(f"GET {path}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))[0] == 307
        assert f"location: {path}\r\n" in server.head
        assert "evil" not in server.head


async def test_a_file_has_a_validator_and_is_asked_for_each_time(server: Server) -> None:
    status, whole = await server.gets("/client/page.css")
    assert status == 200
    fields = dict(line.split(": ", 1) for line in server.head.split("\r\n")[1:-2])
    assert fields["cache-control"] == "no-cache"
    assert fields["accept-ranges"] == "none"
    assert int(fields["content-length"]) == len(whole)
    etag = fields["etag"]
    for known in (etag, etag.removeprefix("w/"), f'"another", {etag}', "*"):
        assert await server.gets("/client/page.css", f"If-None-Match: {known.replace('w/', 'W/')}") == (304, b"")
        assert f"etag: {etag}" in server.head
    for line in ('If-None-Match: "another"', "Range: bytes=0-3", "Range: bytes=9-1", 'If-Range: "x"'):
        assert await server.gets("/client/page.css", line) == (200, whole)
    assert await server.gets("/client/page.css", method="HEAD") == (200, b"")
    _, packed = await server.gets("/client/page.css", "Accept-Encoding: gzip")
    assert gzip.decompress(packed) == whole
    assert "vary: accept-encoding" in server.head


async def test_a_header_does_not_make_another_method_of_a_request(server: Server) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        await server.gets("/api/one", f"{name}: DELETE")
    await server.gets("/api/one?_method=DELETE")
    assert server.took == ["GET /api/one"] * 5
    for method in ("DELETE", "TRACE", "CONNECT", "get", "PROPFIND"):
        assert (await server.gets("/api/one", method=method))[0] == 405


# Who is slow, and who writes much


async def test_a_body_that_stops_coming_is_told_so_and_the_connection_ends(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "BODY_SECONDS", 0.1)
    saying = asyncio.create_task(server.says("POST /api/one HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"))
    await server.began.wait()
    monkeypatch.setattr(Http, "head_seconds", 0.1)
    status, body = await saying
    told = json.loads(body)
    assert (status, told["status"], told["retry_after"]) == (408, 408, 1)
    assert "retry-after: 1\r\n" in server.head
    assert told["detail"].endswith("send it again.")
    assert server.took == []


async def test_the_rest_of_a_late_body_is_thrown_away_and_is_no_request(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end in the middle of it would be a reset, which overtakes the sentence."""
    monkeypatch.setattr(rest, "BODY_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"POST /api/one HTTP/1.1\r\nHost: x\r\nContent-Length: {len(SECOND)}\r\n\r\n".encode())
    async with asyncio.timeout(WITHIN_SECONDS):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408 ")
        writer.write(f"{SECOND}GET /api/one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).endswith(b"taken")
    assert server.took == ["GET /api/one"]
    writer.close()


@pytest.mark.parametrize(
    ("length", "piece"), [("Content-Length: 500000", b"x"), ("Transfer-Encoding: chunked", b"1\r\nx\r\n")]
)
async def test_a_body_that_drips_without_end_has_one_deadline(
    server: Server, monkeypatch: pytest.MonkeyPatch, length: str, piece: bytes
) -> None:
    """A byte comes in every moment, so no wait for the next one is long. The sentence is not lost in the end of it."""
    monkeypatch.setattr(rest, "BODY_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"POST /api/one HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())

    await server.began.wait()
    monkeypatch.setattr(Http, "head_seconds", 0.1)

    async def told() -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        (measured,) = re.findall(rb"content-length: (\d+)", head)
        return await reader.readexactly(int(measured))

    answer = asyncio.create_task(told())
    async with asyncio.timeout(WITHIN_SECONDS):
        while not writer.transport.is_closing():
            writer.write(piece)
            await asyncio.sleep(0.005)
    assert json.loads(await answer)["detail"].endswith("send it again.")
    assert server.took == []


async def test_junk_is_counted_and_fills_no_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(20):
        await server.says("junk\r\n\r\n")
        await server.says("GET /api/one HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n")
    # In place of a minute.
    server.http.junk._look()
    lines = [record.getMessage() for record in caplog.records if "no HTTP request" in record.getMessage()]
    counted = "what came was no HTTP request, or asked for an unknown protocol: %d times"
    assert lines == [counted % 1, counted % 39]
    assert not [record for record in caplog.records if record.name.startswith("uvicorn.error")]


async def test_what_came_more_is_said_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    junk = http_module.Junk(seconds=0.05)
    for _ in range(1_000):
        junk.came()
    await until(lambda: len(caplog.records) == 2)
    assert [record.args for record in caplog.records] == [(1,), (999,)]
    await until(lambda: junk._more is None)
    junk.came()
    assert [record.args for record in caplog.records][2:] == [(1,)]


@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_request_writes_a_line_of_its_own(server: Server, form: str) -> None:
    stream = io.StringIO()
    handler = logs.handler("web", stream, form)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    forged = '{"level": "ERROR", "message": "forged"}'
    try:
        for sign in ("%0a", "%0d", "%0d%0a", "%1b[2K", "%e2%80%a8", "%c2%85"):
            await server.gets(f"/api/{sign}{forged.replace(' ', '%20')}?{sign}forged", f"User-Agent: {forged}")
            await server.gets("/api/one", f"X-Request-Id: {forged}", f"User-Agent: {sign}forged", f"Referer: {forged}")
            await server.gets("/api/one", method="FORGED")
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)
    written = stream.getvalue()
    assert "forged" not in written.lower()
    noted = [line for line in written.splitlines() if "/api/one" in line or "(none)" in line]
    assert len(noted) == 18
    if form == "json":
        assert all(json.loads(line)["process"] == "web" for line in written.splitlines())
