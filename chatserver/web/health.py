"""Whether this node lives and can serve, what a client needs to know first, and the development sign-in."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol
from uuid import UUID, uuid4

import msgspec
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.core.errors import Refused
from chatserver.users import Users
from chatserver.web.me import Profile, profile
from chatserver.web.rest import encoded, json_of


class SignIn(msgspec.Struct, forbid_unknown_fields=True):
    email: str


class SignedIn(msgspec.Struct):
    token: str
    user: Profile


class Issuer(Protocol):
    def issue(self, email: str, user_id: UUID) -> str: ...


Ready = Callable[[], Awaitable[dict[str, str]]]
"""How each part is: "ok", "degraded" and why for what one can do without for a while, else what is wrong."""
Scrape = Callable[[], Awaitable[bytes]]

EMAIL_MAX_CHARACTERS = 320
OWN_NAMES = ("127.0.0.1", "localhost", "::1")


class HealthRoutes:
    def __init__(
        self, users: Users, config: dict[str, Any], ready: Ready, scrape: Scrape, issuer: Issuer | None
    ) -> None:
        self._users = users
        self._config = config
        self._ready = ready
        self._scrape = scrape
        self._issuer = issuer

    def routes(self) -> Sequence[BaseRoute]:
        routes = [
            Route("/healthz", self.alive, methods=["GET"]),
            Route("/readyz", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
            Route("/api/config", self.config, methods=["GET"]),
        ]
        if self._issuer is not None:
            routes.append(Route("/auth/dev", self.sign_in, methods=["POST"]))
        return routes

    async def alive(self, request: Request) -> Response:
        return encoded({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        parts = await self._ready()
        degraded = any(said.startswith("degraded") for said in parts.values())
        broken = any(said != "ok" and not said.startswith("degraded") for said in parts.values())
        status = "not_ready" if broken else "degraded" if degraded else "ready"
        return encoded({"status": status, "parts": parts}, 503 if broken else 200)

    async def metrics(self, request: Request) -> Response:
        return Response(await self._scrape(), media_type=CONTENT_TYPE_LATEST)

    async def config(self, request: Request) -> Response:
        return encoded(self._config)

    async def sign_in(self, request: Request) -> Response:
        assert self._issuer is not None
        # A foreign page whose name was pointed at this machine would be of our own origin, and so read the token.
        if request.url.hostname not in OWN_NAMES:
            raise Refused("forbidden", "The development sign-in is for this machine; open http://127.0.0.1 instead.")
        email = (await json_of(request, SignIn)).email.strip()
        name, at, domain = email.partition("@")
        if (
            not at or not name or "." not in domain or "@" in domain or len(email) > EMAIL_MAX_CHARACTERS
            or not email.isprintable() or " " in email
        ):  # fmt: skip
            raise Refused("bad_content", "This is no e-mail address; write one like asha@example.com.")
        user = await self._users.by_email(email, uuid4())
        return encoded(SignedIn(self._issuer.issue(user.email, user.id), profile(user)))
