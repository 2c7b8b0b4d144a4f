"""An ASGI application on a free port of this machine, for as long as a test needs it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import Any

import uvicorn

from chatserver.web.http import http_with
from chatserver.web.limits import Addresses

STOP_SECONDS = 1


class Server(uvicorn.Server):
    """Stops at once, not at the next tick, and leaves signals to the test run."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopped = asyncio.Event()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def main_loop(self) -> None:
        await self.stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # Who is idle is gone by the next turn; the tenth of a second that uvicorn waits is for others.
        await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """The URL of the server, without a slash at its end."""
    # A socket that does not say that it is TCP gets no TCP_NODELAY, and every answer waits for an acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        # Whoever connects before the server runs waits in the kernel's queue.
        listener.listen()
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan="off",
            http=http_with(Addresses(0)),
            ws="none",
            timeout_graceful_shutdown=STOP_SECONDS,
            access_log=False,
        )
        server = Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stopped.set()
            await running
