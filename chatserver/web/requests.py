"""Around every request: its id, one line in the log, and what is counted of it."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatserver.core.observer import UNOBSERVED, Observer
from chatserver.logs import accepted_request_id, request_id, session_id, user_id

log = logging.getLogger(__name__)

HEADER = "x-request-id"
NO_ROUTE = "(none)"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOTED = ("/api/", "/auth/")
"""Other paths are asked for by probes and pages: they are noted at DEBUG, unless something failed."""
FAILED_STATUS = 500


class Requests:
    """The outermost of ours. Neither path nor query is logged: the one may bear what people write, the other does."""

    def __init__(self, app: ASGIApp, observer: Observer = UNOBSERVED) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named = accepted_request_id(Headers(scope=scope).get(HEADER))
        request_id.set(named)
        user_id.set(None)
        session_id.set(None)
        began = time.monotonic()
        status = FAILED_STATUS

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = named
            await send(message)

        try:
            await self._app(scope, receive, answered)
        except Exception:
            # The server above logs it too, and ends the connection; here the ids are known.
            log.exception("a request broke off after its answer had begun")
            raise
        finally:
            self._note(scope, status, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "(other)"
        # Starlette leaves the route that matched here.
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        self._observer.request_ended(method, route, status, seconds)
        noted = status >= FAILED_STATUS or scope["path"].startswith(NOTED)
        if log.isEnabledFor(level := logging.INFO if noted else logging.DEBUG):
            log.log(level, "%s %s", method, route, extra={"status": status, "ms": round(seconds * 1000, 1)})
