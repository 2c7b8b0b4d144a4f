"""Headers that every answer bears, and which other origins a browser may call from."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatserver.web.rest import on_error

METHODS = "GET, PUT, POST, PATCH, DELETE"
PREFLIGHT_SECONDS = "600"
HSTS = "max-age=31536000"
EXPOSED = "Content-Disposition, Retry-After"

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecureHeaders:
    """No cookie carries authority here, so a foreign origin gains nothing but what CORS grants it by name."""

    def __init__(self, app: ASGIApp, origins: Collection[str], is_https: bool = False) -> None:
        """`is_https` where people reach this by https, though a proxy may not say so."""
        self._app = app
        self._is_https = is_https
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        allowed = origin if origin in self._origins else None
        started = False

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(("/api/", "/auth/")):
                    headers.setdefault("Cache-Control", "no-store")
                if self._is_https or scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
                headers.add_vary_header("Origin")
                if allowed is not None:
                    headers["Access-Control-Allow-Origin"] = allowed
                    headers["Access-Control-Expose-Headers"] = EXPOSED
                    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            await send(message)

        if scope["method"] == "OPTIONS" and allowed is not None:
            await secured({"type": "http.response.start", "status": 204, "headers": [
                (b"access-control-allow-methods", METHODS.encode()),
                (b"access-control-allow-headers", b"authorization, content-type"),
                (b"access-control-max-age", PREFLIGHT_SECONDS.encode()),
            ]})  # fmt: skip
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            await self._app(scope, receive, secured)
        except Exception as error:
            if started:
                raise
            # Here and not further out: a browser of another origin could not read a failure without these headers.
            await (await on_error(Request(scope), error))(scope, receive, secured)
