"""What waits to be sent on one connection, bounded: first deltas are merged, then the log is read again instead."""

from collections import deque
from dataclasses import dataclass
from uuid import UUID

import msgspec

from chatserver.core.protocol import Delta, encode

MERGE_CHARACTERS = 64 * 1024
DROP_CHARACTERS = 256 * 1024

_delta = msgspec.json.Decoder(Delta)


@dataclass(slots=True)
class _Entry:
    frame: str
    session: UUID | None = None
    seq: int | None = None
    delta: bool = False


class Outbox:
    """Frames in order. Answers to requests are never dropped: the limit on requests bounds them."""

    __slots__ = ("_entries", "size")

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()
        self.size = 0
        """Characters that wait."""

    def __bool__(self) -> bool:
        return bool(self._entries)

    def put(self, frame: str, session: UUID | None = None, *, seq: int | None = None, delta: bool = False) -> None:
        if delta and self.size > MERGE_CHARACTERS and self._merge(frame, session):
            return
        self._entries.append(_Entry(frame, session, seq, delta))
        self.size += len(frame)

    def take(self) -> str:
        entry = self._entries.popleft()
        self.size -= len(entry.frame)
        return entry.frame

    def _merge(self, frame: str, session: UUID | None) -> bool:
        last = self._entries[-1] if self._entries else None
        if last is None or not last.delta or last.session != session:
            return False
        before, after = _delta.decode(last.frame), _delta.decode(frame)
        if before.turn != after.turn or before.at + len(before.content) != after.at:
            return False
        before.content += after.content
        merged = encode(before)
        self.size += len(merged) - len(last.frame)
        last.frame = merged
        return True

    @property
    def is_full(self) -> bool:
        return self.size > DROP_CHARACTERS

    def drop(self) -> dict[UUID, int | None]:
        """Forgets what can be read again; each session concerned with the first `seq` that was forgotten, if any."""
        forgotten: dict[UUID, int | None] = {}
        kept: deque[_Entry] = deque()
        for entry in self._entries:
            if entry.session is None:
                kept.append(entry)
            elif forgotten.get(entry.session) is None:
                forgotten[entry.session] = entry.seq
        self._entries = kept
        self.size = sum(len(entry.frame) for entry in kept)
        return forgotten
