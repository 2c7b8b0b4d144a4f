"""What waits to be sent on one connection, bounded: first deltas are merged, then the log is read again instead."""

import sys
from collections import deque
from uuid import UUID

import msgspec

from chatserver.core.codec import encode
from chatserver.core.server_frames import Delta

MERGE_BYTES = 64 * 1024
DROP_BYTES = 256 * 1024
LIMIT_BYTES = 512 * 1024
"""What cannot be dropped is bounded by this: whoever lets so much wait is to be sent away."""
ENTRY_BYTES = 120
"""What a frame costs beside its text: its entry and its place in the queue."""
MERGE_CHARACTERS = MERGE_BYTES
"""The same, under the name that it had."""

_delta = msgspec.json.Decoder(Delta)


class _Entry(msgspec.Struct, gc=False):
    frame: str
    size: int
    session: UUID | None = None
    seq: int | None = None
    delta: bool = False


class Outbox:
    """Frames in order. Answers to requests are never dropped: no request is read while much waits."""

    __slots__ = ("_entries", "size")

    def __init__(self) -> None:
        self._entries: deque[_Entry] | None = None
        """None where nothing waits: an empty deque is larger than all the rest of an idle connection's outbox."""
        self.size = 0
        """Bytes of memory that wait. Not characters: one emoji makes a whole text four times as large."""

    def __bool__(self) -> bool:
        return bool(self._entries)

    def put(self, frame: str, session: UUID | None = None, *, seq: int | None = None, delta: bool = False) -> None:
        if delta and self.size > MERGE_BYTES and self._merge(frame, session):
            return
        if self._entries is None:
            self._entries = deque()
        size = _size(frame)
        self._entries.append(_Entry(frame, size, session, seq, delta))
        self.size += size

    def take(self) -> str:
        if not self._entries:
            raise IndexError("nothing waits")
        entry = self._entries.popleft()
        self.size -= entry.size
        if not self._entries:
            self._entries = None
        return entry.frame

    def _merge(self, frame: str, session: UUID | None) -> bool:
        last = self._entries[-1] if self._entries else None
        if last is None or not last.delta or last.session != session:
            return False
        before, after = _delta.decode(last.frame), _delta.decode(frame)
        if before.turn != after.turn or before.at + len(before.content) != after.at:
            return False
        before.content += after.content
        last.frame = encode(before)
        self.size -= last.size
        last.size = _size(last.frame)
        self.size += last.size
        return True

    @property
    def is_full(self) -> bool:
        return self.size > DROP_BYTES

    def drop(self) -> dict[UUID, int | None]:
        """Forgets what can be read again; each session concerned with the first `seq` that was forgotten, if any."""
        forgotten: dict[UUID, int | None] = {}
        kept: deque[_Entry] = deque()
        for entry in self._entries or ():
            if entry.session is None:
                kept.append(entry)
            elif forgotten.get(entry.session) is None:
                forgotten[entry.session] = entry.seq
        self._entries = kept or None
        self.size = sum(entry.size for entry in kept)
        return forgotten


def _size(frame: str) -> int:
    return sys.getsizeof(frame) + ENTRY_BYTES
