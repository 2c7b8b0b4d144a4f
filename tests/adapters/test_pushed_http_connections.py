"""The model's line: which connections it makes, and which it keeps."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import httpx2
import pytest

from chatserver.adapters import pushed_http
from chatserver.adapters.pushed_http import PushTransport
from tests.adapters.raw_server import CHUNKED, a_client, pushed, says, served
from tests.until import WITHIN_SECONDS, until

CALLERS = 8
WHOLE = CHUNKED + b"3\r\none\r\n0\r\n\r\n"


@contextmanager
def silent() -> Iterator[int]:
    """The port of somebody who takes no call and refuses none, as behind a firewall: the queue of callers is full."""
    with ExitStack() as stack:
        address = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0)).getsockname()
        for _ in range(CALLERS):
            caller = stack.enter_context(closing(socket.socket()))
            caller.setblocking(False)
            caller.connect_ex(address)
        yield address[1]


def leads_to(*ports: int) -> Callable[..., Any]:
    """In place of the names of elsewhere: one name with several addresses."""

    async def addresses(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port)) for port in ports]

    return addresses


async def test_a_first_address_that_never_answers_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed_http, "NEXT_ADDRESS_SECONDS", 0.01)
    async with served(says(WHOLE)) as server, a_client() as client:
        with silent() as port:
            answers = httpx2.URL(server.url).port or 0
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", leads_to(port, answers))
            assert await pushed(client, server.url) == b"one"


async def test_where_no_address_answers_it_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed_http, "NEXT_ADDRESS_SECONDS", 0.01)
    timeout = httpx2.Timeout(60, connect=0.1)
    with silent() as one, silent() as other:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", leads_to(one, other))
        async with httpx2.AsyncClient(transport=PushTransport(), timeout=timeout) as client:
            async with asyncio.timeout(WITHIN_SECONDS):
                with pytest.raises(httpx2.ConnectTimeout, match=r"took no connection within 0\.1 seconds"):
                    await client.get("http://model.example.com/")


async def test_idle_connections_are_few_of_all_servers_together_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed_http, "IDLE_MAX", 2)
    together = asyncio.Barrier(6)

    async def serves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        await says(WHOLE)(reader, writer)

    transport = PushTransport()
    async with (
        served(serves) as one, served(serves) as other, httpx2.AsyncClient(transport=transport, timeout=15) as client
    ):  # fmt: skip

        def connected() -> int:
            return sum(not handler.done() for handler in (*one.handlers, *other.handlers))

        async def ask_all() -> None:
            await asyncio.gather(*(pushed(client, server.url) for server in (one, other) for _ in range(3)))

        await ask_all()
        assert (one.connections, other.connections) == (3, 3)
        await until(lambda: connected() == len(transport._lines) == 2)
        monkeypatch.setattr(pushed_http, "IDLE_SECONDS", 0.0)
        await ask_all()
        assert one.connections + other.connections == 10, "the two that were kept served again"
        await until(lambda: connected() == len(transport._lines) == 0)
        assert transport._idle == {}


async def test_nobody_there_is_told_as_that() -> None:
    async with served(says()) as server:
        url = server.url
    async with a_client() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://nobody.invalid/")
