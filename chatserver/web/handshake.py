"""The opening of a WebSocket as an ASGI call: it is over when the application has accepted or refused."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote

import uvicorn
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

log = logging.getLogger(__name__)
# The headers of a handshake may bear what signs people in: no level of logging shows them.
errors = logging.getLogger(f"{__name__}.errors")
errors.setLevel(logging.ERROR)

EXTENSION = "chatserver.line"
"""Where an endpoint finds the line in its scope."""


class Opening(Protocol):
    """The connection, as far as its opening goes."""

    def write(self, data: bytes) -> None: ...
    def hang_up(self) -> None:
        """Ends the connection after what was written."""
        ...

    @property
    def attached(self) -> bool: ...


class Handshake:
    """One request for a WebSocket, until it is answered. It is forgotten whole: a browser's headers are kilobytes."""

    def __init__(self, config: uvicorn.Config, state: ServerState, app_state: dict[str, Any]) -> None:
        self._config = config
        self._state = state
        self._app_state = app_state
        self._protocol = ServerProtocol(logger=errors)
        self._response: Response | None = None
        self._answered = False
        self._told = False
        self.began = False

    def receive(self, data: bytes, opening: Opening, transport: asyncio.Transport) -> bytes:
        """Takes what came; the result is what came after the request. Once it is whole, the application is called."""
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        if not events:
            if self._protocol.handshake_exc is not None:
                self.began = self._answered = True
                self._send(opening)
                opening.hang_up()
            return b""
        self.began = True
        request = events[0]
        assert isinstance(request, Request)
        self._response = self._protocol.accept(request)
        if self._response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._answer(opening, self._response)
            opening.hang_up()
            return b""
        task = asyncio.get_running_loop().create_task(self._call(self._scope(request, opening, transport), opening))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)
        return bytes(self._protocol.reader.buffer)

    def _scope(self, request: Request, opening: Opening, transport: asyncio.Transport) -> dict[str, Any]:
        path, _, query = request.path.partition("?")
        root = self._config.root_path
        return {
            "type": "websocket", "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "http_version": "1.1", "scheme": "wss" if is_ssl(transport) else "ws", "server": get_local_addr(transport),
            "client": get_remote_addr(transport), "root_path": root, "path": root + unquote(path),
            "raw_path": root.encode() + path.encode(), "query_string": query.encode(),
            "headers": [(key.encode(), value.encode("latin-1")) for key, value in request.headers.raw_items()],
            "subprotocols": [], "state": self._app_state.copy(), "extensions": {EXTENSION: opening},
        }  # fmt: skip

    async def _call(self, scope: dict[str, Any], opening: Opening) -> None:
        async def receive() -> dict[str, Any]:
            # After the handshake an application hears by its receiver.
            told, self._told = self._told, True
            return {"type": "websocket.disconnect", "code": 1006} if told else {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            if self._answered:
                return
            if message["type"] == "websocket.accept":
                assert self._response is not None
                self._answer(opening, self._response)
            else:
                self._answer(opening, self._protocol.reject(HTTPStatus.FORBIDDEN, ""))

        call: Callable[..., Any] = self._config.loaded_app
        try:
            await call(scope, receive, send)
        except Exception:
            log.exception("a handshake failed")
        if not self._answered:
            self._answer(opening, self._protocol.reject(HTTPStatus.INTERNAL_SERVER_ERROR, ""))
        if not opening.attached:
            opening.hang_up()

    def _answer(self, opening: Opening, response: Response) -> None:
        self._answered = True
        self._protocol.send_response(response)
        self._send(opening)

    def _send(self, opening: Opening) -> None:
        opening.write(b"".join(self._protocol.data_to_send()))
