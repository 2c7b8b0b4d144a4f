"""What a node answers to: its routes, and what stands before all of them."""

from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import BaseRoute, WebSocketRoute

from chatserver.node import Node
from chatserver.settings import Settings
from chatserver.web import pages
from chatserver.web.admin import AdminRoutes
from chatserver.web.consent import ConsentRoutes
from chatserver.web.health import HealthRoutes
from chatserver.web.jobs import JobRoutes
from chatserver.web.me import PeopleRoutes
from chatserver.web.openapi import description_routes
from chatserver.web.requests import Requests
from chatserver.web.rest import HANDLERS
from chatserver.web.security import SecureHeaders
from chatserver.web.sessions import SessionRoutes
from chatserver.web.turnstile import Turnstile

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def config_of(node: Node) -> dict[str, object]:
    settings = node.settings
    sign_in: dict[str, object] = {"kind": "development"}
    if not settings.is_development:
        sign_in = {
            "kind": "supabase", "url": settings.supabase_url, "publishable_key": settings.supabase_publishable_key
        }  # fmt: skip
    return {
        "sign_in": sign_in,
        "assistant": {"kind": node.assistant.kind, "model": node.assistant.model},
        "timezone": str(settings.timezone),
        "always_open": settings.business_hours.openings is None,
        "admin_lease_seconds": settings.admin_lease_seconds,
    }


def routes_of(node: Node) -> list[BaseRoute]:
    described: list[BaseRoute] = [
        *HealthRoutes(node.users, config_of(node), node.ready, node.metrics.exposition, node.issuer).routes(),
        *PeopleRoutes(node.users, node.resumes, node.erasure, node.allowances).routes(),
        *ConsentRoutes(node.users, node.consents, node.resumes, node.allowances).routes(),
        *JobRoutes(node.users, node.jobs, node.allowances).routes(),
        *AdminRoutes(node.users, node.runs, node.overviews).routes(),
        *SessionRoutes(node.users, node.conversations, node.reading).routes(),
    ]
    return [
        WebSocketRoute("/ws", node.sockets.endpoint),
        *described,
        *description_routes(described),
        *pages.routes(node.settings.supabase_url),
    ]


def hosts_of(settings: Settings) -> list[str]:
    """The names by which this server may be called; `*` is any.

    Where anybody may sign in as anybody, a page of elsewhere whose name suddenly leads to this machine is of the same
    origin as the server, and nothing else would keep it out.
    """
    if not settings.is_development:
        return ["*"]
    named = (settings.public_url, *settings.allowed_origins)
    return [*LOOPBACK_HOSTS, *(str(urlsplit(origin).hostname) for origin in named if origin)]


def application(node: Node) -> Starlette:
    doors = node.sockets.doors
    app = Starlette(
        routes=routes_of(node), exception_handlers=HANDLERS,
        middleware=[
            Middleware(Requests, node.metrics), Middleware(SecureHeaders, node.origins, node.is_https),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts_of(node.settings), www_redirect=False),
            Middleware(Turnstile, doors),
        ],
    )  # fmt: skip
    app.router.redirect_slashes = False
    app.state.doors = doors
    return app
