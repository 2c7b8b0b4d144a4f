"""Counts requests over HTTP before anything is done for them: of addresses here, of users once a token named them."""

import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from chatserver.core.errors import Refused
from chatserver.web.limits import Doors, household
from chatserver.web.rest import on_http, on_refused

COUNTED = ("/api/", "/auth/")
"""Probes come often from one address, and the client's files are in memory."""


class Turnstile:
    """Within the headers and outside of the routes: who is refused has cost nothing but being counted."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if b"%" in scope.get("raw_path", b""):
            # No path of ours needs it, and who guards one in front of us compares what is written.
            is_http = scope["type"] == "http"
            app = await on_http(Request(scope), HTTPException(404)) if is_http else WebSocketClose()
        if scope["type"] == "http" and scope["path"].startswith(COUNTED):
            host, _ = scope.get("client") or ("", 0)
            try:
                self._doors.requested(household(host), time.monotonic())
            except Refused as refused:
                app = await on_refused(Request(scope), refused)
        await app(scope, receive, send)
