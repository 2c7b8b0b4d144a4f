"""What one connection may still be sent of one session: its position in the log, its turn, its place in the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

Need = Literal["log", "pad"]
Audience = Literal["all", "admins", "nobody"]


@dataclass(frozen=True, slots=True)
class Durable:
    """An event of the log. Who is not of its audience counts it without seeing it."""

    seq: int
    turn: int
    frame: str
    audience: Audience = "all"


class Text(msgspec.Struct, frozen=True, gc=False):
    """A piece of a running answer, made for every token. `at` is its offset in code points; a rebase bears the whole
    text instead."""

    turn: int
    at: int
    length: int
    frame: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Passing:
    """Something that is of use only now (`answering`, of `turn`) or of no turn at all (None)."""

    turn: int | None
    frame: str
    audience: Audience = "all"


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody came (`on`) or went; admins alone see it."""

    user: UUID
    on: bool
    frame: str
    turn: ClassVar[None] = None
    audience: ClassVar[Audience] = "admins"


ROLL_CALL = Passing(None, "", "nobody")
"""Asks every node who is here; each answers with what it knows, so nothing is kept that a dead node would leave."""

Received = Durable | Text | Passing | Here


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Postgres held in one reading: events after a position, in order, and the turn.

    `whole` is false where more events follow than were read; the turn then says nothing yet.
    """

    events: Sequence[Durable]
    turn: int
    whole: bool = True


class Delivery:
    """(seq, turn, at) of one connection in one session; two connections never share one.

    The rules are those of the session protocol: what is old is dropped, what is ahead is not shown before the log
    has been read. Every method returns the frames to send, in order.
    """

    __slots__ = ("_admin", "at", "seq", "turn")

    def __init__(self, seq: int, turn: int, at: int = 0, *, admin: bool = False) -> None:
        self._admin = admin
        self.seq = seq
        self.turn = turn
        self.at = at

    def receive(self, item: Received) -> tuple[list[str], Need | None]:
        """The frames to send for what came over the wire, and what must be read first, if anything.

        After a "log" the item is offered again; after a "pad" it is not needed any more.
        """
        if isinstance(item, Durable):
            if item.seq <= self.seq:
                return [], None
            if item.seq > self.seq + 1:
                return [], "log"
            return self._deliver(item), None
        if item.turn is None:
            return ([item.frame] if self._may_see(item.audience) else []), None
        if item.turn < self.turn:
            return [], None
        if item.turn > self.turn:
            return [], "log"
        if isinstance(item, Passing):
            return [item.frame], None
        if item.whole:
            if item.length < self.at:
                return [], None
            self.at = item.length
            return [item.frame], None
        if item.at > self.at:
            return [], "pad"
        if item.at < self.at:
            return [], None
        self.at += item.length
        return [item.frame], None

    def _deliver(self, event: Durable) -> list[str]:
        self.seq = event.seq
        if event.turn > self.turn:
            self.turn = event.turn
            self.at = 0
        return [event.frame] if self._may_see(event.audience) else []

    def _may_see(self, audience: Audience) -> bool:
        return audience == "all" or (audience == "admins" and self._admin)

    def read_log(self, snapshot: Snapshot, empty: str) -> list[str]:
        """What a reading of Postgres brings. `empty` is the rebase to nothing under the snapshot's turn.

        A turn that grew without an event (an owner died, a retry) discards the text that is shown.
        """
        frames: list[str] = []
        for event in snapshot.events:
            if event.seq > self.seq:
                frames += self._deliver(event)
        if snapshot.whole and snapshot.turn > self.turn:
            if self.at:
                frames.append(empty)
            self.turn = snapshot.turn
            self.at = 0
        return frames

    def read_pad(self, turn: int, length: int, rebase: str) -> list[str]:
        """The scratch pad's text, judged when it is applied: of this turn and longer than what is shown, or nothing."""
        if turn != self.turn or length <= self.at:
            return []
        self.at = length
        return [rebase]

    def is_behind(self, seq: int, turn: int) -> bool:
        """Whether Postgres stands further than this reader."""
        return seq > self.seq or turn > self.turn


def pack(item: Received) -> str:
    """The form in which an item crosses the wire: a head of plain fields, a line end, the frame as clients get it.

    A node that only passes the frame on never parses it.
    """
    match item:
        case Durable():
            head = f"e {item.seq} {item.turn} {item.audience}"
        case Text(whole=True):
            head = f"r {item.turn} {item.length}"
        case Text():
            head = f"d {item.turn} {item.at} {item.length}"
        case Here():
            head = f"h {item.user} {'on' if item.on else 'off'}"
        case Passing():
            head = f"p {'-' if item.turn is None else item.turn}"
            if item.audience != "all":
                head = f"{head} {item.audience}"
    return f"{head}\n{item.frame}"


def unpack(packed: str) -> Received:
    """The item of `pack`. Raises `ValueError` for anything else."""
    head, _, frame = packed.partition("\n")
    match head.split(" "):
        case ["d", turn, at, length]:
            return Text(int(turn), int(at), int(length), frame)
        case ["e", seq, turn, ("all" | "admins" | "nobody") as audience]:
            return Durable(int(seq), int(turn), frame, audience)
        case ["r", turn, length]:
            return Text(int(turn), 0, int(length), frame, whole=True)
        case ["p", turn]:
            return Passing(None if turn == "-" else int(turn), frame)
        case ["p", turn, ("admins" | "nobody") as audience]:
            return Passing(None if turn == "-" else int(turn), frame, audience)
        case ["h", user, ("on" | "off") as on]:
            return Here(UUID(user), on == "on", frame)
    raise ValueError("not an item of this wire")
