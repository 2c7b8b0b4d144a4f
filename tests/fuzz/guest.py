"""Who comes, and what is counted of it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.fuzz.known import Known


class Broken(Exception):
    """A promise that was broken."""


@dataclass
class Guest:
    """Somebody with a token, on any number of devices; an anonymous one has none."""

    name: str
    role: str
    known: Known
    secrets: tuple[bytes, ...] = ()
    """What must never be sent to them."""
    is_limited: bool = False
    """By the real limits, of which none ends a connection of theirs otherwise."""
    is_erased: bool = False
    """They asked for it: what they send from then on may find nothing of theirs."""


@dataclass
class Count:
    most: int
    sent: int = 0
    judged: int = 0
    """Of what was sent, that which got the very answer, or the very end, that it must get."""
    heard: int = 0
    visits: int = 0
    erased: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    """What was heard, by its kind and what it was about."""

    @property
    def left(self) -> int:
        return self.most - self.sent
