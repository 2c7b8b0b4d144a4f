"""Runs one hub node until it is told to leave."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn

from chatserver.adapters.migrate import pending
from chatserver.app import application
from chatserver.core.ports import Unavailable
from chatserver.core.protocol import FRAME_MAX_BYTES
from chatserver.node import MIGRATIONS, open_node
from chatserver.settings import Settings
from chatserver.web.http import http_with
from chatserver.web.limits import Addresses
from chatserver.web.line import Line

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - behind a platform's router, with a real issuer of tokens
LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
BACKLOG = 2_048


class _Server(uvicorn.Server):
    """uvicorn without its own idea of signals: it would close every socket before anybody was told."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: Settings, host: str | None, port: int | None) -> socket.socket:
    """The listening socket. Raises `Unavailable` where the port is taken or the address is not to be had."""
    if settings.is_development and host is not None and host not in LOOPBACK_HOSTS:
        raise Unavailable("Without SUPABASE_URL anybody can sign in, so the server listens on loopback only; set it.")
    host = host or (LOOPBACK if settings.is_development else ANY_ADDRESS)
    port = settings.port if port is None else port
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        raise Unavailable(
            f"Port {port} on {host} cannot be had ({error.strerror}); choose another with --port."
        ) from error


async def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Runs one node until SIGTERM or SIGINT. Raises `Unavailable` where it cannot start."""
    if not settings.database_url or not settings.redis_url:
        raise Unavailable(
            "DATABASE_URL and REDIS_URL are not set; set them, or use `chatserver up`, which brings its own."
        )
    listening = listen(settings, host, port)
    try:
        async with open_node(settings) as node:
            if await pending(settings.database_url, MIGRATIONS):
                raise Unavailable("The database is not up to date; run `chatserver migrate` first.")
            await node.start()
            # What is loaded stays: to look through it takes tens of milliseconds, in which nothing is sent.
            gc.collect()
            gc.freeze()
            addresses = Addresses(settings.limit_connections_per_address, settings.trusted_proxies)
            proxies = ",".join(str(network) for network in settings.trusted_proxies)
            server = _Server(uvicorn.Config(
                application(node), log_config=None, access_log=False, lifespan="off",
                http=http_with(addresses), ws=Line, ws_max_size=FRAME_MAX_BYTES,
                proxy_headers=bool(proxies), forwarded_allow_ips=proxies or None,
                server_header=False, timeout_graceful_shutdown=int(STOP_SECONDS), loop="none",
            ))  # fmt: skip
            leaving = asyncio.Event()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, leaving.set)
            running = asyncio.create_task(server.serve([listening]))
            address = listening.getsockname()
            log.info("listening on http://%s:%s", address[0], address[1])
            leave = asyncio.create_task(leaving.wait())
            await asyncio.wait({running, leave}, return_when=asyncio.FIRST_COMPLETED)
            await node.leave()
            server.should_exit = True
            await running
            leave.cancel()
    finally:
        listening.close()
