"""Beneath the frames of the protocol: what RFC 6455 allows and forbids, and handshakes that are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tests.fuzz.forge import Forge


def framed(
    payload: bytes, *, opcode: int = 1, fin: bool = True, mask: bytes | None = b"\1\2\3\4", rsv: int = 0
) -> bytes:
    """As a client sends it; `mask` None is none."""
    bit = 0x80 if mask is not None else 0
    size = len(payload)
    if size < 126:
        length = bytes([bit | size])
    elif size < 65_536:
        length = bytes([bit | 126]) + size.to_bytes(2)
    else:
        length = bytes([bit | 127]) + size.to_bytes(8)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length
    if mask is None:
        return head + payload
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return head + mask + (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")


@dataclass(frozen=True, slots=True)
class Passing:
    """Bytes that the protocol beneath allows, and what the server takes them for."""

    data: bytes
    message: bytes | None = None
    is_binary: bool = False
    pings: tuple[bytes, ...] = ()
    """Each comes back as a pong."""


def _ping(payload: bytes) -> Passing:
    return Passing(framed(payload, opcode=9), pings=(payload,))


def _bytes(payload: bytes) -> Passing:
    return Passing(framed(payload, opcode=2), payload, is_binary=True)


PASSING: Sequence[Callable[[Forge], Passing]] = (
    lambda forge: _ping(b""),
    lambda forge: _ping(forge.chance.randbytes(125)),
    lambda forge: Passing(framed(b"unasked", opcode=10)),
    lambda forge: _bytes(forge.chance.randbytes(40)),
    lambda forge: Passing(framed(b"", opcode=1, fin=False) + framed(b"{}", opcode=0), b"{}"),
    lambda forge: in_pieces(forge, msgspec.json.encode(forge.honest())),
    lambda forge: in_pieces(forge, msgspec.json.encode(forge.honest())),
    lambda forge: in_pieces(forge, forge.hostile()),
    lambda forge: Passing(b"".join(framed(b"", opcode=0 if n else 1, fin=n == 40) for n in range(41)), b""),
)  # fmt: skip
"""What the protocol below allows."""

ENDING: Sequence[Callable[[Forge], bytes]] = (
    lambda forge: framed(b"{}", rsv=4),
    lambda forge: framed(b"{}", rsv=2),
    lambda forge: framed(b"{}", opcode=3),
    lambda forge: framed(b"{}", opcode=11),
    lambda forge: framed(b"{}", mask=None),
    lambda forge: framed(b"x" * 126, opcode=9),
    lambda forge: framed(b"x", opcode=9, fin=False),
    lambda forge: framed(b"{}", opcode=0),
    lambda forge: framed(b"{", fin=False) + framed(b"{}"),
    lambda forge: b"\x81\xff" + (2**63).to_bytes(8) + b"\1\2\3\4",
    lambda forge: b"\x81\xff" + (2**62).to_bytes(8) + b"\1\2\3\4",
    lambda forge: b"\x81\xff" + (2**63 - 1).to_bytes(8) + b"\1\2\3\4" + b"x" * 100,
    lambda forge: framed(b"\x03", opcode=8),
    lambda forge: framed((1005).to_bytes(2), opcode=8),
    lambda forge: framed((65_535).to_bytes(2), opcode=8),
    lambda forge: framed((1000).to_bytes(2) + b"\xff\xfe", opcode=8),
    lambda forge: framed((4999).to_bytes(2) + b"x" * 123, opcode=8),
    lambda forge: framed(b"", opcode=8) + framed(b"{}") * 5,
    lambda forge: forge.chance.randbytes(forge.chance.choice((1, 20, 400, 5_000))),
    lambda forge: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip
"""What it forbids, and ends of every kind."""


def in_pieces(forge: Forge, payload: bytes) -> Passing:
    cuts = sorted(forge.chance.randrange(len(payload) + 1) for _ in range(forge.chance.randint(1, 6)))
    pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    pings = (b"",) * (len(pieces) - 1) if forge.chance.random() < 0.3 else ()
    between = framed(b"", opcode=9) if pings else b""
    data = between.join(
        framed(piece, opcode=0 if place else 1, fin=place == len(pieces) - 1) for place, piece in enumerate(pieces)
    )
    return Passing(data, payload, pings=pings)


KEY = b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
OPENING = b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\n" + UPGRADE + KEY + b"\r\n"


def opening(address: str = "") -> bytes:
    """`address` is whose it is, as a trusted proxy says."""
    return OPENING.replace(b"\r\n\r\n", b"\r\nx-forwarded-for: %s\r\n\r\n" % address.encode()) if address else OPENING


OPENINGS: Sequence[bytes] = (
    OPENING.replace(b"13", b"12"),
    OPENING.replace(b"13", b"\xff\xfe"),
    OPENING.replace(KEY, b""),
    OPENING.replace(KEY, KEY * 2),
    OPENING.replace(b"AAAA==", b"!"),
    OPENING.replace(b"host", b"x-odd: \xff\xfe\x80\r\nhost"),
    OPENING.replace(b"host", b"origin: \xff\r\nhost"),
    OPENING.replace(b"host", b"origin: null\r\nhost"),
    OPENING.replace(b"host", b"origin: https://127.0.0.1\r\norigin: http://127.0.0.1\r\nhost"),
    OPENING.replace(b"host: 127.0.0.1\r\n", b""),
    OPENING.replace(b"host: 127.0.0.1", b"host: \xe4\xbd\xa0"),
    OPENING.replace(b"host: 127.0.0.1", b"host: [::1"),
    OPENING.replace(b"GET /ws", b"POST /ws"),
    OPENING.replace(b"GET /ws", b"GET /ws?\xff"),
    OPENING.replace(b"GET /ws", b"GET http://evil.example/ws"),
    OPENING.replace(b"GET /ws", b"GET /ws%00"),
    OPENING.replace(b"GET /ws", b"GET /%2e%2e/ws"),
    OPENING.replace(b"GET /ws", b"GET //ws"),
    OPENING.replace(b"/1.1", b"/1.0"),
    OPENING.replace(b"host", b"cookie: " + b"x" * 20_000 + b"\r\nhost"),
    OPENING.replace(b"host", b"cookie: " + b"x" * 200_000 + b"\r\nhost"),
    OPENING.replace(b"host", b"x: y\r\n" * 500 + b"host"),
    OPENING.replace(b"host", b"content-length: 5\r\nhost"),
    OPENING.replace(b"host", b"transfer-encoding: chunked\r\nhost"),
    OPENING.replace(b"host", b"sec-websocket-extensions: " + b"permessage-deflate; " * 50 + b"\r\nhost"),
    OPENING.replace(b"host", b"sec-websocket-extensions: ;;,=\r\nhost"),
    OPENING.replace(b"host", b"sec-websocket-protocol: a, b,,\r\nhost"),
    OPENING.replace(b"Upgrade", b"keep-alive, Upgrade, close"),
    OPENING.replace(b"websocket\r\n", b"h2c\r\n"),
    b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" + OPENING,
    OPENING + framed(b'{"type":"hello"}'),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n\r\n\r\n",
)  # fmt: skip
"""Handshakes that are none, or odd ones."""
