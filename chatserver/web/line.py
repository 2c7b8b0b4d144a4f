"""One WebSocket on the wire, as uvicorn's protocol: what it holds is bounded both ways, and idle it holds little.

The handshake is an ASGI call like any other, so that routes, origins and proxies are judged as for every request. Once
the application has accepted and attached a receiver, its call ends and all that belonged to it is forgotten: frames go
by plain calls, without a task, a queue and an event for each connection.
"""

import asyncio
import fcntl
import logging
import socket
import struct
import termios
from typing import Any, Protocol, cast

import uvicorn
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER
from websockets.protocol import Protocol as Frames

from chatserver.web.handshake import Handshake

KERNEL_BYTES = 64 * 1024
"""For each direction (Linux doubles it, for its own needs). Else the kernel takes 4 MB from a server that writes to
somebody who does not read, and 32 MB from somebody who writes faster than they are read."""
HIGH_BYTES = 64 * 1024
LOW_BYTES = 16 * 1024
"""Of the transport's buffer: above the one no frame is begun, below the other the next ones are."""
SLICE_BYTES = 4 * 1024
"""So much is parsed at a time: the smallest frames become objects thirty times their size."""
CLOSE_SECONDS = 10.0
"""So long a client may take to read its way to the close frame; then it is forgotten with what it has not read."""
STOP_SECONDS = 1.0

# Frames bear what people write to each other: no level of logging shows them.
_errors = logging.getLogger(f"{__name__}.frames")
_errors.setLevel(logging.ERROR)


class Receiver(Protocol):
    """Whom a line tells; nothing of this may block."""

    @property
    def busy(self) -> bool:
        """Whether nothing more is to be read just now; `Line.read_on` says that this is over."""
        ...

    def received(self, message: str | bytes) -> None: ...
    def poked(self) -> None:
        """A frame came that ends no message: a ping, a pong, a fragment."""
        ...

    def writable(self) -> None: ...
    def lost(self) -> None: ...


_last = ("", b"")


def framed(text: str) -> bytes:
    """The frame as it crosses the wire. What goes to many one after the other is encoded once."""
    global _last
    known, frame = _last
    if known is not text:
        data = text.encode()
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x81, size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x81, 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 127, size)
        frame = head + data
        # A large frame is nobody's but the asker's, and not worth keeping.
        if size < SLICE_BYTES:
            _last = (text, frame)
    return frame


class Line(asyncio.Protocol):
    """Made by uvicorn when a request asks for a WebSocket."""

    __slots__ = (
        "_closing", "_connections", "_descriptor", "_fragments", "_frames", "_handshake", "_held_frames", "_is_binary",
        "_lost", "_paused_reading", "_receiver", "_timer", "_transport", "_unparsed", "paused", "written",
    )  # fmt: skip

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        self._handshake: Handshake | None = Handshake(config, server_state, app_state)
        self._connections = cast(set[Any], server_state.connections)
        self._frames = Frames(SERVER, state=OPEN, max_size=config.ws_max_size, logger=_errors)
        self._transport: asyncio.Transport
        self._receiver: Receiver | None = None
        self._unparsed = b""
        self._held_frames: list[Frame] = []
        self._fragments: bytearray | None = None
        self._is_binary = False
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor = -1
        self._paused_reading = False
        self._closing = False
        self._lost = False
        self.paused = False
        """Whether what was written waits: more is to be kept where it can be merged, dropped and read again."""
        self.written = 0
        """Bytes, ever."""

    # From uvicorn and the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._transport.set_write_buffer_limits(HIGH_BYTES, LOW_BYTES)
        connected: socket.socket | None = transport.get_extra_info("socket")
        if connected is not None:
            self._descriptor = connected.fileno()
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = self._closing = True
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        self._unparsed, self._held_frames, self._fragments = b"", [], None
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost()

    def shutdown(self) -> None:
        """uvicorn ends: who has not gone by now goes with the shortest of words."""
        if self._handshake is not None:
            self.hang_up()
        elif self._closing:
            self._end(STOP_SECONDS)
        else:
            self.close(1012, "", STOP_SECONDS)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self._receiver is not None:
            self._receiver.writable()
        self.read_on()

    def data_received(self, data: bytes) -> None:
        if self._handshake is not None and not self._handshake.began:
            data = self._handshake.receive(data, self, self._transport)
        if data:
            self._unparsed = self._unparsed + data if self._unparsed else bytes(data)
        self.read_on()

    # The handshake

    @property
    def attached(self) -> bool:
        return self._handshake is None

    def attach(self, receiver: Receiver) -> None:
        """Every message from now on is for `receiver`; the ASGI call may end."""
        self._handshake = None
        if self._lost:
            receiver.lost()
            return
        self._receiver = receiver
        self.read_on()

    # Reading

    @property
    def _is_held(self) -> bool:
        # Who does not read what they asked for is not read from either.
        return not self._closing and (self._receiver is None or self._receiver.busy or self.paused)

    def read_on(self) -> None:
        """Takes up what was left and then reads on, as far as the receiver is free and what was written has left."""
        while True:
            while not self._held_frames and self._unparsed:
                self._parse()
            # That the client goes is heard at once, unless it has something to say before it.
            if not self._held_frames or (self._is_held and self._held_frames[0].opcode is not Opcode.CLOSE):
                break
            self._take(self._held_frames.pop(0))
        # A little is read ahead: to stop and go on for every frame would cost more than it saves.
        pauses = self._is_held and len(self._unparsed) > SLICE_BYTES
        if self._lost or self._paused_reading == pauses:
            return
        self._paused_reading = pauses
        if pauses:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _parse(self) -> None:
        piece, self._unparsed = self._unparsed[:SLICE_BYTES], self._unparsed[SLICE_BYTES:]
        self._frames.receive_data(piece)
        self._held_frames = cast(list[Frame], self._frames.events_received())
        if answer := b"".join(self._frames.data_to_send()):
            self.write(answer)
        if self._frames.parser_exc is not None:
            # The close frame went with the answer. What the client is still writing is read and thrown away: an end
            # with unread bytes is a reset, which overtakes that frame.
            self._end(CLOSE_SECONDS)
            if not self._lost:
                self._transport.write_eof()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.hang_up()
        if self._closing or self._receiver is None:
            return
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            self._receiver.poked()
            return
        if frame.opcode is not Opcode.CONT:
            self._is_binary = frame.opcode is Opcode.BINARY
            self._fragments = None if frame.fin else bytearray(frame.data)
        elif self._fragments is not None:
            self._fragments += frame.data
        if not frame.fin:
            self._receiver.poked()
            return
        whole = bytes(frame.data if self._fragments is None else self._fragments)
        self._fragments = None
        # What is no text of this protocol is left as bytes, and judged as such.
        message: str | bytes
        try:
            message = b"" if self._is_binary else whole.decode()
        except UnicodeDecodeError:
            message = whole
        self._receiver.received(message)

    # Writing

    def send(self, text: str) -> None:
        if self._frames.state is OPEN:
            self.write(framed(text))

    def write(self, data: bytes) -> None:
        if not self._lost:
            self.written += len(data)
            self._transport.write(data)

    @property
    def waiting(self) -> int:
        """Bytes written that the client's system has not acknowledged: ours, and the kernel's."""
        if self._lost:
            return 0
        waiting = self._transport.get_write_buffer_size()
        try:
            (unacknowledged,) = struct.unpack("i", fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))
        except OSError:
            # A system that does not tell.
            return waiting
        return waiting + int(unacknowledged)

    def close(self, code: int, reason: str, seconds: float = CLOSE_SECONDS) -> None:
        """Says why after what was written, and ends the connection when the client has heard it, or at last."""
        if self._closing:
            return
        if self._frames.state is OPEN:
            self._frames.send_close(code, reason)
            self.write(b"".join(self._frames.data_to_send()))
        self._end(seconds)
        self.read_on()

    def hang_up(self) -> None:
        """Ends the connection after what was written."""
        self._end(STOP_SECONDS)
        if not self._lost:
            self._transport.close()

    def _end(self, seconds: float) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if not self._lost:
            # Closing a transport waits for its buffer, which somebody who never reads never empties.
            self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.abort)
