"""HTTP as an attacker speaks it: who says nothing, drips, does not read, comes too often, or says who they are not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from chatserver.core.errors import Refused
from chatserver.core.limits import Limits
from chatserver.web import limits as limits_module
from chatserver.web.http import Http, http_with
from chatserver.web.limits import REQUESTERS_MAX, Addresses, Doors
from chatserver.web.turnstile import Turnstile
from tests.load.house import WITHIN_SECONDS, serving, until
from tests.web.house import House, problem_of

HEAD = b"GET /api/who HTTP/1.1\r\nhost: 127.0.0.1\r\n"
LARGE = 4 * 1024**2


async def who(request: Request) -> Response:
    assert request.client is not None
    return Response(request.client.host)


async def large(request: Request) -> Response:
    return Response(b"x" * LARGE)


def application(doors: Doors) -> Starlette:
    return Starlette(routes=[Route("/api/who", who), Route("/large", large)], middleware=[Middleware(Turnstile, doors)])


@asynccontextmanager
async def a_server(http: type[Http] = Http, limits: Limits = Limits(), **more: Any) -> AsyncIterator[int]:  # noqa: B008
    async with serving(application(Doors(limits)), http=http, **more) as (_, port):
        yield port


def hasty(**times: float) -> type[Http]:
    return type("Hasty", (Http,), times)


async def asked(port: int, *lines: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(HEAD + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"connection: close\r\n\r\n")
        return (await reader.read()).decode("latin-1")
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> None:
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            assert not await reader.read()
    except ConnectionError:
        pass


async def test_who_says_nothing_is_not_waited_for() -> None:
    async with a_server(hasty(head_seconds=0.1)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ended(reader)
        writer.close()


async def test_a_head_that_comes_byte_by_byte_has_one_deadline() -> None:
    """Each byte would put an ordinary timer back: so a node's descriptors were held for ever with a byte a second."""
    async with a_server(hasty(head_seconds=0.2)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        dripping = asyncio.create_task(_drips(writer, HEAD * 40))
        await ended(reader)
        dripping.cancel()
        writer.close()


async def _drips(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)


async def test_who_was_answered_and_goes_on_with_their_body_is_let_go() -> None:
    """Nobody reads it any more, and each byte of it would put uvicorn's own timer back."""
    async with a_server(hasty(head_seconds=0.2)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD.replace(b"GET", b"HEAD") + b"content-length: 100000\r\n\r\n")
        dripping = asyncio.create_task(_drips(writer, b"x" * 3_000))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await ended(reader)
        dripping.cancel()
        writer.close()


async def test_who_is_served_is_not_cut() -> None:
    """The deadline is the head's: an answer may take longer."""
    times = hasty(head_seconds=0.3)

    async def slow(request: Request) -> Response:
        await asyncio.sleep(0.4)
        return Response("in the end")

    async with serving(Starlette(routes=[Route("/api/who", slow)]), http=times) as (_, port):
        assert (await asked(port)).endswith("in the end")


async def test_who_does_not_read_an_answer_is_let_go() -> None:
    async with serving(application(Doors(Limits())), http=hasty(stall_seconds=0.1)) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: bool(server.server_state.connections))
        await until(lambda: not server.server_state.connections)
        writer.close()


async def test_an_address_has_so_many_connections_that_say_nothing() -> None:
    addresses = Addresses(3)
    async with a_server(http_with(addresses)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await until(lambda: addresses.counts._counts == {"127.0.0.1": 3})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ended(reader)
        writer.close()
        for _, writer in held:
            writer.close()
        await until(lambda: not addresses.counts._counts)
        assert (await asked(port)).endswith("127.0.0.1")
        await until(lambda: not addresses.counts._counts)


async def test_a_websocket_is_counted_where_websockets_are() -> None:
    addresses = Addresses(1)

    async def never(websocket: Any) -> None:
        await websocket.close()

    async with serving(Starlette(routes=[WebSocketRoute("/ws", never)]), http=http_with(addresses)) as (_, port):
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
                b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            assert b" 403 " in await reader.readuntil(b"\r\n")
            assert not addresses.counts._counts
            writer.close()


def test_a_proxy_stands_for_everybody_and_is_not_counted() -> None:
    addresses = Addresses(1, [ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
    for host in ("10.1.2.3", "fd00::"):
        for _ in range(5):
            assert not addresses.add(host)
    assert addresses.add("192.0.2.1")
    with pytest.raises(Refused):
        addresses.add("192.0.2.1")


# How often


async def test_an_address_asks_so_often_and_another_as_often(house: House) -> None:
    house.doors.limits = Limits(requests_per_address=3)
    for _ in range(3):
        assert (await house.client.get("/api/config")).status_code == 200
    answer = await house.client.post("/auth/dev", json={"email": "asha@example.com"})
    problem_of(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Probes are asked often from one place, and who runs them is to see the truth.
    assert (await house.client.get("/healthz")).status_code == 200
    house.doors.requested("192.0.2.7", time.monotonic())


async def test_a_user_asks_so_often_from_wherever(house: House) -> None:
    asha, ben = await house.caller(), await house.caller()
    house.doors.limits = Limits(requests_per_user=2)
    for _ in range(2):
        assert (await asha.gets("/api/me")).status_code == 200
    refused = await asha.gets("/api/me")
    problem_of(refused, 429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    assert (await ben.gets("/api/me")).status_code == 200


def test_addresses_without_number_cost_no_memory_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert REQUESTERS_MAX < 10**6
    monkeypatch.setattr(limits_module, "REQUESTERS_MAX", 10)
    doors = Doors(Limits(requests_per_address=5))
    for number in range(1_000):
        doors.requested(f"2001:db8:{number:x}::", 0.0)
        assert len(doors._requests) <= 10
    doors.forget(61.0)
    assert not doors._requests


@pytest.mark.parametrize(
    ("deed", "path", "method", "body"),
    [
        ("lookups", "/api/jobs", "GET", None),
        ("lookups", "/api/me/export", "GET", None),
        ("publications", "/api/jobs", "POST", {"title": "T", "description_raw": "D " * 30}),
        ("uploads", "/api/me/resume", "PUT", {"text": "Data engineer with six years of Python and SQL in Pune."}),
        ("consents", "/api/me/consent", "PUT", {"version": 1, "recipients": []}),
    ],
)
async def test_what_costs_much_is_had_so_often(house: House, deed: Any, path: str, method: str, body: Any) -> None:
    caller = await house.caller("provider" if deed == "publications" else "seeker")
    allowance = house.limits.allowances()[deed]
    await house.redis.set(f"rate:{deed}:{caller.user.id}", allowance.most, px=30_000)
    more = {"json": body} if body else {}
    answer = await caller.calls(method, path, **more)
    assert allowance.refusal in problem_of(answer, 429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 30
    await house.redis.delete(f"rate:{deed}:{caller.user.id}")
    assert (await caller.calls(method, path, **more)).is_success


async def test_with_redis_away_every_process_counts_for_itself(house: House) -> None:
    await house.redis.aclose()
    house.redis.connection_pool.connection_kwargs["port"] = 1
    user, most = uuid4(), house.limits.allowances()["uploads"].most
    for _ in range(most):
        await house.allowances.spend(user, "uploads")
    with pytest.raises(Refused) as refused:
        await house.allowances.spend(user, "uploads")
    assert refused.value.code == "rate_limited"
    assert 0 < (refused.value.retry_after or 0) <= 3_600
    await house.allowances.spend(uuid4(), "uploads")


# Who somebody is behind proxies


@pytest.mark.parametrize(
    ("trusted", "lines", "host"),
    [
        (None, ["x-forwarded-for: 192.0.2.1"], "127.0.0.1"),
        ("10.0.0.0/8", ["x-forwarded-for: 192.0.2.1"], "127.0.0.1"),
        ("127.0.0.1/32", ["x-forwarded-for: 192.0.2.1"], "192.0.2.1"),
        # What the client wrote stands left of what the proxy saw.
        ("127.0.0.1/32", ["x-forwarded-for: 198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1/32", ["x-forwarded-for: 198.51.100.9", "x-forwarded-for: 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1/32", ["x-forwarded-for: 127.0.0.1, 192.0.2.1"], "192.0.2.1"),
        ("127.0.0.1/32,10.0.0.0/8", ["x-forwarded-for: 198.51.100.9, 192.0.2.1, 10.1.1.1"], "192.0.2.1"),
        ("127.0.0.1/32", ["x-forwarded-for: 2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1/32", ["x-forwarded-for: [2001:db8::7]:1234"], "2001:db8::7"),
        ("127.0.0.1/32", ["x-forwarded-for: 192.0.2.1:99"], "192.0.2.1"),
        ("127.0.0.1/32", ["x-forwarded-for: "], "127.0.0.1"),
        ("127.0.0.1/32", ["x-real-ip: 192.0.2.1", "forwarded: for=192.0.2.2", "client-ip: 192.0.2.3"], "127.0.0.1"),
    ],
)
async def test_an_address_is_what_the_last_trusted_proxy_saw(trusted: str | None, lines: list[str], host: str) -> None:
    async with a_server(proxy_headers=trusted is not None, forwarded_allow_ips=trusted) as port:
        assert (await asked(port, *lines)).rpartition("\r\n\r\n")[2] == host


@pytest.mark.parametrize(
    "garbage", ["unknown", "_hidden", "-", "\xff\xfe", "1.2.3", "[::1", "a" * 4_000, "::ffff:192.0.2.1%x"]
)
async def test_garbage_from_a_proxy_is_one_address_and_no_way_around(garbage: str) -> None:
    limits = Limits(requests_per_address=2)
    async with a_server(limits=limits, proxy_headers=True, forwarded_allow_ips="127.0.0.1") as port:
        statuses = [(await asked(port, f"x-forwarded-for: {garbage}"))[9:12] for _ in range(3)]
    assert statuses == ["200", "200", "429"]
