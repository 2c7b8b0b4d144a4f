"""What one connection is shown: transcripts of items that came over the wire, in good order and in bad."""

from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.delivery import Delivery, Durable, Passing, Received, Snapshot, Text, pack, unpack


def event(seq: int, turn: int, audience: str = "all") -> Durable:
    return Durable(seq, turn, f"event {seq}", audience)  # type: ignore[arg-type]


def delta(turn: int, at: int, content: str) -> Text:
    return Text(turn, at, len(content), f"delta {turn} {at} {content}")


def rebase(turn: int, content: str) -> Text:
    return Text(turn, 0, len(content), f"rebase {turn} {content}", whole=True)


def test_events_once_and_in_order() -> None:
    reader = Delivery(seq=3, turn=1)
    assert reader.receive(event(4, 1)) == (["event 4"], None)
    assert reader.receive(event(4, 1)) == ([], None)
    assert reader.receive(event(6, 2)) == ([], "log")
    assert reader.read_log(Snapshot([event(5, 1), event(6, 2)], 2), "empty") == ["event 5", "event 6"]
    assert reader.receive(event(6, 2)) == ([], None)


def test_a_delta_extends_the_text_exactly_at_its_place() -> None:
    reader = Delivery(seq=1, turn=2)
    assert reader.receive(delta(2, 0, "Hel")) == (["delta 2 0 Hel"], None)
    assert reader.receive(delta(2, 0, "Hel")) == ([], None)
    assert reader.receive(delta(2, 5, "!")) == ([], "pad")
    assert reader.read_pad(2, 6, "rebase") == ["rebase"]
    assert reader.receive(delta(2, 6, "?")) == (["delta 2 6 ?"], None)


def test_no_text_of_an_older_turn_after_a_takeover() -> None:
    reader = Delivery(seq=1, turn=2, at=3)
    reader.receive(event(2, 3))
    assert reader.receive(delta(2, 3, "lo")) == ([], None)
    assert reader.receive(rebase(2, "Hello")) == ([], None)
    assert reader.receive(Passing(2, "writing")) == ([], None)
    assert reader.read_pad(2, 5, "rebase") == []


def test_text_of_a_higher_turn_waits_for_the_log() -> None:
    reader = Delivery(seq=1, turn=1)
    later = delta(3, 0, "New")
    assert reader.receive(later) == ([], "log")
    frames = reader.read_log(Snapshot([event(2, 2), event(3, 3)], 3), "empty")
    assert frames == ["event 2", "event 3"]
    assert reader.receive(later) == (["delta 3 0 New"], None)


def test_a_turn_that_grew_without_an_event_empties_the_text() -> None:
    reader = Delivery(seq=1, turn=2)
    reader.receive(delta(2, 0, "Half"))
    assert reader.read_log(Snapshot([], 3), "empty") == ["empty"]
    assert reader.receive(delta(2, 4, "way")) == ([], None)
    assert reader.receive(delta(3, 0, "Anew")) == (["delta 3 0 Anew"], None)


def test_half_a_log_says_nothing_about_the_turn() -> None:
    reader = Delivery(seq=1, turn=1)
    reader.read_log(Snapshot([event(2, 1)], 9, whole=False), "empty")
    assert reader.turn == 1


def test_a_rebase_never_shrinks_what_is_shown() -> None:
    reader = Delivery(seq=1, turn=1)
    assert reader.receive(rebase(1, "Hello"))[0] == ["rebase 1 Hello"]
    assert reader.receive(rebase(1, "Hel")) == ([], None)


def test_a_seeker_counts_a_note_and_does_not_see_it() -> None:
    seeker, admin = Delivery(seq=1, turn=1), Delivery(seq=1, turn=1, admin=True)
    for reader, shown in ((seeker, []), (admin, ["event 2"])):
        assert reader.receive(event(2, 1, "admins")) == (shown, None)
        assert reader.receive(event(3, 1, "nobody")) == ([], None)
        assert reader.receive(event(4, 1)) == (["event 4"], None)


def test_what_is_of_no_turn_passes() -> None:
    assert Delivery(1, 5).receive(Passing(None, "typing")) == (["typing"], None)


LOG = [event(1, 1), event(2, 1), event(3, 2), event(4, 3), event(5, 3)]
TEXTS = {1: "first answer", 2: "second", 3: "third text"}


def items() -> st.SearchStrategy[Received]:
    def cut(turn: int, start: int, end: int) -> Text:
        return delta(turn, start, TEXTS[turn][start:end])

    deltas = st.sampled_from([1, 2, 3]).flatmap(
        lambda turn: st.tuples(st.integers(0, 9), st.integers(1, 6)).map(
            lambda span: cut(turn, min(span[0], len(TEXTS[turn]) - 1), min(span[0] + span[1], len(TEXTS[turn])))
        )
    )
    return st.one_of(st.sampled_from(LOG), deltas, st.sampled_from([rebase(turn, TEXTS[turn]) for turn in (1, 2, 3)]))


@given(st.lists(items(), max_size=30))
def test_whatever_the_wire_does_every_event_comes_once_in_order_and_text_is_a_prefix(stream: list[Received]) -> None:
    reader = Delivery(seq=0, turn=0)
    seen: list[str] = []
    shown, turn = "", 0

    def take(frames: list[str]) -> None:
        nonlocal shown, turn
        for frame in frames:
            kind, _, rest = frame.partition(" ")
            if kind == "event":
                seen.append(frame)
                if LOG[int(rest) - 1].turn > turn:
                    shown, turn = "", LOG[int(rest) - 1].turn
            elif kind == "delta":
                of, at, content = rest.split(" ", 2)
                assert int(of) == turn
                assert int(at) == len(shown)
                shown += content
            else:
                of, shown = rest.split(" ", 1)
                assert int(of) == turn
            assert not shown or TEXTS[turn].startswith(shown)

    for item in stream:
        frames, need = reader.receive(item)
        take(frames)
        if need == "log":
            reach = item.seq if isinstance(item, Durable) else max(e.seq for e in LOG if e.turn <= (item.turn or 0))
            read = [event for event in LOG[:reach] if event.seq > reader.seq]
            take(reader.read_log(Snapshot(read, LOG[reach - 1].turn), "rebase 0 "))
            take(reader.receive(item)[0])
        elif need == "pad":
            take(reader.read_pad(reader.turn, len(TEXTS[reader.turn]), f"rebase {reader.turn} {TEXTS[reader.turn]}"))
    assert seen == [f"event {number}" for number in range(1, len(seen) + 1)]


@given(items())
def test_an_item_crosses_the_wire_unchanged(item: Received) -> None:
    assert unpack(pack(item)) == item
