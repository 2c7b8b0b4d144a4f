"""Somebody who comes without a history gets the newest of it, not all of it."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from chatserver.core.events import Logged, durable
from chatserver.core.history import UNASKED_BYTES, newest_within


def said(seq: int, content: str) -> Logged:
    return Logged(UUID(int=1), seq, uuid4(), seq, None, "message", "user", None, content, {}, datetime.now(UTC))


def test_a_short_history_is_whole() -> None:
    events = [said(seq, "Hello") for seq in range(1, 51)]
    assert newest_within(events) == events
    assert newest_within([]) == []


def test_of_a_long_one_the_newest_come_as_far_as_they_fit() -> None:
    events = [said(seq, "नमस्ते " * 100) for seq in range(1, 51)]
    kept = newest_within(events)
    sizes = [len(durable(event).frame.encode()) for event in events]
    assert kept == events[-len(kept) :]
    assert sum(sizes[-len(kept) :]) <= UNASKED_BYTES < sum(sizes[-len(kept) - 1 :])


def test_one_comes_however_large_it_is() -> None:
    events = [said(1, "x"), said(2, "😀" * 8_000)]
    assert newest_within(events) == events[1:]
