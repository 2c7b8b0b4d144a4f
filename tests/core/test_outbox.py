"""A connection that does not read: what waits stays bounded and nothing durable is lost."""

from uuid import UUID

import msgspec

from chatserver.core.codec import encode
from chatserver.core.outbox import DROP_BYTES, MERGE_BYTES, Outbox
from chatserver.core.server_frames import Delta, Ok

SESSION = UUID(int=1)


def delta(at: int, content: str, turn: int = 1) -> str:
    return encode(Delta(session=SESSION, turn=turn, at=at, content=content))


def test_frames_leave_in_order() -> None:
    outbox = Outbox()
    for frame in ("a", "b", "c"):
        outbox.put(frame)
    assert [outbox.take() for _ in range(3)] == ["a", "b", "c"]
    assert (bool(outbox), outbox.size) == (False, 0)


def test_deltas_are_merged_once_much_waits() -> None:
    outbox = Outbox()
    outbox.put("x" * (MERGE_BYTES + 1), SESSION, seq=1)
    at = 0
    for _ in range(1000):
        outbox.put(delta(at, "word "), SESSION, delta=True)
        at += 5
    outbox.take()
    merged = msgspec.json.decode(outbox.take(), type=Delta)
    assert (merged.at, merged.content) == (0, "word " * 1000)
    assert not outbox


def test_deltas_of_two_turns_or_with_a_gap_stay_apart() -> None:
    outbox = Outbox()
    outbox.put("x" * (MERGE_BYTES + 1), SESSION, seq=1)
    for frame in (delta(0, "a"), delta(5, "b"), delta(0, "c", turn=2)):
        outbox.put(frame, SESSION, delta=True)
    outbox.take()
    assert [outbox.take() for _ in range(3)] == [delta(0, "a"), delta(5, "b"), delta(0, "c", turn=2)]


def test_what_can_be_read_again_is_dropped_and_answers_are_kept() -> None:
    outbox = Outbox()
    outbox.put(encode(Ok(ref="kept")))
    other = UUID(int=2)
    outbox.put("text", other, delta=True)
    seq = 0
    while not outbox.is_full:
        seq += 1
        outbox.put("e" * 1000, SESSION, seq=seq + 40)
    assert outbox.size <= DROP_BYTES + 2000
    assert outbox.drop() == {SESSION: 41, other: None}
    assert outbox.take() == encode(Ok(ref="kept"))
    assert outbox.size == 0


def test_what_waits_is_counted_as_the_memory_that_it_takes() -> None:
    """A limit on characters would let four times as much wait as it says, for the price of one emoji a frame."""
    outbox = Outbox()
    seq = 0
    while not outbox.is_full:
        seq += 1
        outbox.put("😀" + "e" * 999, SESSION, seq=seq)
    assert seq * 1000 * 4 <= DROP_BYTES + 4000
    for _ in range(seq):
        outbox.take()
    assert outbox.size == 0


def test_many_small_frames_are_not_free() -> None:
    outbox = Outbox()
    count = 0
    while not outbox.is_full:
        count += 1
        outbox.put("{}", SESSION)
    assert count < DROP_BYTES / 100


def test_a_merged_delta_is_counted_once() -> None:
    outbox = Outbox()
    outbox.put("x" * (MERGE_BYTES + 1), SESSION, seq=1)
    for at in range(1000):
        outbox.put(delta(at, "w"), SESSION, delta=True)
    outbox.take()
    outbox.take()
    assert (outbox.size, bool(outbox)) == (0, False)


def test_an_idle_outbox_holds_nothing() -> None:
    """Ten thousand empty queues are as many kilobytes."""
    outbox = Outbox()
    outbox.put("a")
    outbox.take()
    assert outbox._entries is None
