"""What is sent: honest frames, frames with a hostile field, bytes that were a frame once. Seeded, and without I/O."""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, get_args
from uuid import UUID

import msgspec

from chatserver.core.client_frames import AnyClientFrame, Auth, Hello
from chatserver.core.protocol import CONTENT_MAX_CHARACTERS, FRAME_MAX_BYTES
from tests.fuzz.known import Known, Told, copied
from tests.fuzz.story import next_deed

TYPES: dict[str, type[msgspec.Struct]] = {
    str(one.__struct_config__.tag): one for one in get_args(AnyClientFrame) if one not in (Hello, Auth)
}
FIELDS = {name: msgspec.structs.fields(one) for name, one in TYPES.items()}
# What starts an answer or writes a row is said less often: a million frames are to be a million.
WEIGHTS = {"post": 1, "retry": 1, "draft": 1, "close": 0.1, "join": 2, "note": 2, "ask_human": 2}
OFTEN = 6.0
AGAIN = 0.06
ANYTHING = 0.2
NOTE = "for-admins-eyes"
"""Every note bears it."""

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


class Forge:
    """`joined` are the sessions that this connection listens to, as it goes along."""

    def __init__(
        self,
        chance: random.Random,
        known: Known,
        role: str = "seeker",
        joined: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.chance = chance
        self.known = known
        self._role = role
        self._joined = joined
        self._names = sorted(TYPES)
        self._weights = [WEIGHTS.get(name, OFTEN) for name in self._names]

    # Frames

    def honest(self) -> dict[str, Any]:
        """Mostly what fits what was heard last; else anything, or once more what was said before."""
        which = self.chance.random()
        if which < AGAIN and self.known.frames:
            return copied(self.chance.choice(self.known.frames))
        given: dict[str, Any] = {}
        if which < AGAIN + ANYTHING:
            (name,) = self.chance.choices(self._names, self._weights)
        else:
            name, given = next_deed(self.chance, self.known, self._role, self._joined)
        frame: dict[str, Any] = {"type": name}
        for one in FIELDS[name]:
            if one.name in given:
                frame[one.name] = given[one.name]
            elif one.name != "ref" and (one.required or (not given and self.chance.random() < 0.4)):
                frame[one.name] = self._value(one.name, name)
        frame["ref"] = f"r{self.chance.randrange(1_000)}"
        if name == "note":
            frame["content"] = f"{NOTE} {frame['content']}"
        self.known.sent(frame)
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
                return chance.choice(known.foreign if foreign else list(known.sessions) or [self._id()])
            case "id":
                return known.said(self._id()) if not known.ids or chance.random() < 0.7 else chance.choice(known.ids)
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
                return max(0, self._told().seq + chance.randint(-30, 2))
            case "turn":
                return max(0, self._told().turn + chance.randint(-1, 1))
            case "rating":
                return chance.choice((1, 0, -1))
            case "on":
                return chance.random() < 0.5
        raise AssertionError(f"the fuzzer knows no honest value for {name} of {type}; give it one")

    def _told(self) -> Told:
        return next(reversed(self.known.sessions.values()), Told())

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
