"""What is sent: honest frames, frames with a hostile field, bytes that were a frame once. Seeded, and without I/O."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

import msgspec

from chatserver.core.client_frames import AnyClientFrame, Auth, Hello
from chatserver.core.protocol import CONTENT_MAX_CHARACTERS, FRAME_MAX_BYTES

TYPES: dict[str, type[msgspec.Struct]] = {
    str(one.__struct_config__.tag): one for one in get_args(AnyClientFrame) if one not in (Hello, Auth)
}
# What starts an answer or writes a row is said less often: a million frames are to be a million.
WEIGHTS = {"post": 2, "retry": 2, "draft": 1, "close": 0.2, "join": 4, "note": 2, "ask_human": 2, "cancel_human": 2}
OFTEN = 6.0

INTEGERS: Sequence[Any] = (
    0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 1.0, 1.5, 1e400, -0.0, True,
)  # fmt: skip
TEXTS: Sequence[str] = (
    "", " ", "\u0000", "a\u0000b", "\u202e\u2066", "\ufeff", "\U000e0041\U000e0042", "\u200b", "\ufffe", "\u0300" * 400,
    "'; drop table users; --", "$1", "%s%n{0}", "<img src=x onerror=alert(1)>", "[J1] [J999999999999] http://x.example",
    "../../etc/passwd", "x" * 64, "x" * 65, "x" * 500, "x" * 501, "\U0001f600" * 1_001,
    "y" * CONTENT_MAX_CHARACTERS, "y" * (CONTENT_MAX_CHARACTERS + 1), "\r\nX: y", "٣٤", "null",
)  # fmt: skip
OTHERS: Sequence[Any] = (None, [], {}, [[]], {"$": 1}, False, 0.5, ["00000000-0000-4000-8000-000000000000"])
IDS: Sequence[str] = (
    "", "0", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-567812345678",
    "12345678123456781234567812345678", "1234567812345678123456781234567g",
)  # fmt: skip
# JSON as no encoder of ours would write it.
SPELLINGS: Sequence[bytes] = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"01", b"1" * 400, b'"\\ud800"', b'"\\udfff\\ud800"',
    b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\xaf"', b"'x'", b"undefined", b"[" * 2_000 + b"]" * 2_000,
    b'{"a":' * 500 + b"1" + b"}" * 500, b'"\\x41"', b"tru", b'"\t"',
)  # fmt: skip
WHOLES: Sequence[bytes] = (
    b"", b" ", b"{}", b"[]", b"null", b"0", b'""', b'"post"', b'{"type":null}', b'{"type":[]}', b'{"type":"\\u0000"}',
    b'{"type":"internal"}', b'{"type":"welcome"}', b'{"type":"post"', b"[" * 60_000, b'{"a":' * 20_000,
    b"\xef\xbb\xbf{}", b'{"type":"typing"}{"type":"typing"}', b"\xff\xfe{\x00}\x00",
    b"{" + b'"x":1,' * 9_000 + b'"type":"watch"}',
)  # fmt: skip


@dataclass
class Known:
    """What an honest client of this person would have in its hands."""

    sessions: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Sessions that are somebody else's."""
    barred: list[str] = field(default_factory=list)
    """Sessions that are left alone, though they might be had."""
    people: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    seq: int = 0
    turn: int = 0
    tokens: list[str] = field(default_factory=list)
    """The first is their own; the others are another's, a dead one, and what is none."""
    ids: list[str] = field(default_factory=list)
    """Of what they have said already."""
    mark: str = ""
    """Every text of theirs bears it."""


class Forge:
    def __init__(self, chance: random.Random, known: Known) -> None:
        self.chance = chance
        self.known = known
        self._names = sorted(TYPES)
        self._weights = [WEIGHTS.get(name, OFTEN) for name in self._names]

    # Frames

    def honest(self) -> dict[str, Any]:
        (name,) = self.chance.choices(self._names, self._weights)
        frame: dict[str, Any] = {"type": name}
        for one in msgspec.structs.fields(TYPES[name]):
            if one.name != "ref" and (one.required or self.chance.random() < 0.4):
                frame[one.name] = self._value(one.name, name)
        if self.chance.random() < 0.3:
            frame["ref"] = f"r{self.chance.randrange(1_000)}"
        return frame

    def hostile(self) -> bytes:
        """An honest frame with one field, or a few, that nobody honest would send."""
        frame = self.honest()
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            name = self.chance.choice([*frame, "ref", "session", "more"])
            frame[name] = self._bad()
        if self.chance.random() < 0.2:
            frame.pop(self.chance.choice(list(frame)))
        written = msgspec.json.encode(frame)
        if self.chance.random() < 0.3:
            written = self._spelled(frame, self.chance.choice(SPELLINGS))
        if self.chance.random() < 0.1:
            # A name twice: two readers might each believe another.
            written = written[:-1] + b"," + msgspec.json.encode(self.honest())[1:]
        return written

    def mutated(self) -> bytes:
        data = bytearray(msgspec.json.encode(self.honest()))
        for _ in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(data) + 1)
            match self.chance.randrange(6):
                case 0 if at < len(data):
                    data[at] ^= 1 << self.chance.randrange(8)
                case 1:
                    data[at:at] = self.chance.randbytes(self.chance.randint(1, 4))
                case 2:
                    del data[at : at + self.chance.randint(1, 8)]
                case 3:
                    data[at:at] = data[at : at + self.chance.randint(1, 40)]
                case 4:
                    data[at:at] = self.chance.choice(SPELLINGS)[:3_000]
                case _:
                    del data[at:]
            if not data:
                break
        return bytes(data)

    def whole(self) -> bytes:
        """What is no frame at all."""
        if self.chance.random() < 0.5:
            return self.chance.choice(WHOLES)
        return self.chance.randbytes(self.chance.choice((1, 2, 10, 100, 1_000)))

    def sized(self) -> bytes:
        """At the bound of a frame, and beyond it."""
        head, tail = b'{"type":"watch","more":"', b'"}'
        over = self.chance.choice((-1, 0, 0, 1, 2, 1_000, 3 * FRAME_MAX_BYTES))
        return head + b"x" * (FRAME_MAX_BYTES + over - len(head) - len(tail)) + tail

    # Values

    def _value(self, name: str, type: str) -> Any:
        chance, known = self.chance, self.known
        match name:
            case "session":
                foreign = known.foreign and chance.random() < 0.1
                return chance.choice(known.foreign if foreign else known.sessions or [self._id()])
            case "id":
                if not known.ids or chance.random() < 0.7:
                    known.ids = [*known.ids[-20:], self._id()]
                return chance.choice(known.ids)
            case "new":
                return chance.choice(known.ids) if known.ids and chance.random() < 0.9 else self._id()
            case "job":
                return chance.choice(known.jobs or [self._id()])
            case "to":
                return chance.choice(known.people or [self._id()])
            case "content" | "reason" | "comment" | "hint":
                size = chance.choice((1, 3, 10, 10, 60)) if name == "content" else 3
                return " ".join(
                    [known.mark, *(chance.choice(("job", "मराठी", "\U0001f600", "\u202e", "?")) for _ in range(size))]
                )
            case "seq" | "after":
                return max(0, known.seq + chance.randint(-30, 2))
            case "turn":
                return max(0, known.turn + chance.randint(-1, 1))
            case "rating":
                return chance.choice((1, 0, -1))
            case "on":
                return chance.random() < 0.5
        raise AssertionError(f"the fuzzer knows no honest value for {name} of {type}; give it one")

    def token(self, honest: float) -> str:
        return self.known.tokens[0] if self.chance.random() < honest else self.chance.choice(self.known.tokens)

    def _id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def _bad(self) -> Any:
        choose: Sequence[Any] = self.chance.choice((INTEGERS, TEXTS, OTHERS, IDS))
        found = self.chance.choice(choose)
        # Infinity has no JSON; as a spelling it comes all the same.
        return 10**300 if found == float("inf") else found

    def _spelled(self, frame: dict[str, Any], spelling: bytes) -> bytes:
        name = self.chance.choice(list(frame) or ["type"])
        rest = {key: value for key, value in frame.items() if key != name}
        joint = b"," if rest else b""
        return msgspec.json.encode(rest)[:-1] + joint + msgspec.json.encode(name) + b":" + spelling + b"}"


# RFC 6455


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


PASSING: Sequence[Callable[[Forge], bytes]] = (
    lambda forge: framed(b"", opcode=9),
    lambda forge: framed(forge.chance.randbytes(125), opcode=9),
    lambda forge: framed(b"unasked", opcode=10),
    lambda forge: framed(forge.chance.randbytes(40), opcode=2),
    lambda forge: framed(b"", opcode=1, fin=False) + framed(b"{}", opcode=0),
    lambda forge: in_pieces(forge, msgspec.json.encode(forge.honest())),
    lambda forge: in_pieces(forge, msgspec.json.encode(forge.honest())),
    lambda forge: b"".join(framed(b"", opcode=0 if n else 1, fin=n == 40) for n in range(41)),
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


def in_pieces(forge: Forge, payload: bytes) -> bytes:
    cuts = sorted(forge.chance.randrange(len(payload) + 1) for _ in range(forge.chance.randint(1, 6)))
    pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    between = framed(b"", opcode=9) if forge.chance.random() < 0.3 else b""
    return between.join(
        framed(piece, opcode=0 if place else 1, fin=place == len(pieces) - 1) for place, piece in enumerate(pieces)
    )


KEY = b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n"
OPENING = b"GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\n" + UPGRADE + KEY + b"\r\n"
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
