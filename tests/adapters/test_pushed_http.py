"""The model's line on raw sockets: what a server may do to it, and what it does to a server."""

import asyncio
import gzip
from pathlib import Path

import httpx2
import pytest

from chatserver.adapters.pushed_http import BUFFER_MAX_BYTES, HEAD_MAX_BYTES, Body, PushTransport
from tests.adapters.raw_server import CHUNKED, a_client, ends_after, pushed, says, served
from tests.tls import an_authority, context_for

HANGS_SECONDS = 15.0
"""Less than an idle connection is kept."""


@pytest.mark.parametrize(
    "answers",
    [
        (CHUNKED + b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"),
        (CHUNKED[:9], CHUNKED[9:] + b"6\r\none", b"two\r\n", b"0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none", b"two"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nonetwo",),
    ],
)
async def test_whatever_its_form_and_however_cut_the_body_comes_whole(answers: tuple[bytes, ...]) -> None:
    async with served(says(*answers)) as server, a_client() as client:
        assert [await pushed(client, server.url) for _ in range(3)] == [b"onetwo"] * 3
        assert (await client.get(server.url)).content == b"onetwo", "also for somebody who reads it"
        assert server.connections == 1, "one connection is enough for one after the other"
    asked = server.requests[0]
    assert asked.startswith(b"POST /v1?beta=true HTTP/1.1\r\nHost: localhost:")
    assert asked.endswith(b'\r\n\r\n{"ask": 1}')


async def test_over_tls_it_comes_whole_from_whom_the_certificate_names_and_from_nobody_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = an_authority(tmp_path)
    whole = says(CHUNKED + b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n")
    async with served(whole, context_for(authority, "localhost")) as server:
        async with a_client() as client:
            with pytest.raises(httpx2.ConnectError, match="certificate"):
                await pushed(client, server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        async with a_client() as client:
            assert [await pushed(client, server.url) for _ in range(2)] == [b"onetwo"] * 2
            assert len(server.requests) == 2
            with pytest.raises(httpx2.ConnectError, match="certificate"):
                await pushed(client, server.url.replace("localhost", "127.0.0.1"))


async def test_a_body_that_ends_with_its_connection_is_whole_too() -> None:
    async with served(ends_after(b"HTTP/1.1 200 OK\r\n\r\none", b"two")) as server, a_client() as client:
        assert [await pushed(client, server.url) for _ in range(2)] == [b"onetwo"] * 2
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"HTTP/1.1 200", CHUNKED + b"6\r\none", CHUNKED + b"3\r\none\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none",
    ],
)  # fmt: skip
async def test_a_body_that_was_cut_is_no_whole_one(answer: bytes) -> None:
    async with served(ends_after(answer)) as server, a_client() as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="before its answer ended"):
            await pushed(client, server.url)
        with pytest.raises(httpx2.RemoteProtocolError, match="before its answer ended"):
            await client.get(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9\r\n", CHUNKED + b"zz\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * HEAD_MAX_BYTES + b"y\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_http_ends_the_connection(answer: bytes) -> None:
    async with served(says(answer)) as server, a_client() as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="no HTTP"):
            await pushed(client, server.url)
        await server.gone.wait()


@pytest.mark.parametrize("said", [b"", CHUNKED + b"3\r\none\r\n"])
async def test_silence_ends_it(said: bytes) -> None:
    async with served(says(said)) as server, a_client(read_seconds=0.05) as client:
        with pytest.raises(httpx2.ReadTimeout, match=r"said nothing for 0\.05 seconds"):
            await pushed(client, server.url)
        await server.gone.wait()


async def test_nothing_comes_once_the_listener_was_cancelled_and_the_server_hears_of_it() -> None:
    listens = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(CHUNKED)(reader, writer)
        await listens.wait()
        await says(b"3\r\none\r\n")(reader, writer)

    async with served(serve) as server, a_client(read_seconds=60) as client:
        loop = asyncio.get_running_loop()
        heard: list[bytes] = []

        async def listen() -> None:
            async with client.stream("GET", server.url) as response:
                body: Body = response.extensions["body"]

                def take(piece: bytes) -> None:
                    heard.append(piece)
                    if len(heard) == 1:
                        # In the very step in which somebody takes over, more arrives.
                        loop.call_soon(body.arrived, b"two")
                        task.cancel()

                loop.call_soon(listens.set)
                await body.give(take)

        task = asyncio.create_task(listen())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard == [b"one"]
        async with asyncio.timeout(HANGS_SECONDS):
            await server.gone.wait()


async def test_a_listener_who_fails_fails_itself_and_ends_the_connection() -> None:
    async with served(says(CHUNKED + b"3\r\none\r\n", b"3\r\ntwo\r\n")) as server, a_client() as client:

        def take(_: bytes) -> None:
            raise LookupError("mine")

        async with client.stream("GET", server.url) as response:
            with pytest.raises(LookupError, match="mine"):
                await response.extensions["body"].give(take)
        await server.gone.wait()


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"
    async with served(says(whole + whole)) as server, a_client() as client:
        for _ in range(2):
            assert await pushed(client, server.url) == b"one"
            await server.gone.wait()
            server.gone.clear()
        assert server.connections == 2


async def test_who_reads_slowly_reads_to_the_end() -> None:
    """The last piece and the end come while they think over the first."""
    thinks = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none")(reader, writer)
        await thinks.wait()
        await says(b"two")(reader, writer)

    async with served(serve) as server, a_client() as client, client.stream("GET", server.url) as response:
        body: Body = response.extensions["body"]
        heard = []
        async for piece in body:
            heard.append(piece)
            thinks.set()
            while not body._end.done():
                await asyncio.sleep(0)
        assert b"".join(heard) == b"onetwo"


async def test_half_an_answer_that_nobody_asked_for_is_nobodys_beginning() -> None:
    transport = PushTransport()
    half = b"HTTP/1.1 418 Evil\r\nx-y: "

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none")(reader, writer)
        if len(server.requests) == 1:
            while not transport._idle:
                await asyncio.sleep(0)
            writer.write(half)

    async with served(serve) as server, httpx2.AsyncClient(transport=transport) as client:
        assert await pushed(client, server.url) == b"one"
        async with asyncio.timeout(HANGS_SECONDS):
            await server.gone.wait()
        assert await pushed(client, server.url) == b"one"


async def test_a_line_that_is_not_read_from_is_not_kept() -> None:
    """A large answer that came whole, to somebody who went without reading it."""
    large = b"x" * (BUFFER_MAX_BYTES + 1)
    transport = PushTransport()
    answer = b"HTTP/1.1 500 No\r\ncontent-length: %d\r\n\r\n%s" % (len(large), large)
    async with served(says(answer)) as server, httpx2.AsyncClient(transport=transport, timeout=5) as client:
        for _ in range(2):
            async with client.stream("GET", server.url) as response:
                while not response.extensions["body"]._end.done():
                    await asyncio.sleep(0)
            assert not any(line._paused for kept in transport._idle.values() for line in kept)


async def test_whoever_gives_up_late_leaves_the_line_to_the_next() -> None:
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"
    transport = PushTransport()
    async with served(says(whole)) as server, httpx2.AsyncClient(transport=transport, timeout=5) as client:
        first = asyncio.create_task(client.get(server.url))
        while not transport._lines:
            await asyncio.sleep(0)
        (line,) = transport._lines
        is_free = transport.is_free

        def taken_at_once(free: object) -> bool:
            assert free is line
            kept = is_free(line)
            assert transport._kept(line.origin) is line
            # In the step in which the answer came whole, before its asker wakes.
            second.append(asyncio.ensure_future(line.ask(b"GET /v1 HTTP/1.1\r\nhost: localhost\r\n\r\n", 5.0)))
            first.cancel()
            return kept

        second: list[asyncio.Future[httpx2.Response]] = []
        transport.is_free = taken_at_once  # type: ignore[method-assign, assignment]
        with pytest.raises(asyncio.CancelledError):
            await first
        transport.is_free = is_free  # type: ignore[method-assign]
        assert (await second[0]).status_code == 200


async def test_what_nobody_takes_is_not_read_without_end() -> None:
    piece = b"x" * 65_536
    written = 0

    async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (200 * len(piece)))
        for _ in range(200):
            writer.write(piece)
            await writer.drain()
            written += len(piece)

    async with served(floods) as server, a_client() as client:
        async with client.stream("GET", server.url) as response:
            body: Body = response.extensions["body"]
            while body._size <= BUFFER_MAX_BYTES:
                await asyncio.sleep(0)
            for _ in range(1000):
                await asyncio.sleep(0)
            assert body._size < 2 * BUFFER_MAX_BYTES
            assert written < 200 * len(piece)
            heard = 0

            def take(some: bytes) -> None:
                nonlocal heard
                heard += len(some)

            await body.give(take)
        assert heard == 200 * len(piece)


async def test_a_key_with_a_line_end_in_it_makes_no_second_header() -> None:
    async with served(says(CHUNKED + b"0\r\n\r\n")) as server, a_client() as client:
        with pytest.raises(httpx2.LocalProtocolError, match="line end"):
            await client.get(server.url, headers={"x-api-key": "key\r\nx-other: 1"})
        assert server.requests == []


async def test_a_packed_body_is_unpacked_for_whoever_reads_it() -> None:
    packed = gzip.compress(b"onetwo")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with served(says(head + packed)) as server, a_client() as client:
        assert (await client.get(server.url)).content == b"onetwo"
