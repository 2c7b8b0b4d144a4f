"""By which names a server may be called: one that anybody may sign in to by those of this machine alone."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from chatserver import node as own_node
from chatserver.app import hosts_of
from chatserver.core.gazetteer import Gazetteer
from chatserver.settings import Settings
from tests.load.house import WITHIN_SECONDS, serving
from tests.load.town import a_node

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
PUBLIC = {"PUBLIC_URL": "https://jobs.example.com"}
SUPABASE = {"SUPABASE_URL": "https://abcd.supabase.co"}


async def status(port: int, head: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            writer.write(f"{head}\r\n\r\n".encode())
            return int((await reader.readuntil(b"\r\n"))[9:12])
    finally:
        writer.close()


async def well(request: Request) -> Response:
    return Response("well")


async def opens(websocket: WebSocket) -> None:
    raise AssertionError("the application was reached")


@pytest.mark.parametrize(
    ("env", "host", "is_let_in"),
    [
        ({}, "127.0.0.1:8000", True), ({}, "localhost", True), ({}, "LOCALHOST:8000", True), ({}, "[::1]:8000", True),
        # A name of elsewhere that leads here since a moment ago.
        ({}, "evil.example", False), ({}, "evil.example:8000", False), ({}, "localhost.evil.example", False),
        ({}, "127.0.0.1.evil.example", False), ({}, "evil.example@127.0.0.1", False),
        ({}, "127.0.0.1@evil.example", False),
        ({}, "0.0.0.0", False), ({}, "", False), ({}, "jobs.example.com", False),
        (PUBLIC, "jobs.example.com", True), (PUBLIC, "evil.example", False),
        # Tokens keep strangers out there, and a router's probes name whatever they like.
        (SUPABASE, "10.0.0.7:8000", True), ({**SUPABASE, **PUBLIC}, "10.0.0.7", True),
    ],
)  # fmt: skip
async def test_a_server_for_anybody_is_called_by_the_names_of_this_machine(
    env: dict[str, str], host: str, is_let_in: bool
) -> None:
    hosts = hosts_of(Settings.from_env(env))
    small = Starlette(
        routes=[Route("/", well), WebSocketRoute("/ws", opens)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
    )
    async with serving(small) as (_, port):
        assert await status(port, f"GET / HTTP/1.1\r\nHost: {host}") == (200 if is_let_in else 400)
        if not is_let_in:
            assert await status(port, f"GET /ws HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}") == 403


async def test_the_whole_server_asks_by_which_name_it_is_called(
    database_url: str, redis_url: str, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it gives anything away: above all a token for whomever the page of elsewhere names."""
    monkeypatch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
    body = '{"email":"asha@example.com"}'
    asks_for_a_token = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    async with a_node(database_url, redis_url) as served:
        for host, answer, upgraded in (("localhost", 200, 101), ("evil.example", 400, 403)):
            head = f"Host: {host}:{served.port}\r\nOrigin: http://{host}:{served.port}"
            for path in ("/", "/api/config", "/healthz", "/client/page.css"):
                assert await status(served.port, f"GET {path} HTTP/1.1\r\n{head}") == answer, path
            assert await status(served.port, f"POST /auth/dev HTTP/1.1\r\n{head}\r\n{asks_for_a_token}") == answer
            assert await status(served.port, f"GET /ws HTTP/1.1\r\n{head}\r\n{UPGRADE}") == upgraded
            assert await status(served.port, f"GET /%77s HTTP/1.1\r\n{head}\r\n{UPGRADE}") == 403
        assert await served.node.pool.fetchval("select count(*) from users where email = 'asha@example.com'") == 1
