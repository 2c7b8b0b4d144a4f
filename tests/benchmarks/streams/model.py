"""A model's server that streams like the real one: `TOKENS` tokens per answer, `RATE` per second, each with its time.

As a process it prints its port. A token is `w` and the microseconds of the monotonic clock, written when it is sent:
the clock is the machine's, so a client in another process can tell how long the token was under way. It is written in
letters, for answers are prose: a text of a hundred numbers takes several times as long to search for telephones and
for pay.
"""

import asyncio
import re
import time
from typing import cast

import uvloop

TOKENS = 100
RATE = 50
DIGITS, LETTERS = b"0123456789abcdef", b"abcdefghijklmnop"
IN_LETTERS = bytes.maketrans(DIGITS, LETTERS)
IN_DIGITS = bytes.maketrans(LETTERS, DIGITS)

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
)


def _event(kind: str, rest: str) -> bytes:
    event = f'event: {kind}\ndata: {{"type":"{kind}"{rest}}}\n\n'.encode()
    return b"%x\r\n%s\r\n" % (len(event), event)


_BEGIN = (
    _HEAD
    + _event(
        "message_start",
        ',"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,'
        '"stop_sequence":null,"usage":{"input_tokens":900,"output_tokens":1}}',
    )
    + _event("content_block_start", ',"index":0,"content_block":{"type":"text","text":""}')
    + _event("ping", "")
)
_END = (
    _event("content_block_stop", ',"index":0')
    + _event(
        "message_delta",
        f',"delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{TOKENS}}}',
    )
    + _event("message_stop", "")
    + b"0\r\n\r\n"
)


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._asked = b""
        self._left = 0
        self._at = 0.0
        self._next: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        self._asked += data
        head, end, body = self._asked.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head)
        if len(body) >= (int(length[1]) if length else 0):
            self._asked = b""
            self._transport.write(_BEGIN)
            self._left = TOKENS
            self._at = self._loop.time()
            self._say()

    def connection_lost(self, error: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()

    def _say(self) -> None:
        if self._left == 0:
            self._transport.write(_END)
            return
        self._left -= 1
        sent = (b"%x" % (time.monotonic_ns() // 1000)).translate(IN_LETTERS).decode()
        text = f"w{sent} "
        self._transport.write(
            _event("content_block_delta", f',"index":0,"delta":{{"type":"text_delta","text":"{text}"}}')
        )
        self._at += 1 / RATE
        self._next = self._loop.call_at(self._at, self._say)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
