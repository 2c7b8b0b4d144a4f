"""What one connection hears: every answer in its order, every session as docs/protocol.md promises it, and the end."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from chatserver.core.server_frames import AnyServerFrame
from tests.fuzz.expected import ANYTHING, Expected, matches
from tests.fuzz.guest import Broken, Count, Guest
from tests.screens import Screen

FOR_ADMINS = frozenset({"note", "presence", "lobby", "lobby_changed", "draft", "draft_delta"})
ANSWERS = frozenset({"ok", "error", "joined", "lobby", "welcome"})
OF_A_SESSION = frozenset({"message", "status", "note", "delta", "rebase", "answering", "typing", "seen", "presence"})
ANYTIME = frozenset({"heartbeat", "lobby_changed", "draft", "draft_delta"})
ENDS = {1002, 1009, 4400, 4401, 4403}
"""1002 is for what RFC 6455 itself forbids."""
OF_A_TOKEN = {4401, 4403}

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyServerFrame)


class Hearing:
    def __init__(self, reader: asyncio.StreamReader, guest: Guest, count: Count) -> None:
        self._reader = reader
        self._guest = guest
        self._count = count
        self._welcomed = False
        self._text = asyncio.Event()
        self._bad = 0
        self.awaited: deque[Expected] = deque()
        self.pongs: deque[tuple[bytes, bool]] = deque()
        """What is to come back, and whether it was sent for that alone."""
        self.screens: dict[str, Screen] = {}
        self.all_answered = asyncio.Event()
        self.all_answered.set()
        self.closed: int | None = None
        self.is_proper = True
        """Nothing was sent that the protocol below forbids, so the end must be told with a code."""
        self.must_end = False
        """Something was sent after which the server ends the connection."""
        self.said_goodbye = False

    def expects(self, one: Expected) -> None:
        self.awaited.append(one)
        self._bad += one.is_bad
        self.must_end = self.must_end or (one.ends and not one.is_bad)
        self.all_answered.clear()

    async def text_came(self) -> None:
        self._text.clear()
        await self._text.wait()

    async def until_the_end(self) -> None:
        try:
            while self.closed is None:
                await self._one()
        except (asyncio.IncompleteReadError, ConnectionError):
            if self.is_proper:
                raise Broken("the connection ended without a word") from None
        self._count.codes[str(self.closed)] += 1

    async def _one(self) -> None:
        first, size = await self._reader.readexactly(2)
        if first & 0xF0 != 0x80 or size & 0x80:
            raise Broken(f"a server's frame is whole and not masked, but this begins with {first:x} {size:x}")
        if size >= 126:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
        payload = await self._reader.readexactly(size)
        match first & 0xF:
            case 8:
                self._ended(int.from_bytes(payload[:2]) if payload else 1005, payload[2:])
            case 1:
                self._heard(payload)
            case 10:
                sent, alone = self.pongs.popleft() if self.pongs else (None, False)
                if sent != payload:
                    raise Broken(f"a pong that answers nothing: {payload!r}")
                self._count.judged += alone
            case other:
                raise Broken(f"a frame of the kind {other}")

    # The end

    def _ended(self, code: int, reason: bytes) -> None:
        self.closed = code
        if code == 1011:
            raise Broken("ended with 1011")
        if not self.is_proper:
            self._count.judged += self.must_end
            return
        while self.awaited and self.awaited[0].may_be_silent:
            self.awaited.popleft()
        if code == 1000 and self.said_goodbye and not self.awaited:
            self._count.judged += 1
            return
        told = f"ended with {code} ({reason.decode(errors='replace')!r})"
        if code not in ENDS:
            raise Broken(f"{told}, which nothing explains")
        if code == 4400 and self._bad < 10:
            raise Broken(f"{told} after {self._bad} bad frames")
        if code in OF_A_TOKEN and self._guest.is_erased:
            self._count.judged += 1
            return
        if code in OF_A_TOKEN and self._welcomed:
            raise Broken(f"{told}, though the token was good")
        if code != 4400 and not self.must_end:
            raise Broken(f"{told}, which nothing explains")
        self._count.judged += bool(self.awaited and self.awaited[0].ends)

    # Frames

    def _heard(self, payload: bytes) -> None:
        self._count.heard += 1
        try:
            frame = _decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise Broken(f"this is no frame of the protocol ({wrong}): {payload[:400]!r}") from None
        kind = str(type(frame).__struct_config__.tag)
        self._reaches(kind, frame)
        if kind == "error" and frame.code == "internal":
            raise Broken(f"an error of ours: {frame.message}")
        if not self._welcomed and kind not in ("welcome", "error"):
            raise Broken(f"{kind} before the welcome")
        if self._guest.role != "admin":
            self._is_theirs(kind, payload)
        if kind in ANSWERS:
            self._answered(kind, frame)
        if kind == "joined":
            self._joins(frame, payload)
        elif kind in OF_A_SESSION:
            self._shows(kind, frame, payload)
        elif kind not in ANSWERS and kind not in ANYTIME:
            raise Broken(f"{kind}, which nobody sends now")
        self._guest.known.learns(frame)
        if kind == "delta":
            self._text.set()

    def _answered(self, kind: str, frame: Any) -> None:
        while self.awaited and self._was_silent(self.awaited[0], kind, frame):
            self.awaited.popleft()
            self._count.judged += 1
        if not self.awaited:
            raise Broken(f"{kind} answers nothing: {frame}")
        one = self.awaited.popleft()
        if (wrong := matches(one, kind, frame)) and not self._may_find_nothing(kind, frame):
            raise Broken(wrong)
        if kind == "welcome":
            self._welcomed = True
        if kind == "ok":
            if one.stored and not self._guest.known.confirmed(*one.stored, frame):
                raise Broken(f"the same id of a message is at another place now: {one.stored} at {frame.seq}")
            if one.leaves:
                self.screens.pop(one.leaves, None)
        self._count.judged += 1
        if all(left.may_be_silent for left in self.awaited):
            self.all_answered.set()

    def _was_silent(self, one: Expected, kind: str, frame: Any) -> bool:
        """It was carried out without a word, as no word was asked for: this answers something later."""
        return one is not ANYTHING and one.may_be_silent and matches(one, kind, frame) is not None

    def _may_find_nothing(self, kind: str, frame: Any) -> bool:
        gone = ("not_found", "forbidden", "conflict", "closed", "unauthorized")
        return self._guest.is_erased and kind == "error" and frame.code in gone

    def _is_theirs(self, kind: str, payload: bytes) -> None:
        if kind in FOR_ADMINS:
            raise Broken(f"{kind} is for admins: {payload[:400]!r}")
        for secret in self._guest.secrets:
            if secret in payload:
                raise Broken(f"this is not for them: {payload[:400]!r}")

    # Sessions

    def _joins(self, frame: Any, payload: bytes) -> None:
        id = str(frame.session.id)
        if self._guest.role != "admin" and id in self._guest.known.foreign:
            raise Broken("somebody else's session was joined")
        screen = self.screens[id] = Screen(f"{self._guest.name}'s {id}")
        if not frame.reset and frame.events:
            # What was asked for after a place begins there.
            screen.seq = frame.events[0]["seq"] - 1
        self._takes(screen, payload)

    def _shows(self, kind: str, frame: Any, payload: bytes) -> None:
        screen = self.screens.get(str(frame.session))
        if screen is None:
            # After `leave` and until its ok is heard: that it was left is known then.
            raise Broken(f"{kind} of a session that was not joined: {payload[:300]!r}")
        if kind not in ("answering", "typing", "seen", "presence"):
            self._takes(screen, payload)

    def _takes(self, screen: Screen, payload: bytes) -> None:
        try:
            screen.take(msgspec.json.decode(payload))
        except AssertionError as wrong:
            raise Broken(f"a screen shows what it must not: {wrong}") from None
        while len(screen.events) > 4:
            del screen.events[next(iter(screen.events))]

    def _reaches(self, kind: str, frame: Any) -> None:
        reached = self._count.reached
        if kind == "error":
            reached[f"error {frame.code}"] += 1
        elif kind == "status":
            reached[f"status {frame.reason}"] += 1
            if frame.of_turn is not None:
                reached[f"status {frame.reason} of a running answer"] += 1
        elif kind == "joined":
            reached["joined"] += 1
            reached["joined in mid-answer"] += frame.answer is not None
        elif kind == "message":
            reached[f"message of {frame.role}"] += 1
            reached["message interrupted"] += frame.interrupted
        else:
            reached[kind] += 1
