"""The grammar of a socket, with garbage, too much and too early."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.client_frames import Post
from chatserver.core.codec import decode
from chatserver.core.connection import Accepted, Answered, Grammar, Progress, Window
from chatserver.core.errors import Refused
from chatserver.core.protocol import BAD_FRAMES_PER_MINUTE, CONTENT_MAX_CHARACTERS, FRAME_MAX_BYTES

HELLO = json.dumps({"type": "hello", "token": "t", "ref": "h"})
WATCH = json.dumps({"type": "watch", "ref": "w"})


def post(content: str) -> str:
    return json.dumps({"type": "post", "session": str(uuid4()), "id": str(uuid4()), "content": content, "ref": "p"})


def greeted(frames_per_minute: int = 0) -> Grammar:
    grammar = Grammar(frames_per_minute)
    assert isinstance(grammar.receive(HELLO, 0.0), Accepted)
    return grammar


def answered(judged: Accepted | Answered) -> Answered:
    assert isinstance(judged, Answered)
    return judged


@pytest.mark.parametrize("first", [WATCH, "{", "[]", '{"type":"hello"}', "\x00", '{"type":"hello","token":7}'])
def test_nothing_comes_before_hello(first: str) -> None:
    assert answered(Grammar(0).receive(first, 0.0)).close == 4401


def test_hello_is_said_once() -> None:
    again = answered(greeted().receive(HELLO, 1.0))
    assert (again.error.code, again.error.ref, again.close) == ("bad_frame", "h", None)


@pytest.mark.parametrize(
    "broken",
    ["", "null", "{", '{"type":"nonsense","ref":"x"}', '{"ref":"x"}', '{"type":"leave"}', "[" * 5000, '"text"'],
)
def test_what_is_not_understood_changes_nothing_and_says_so(broken: str) -> None:
    judged = answered(greeted().receive(broken, 1.0))
    assert judged.error.code == "bad_frame"
    assert judged.close is None
    assert judged.error.ref == ("x" if '"x"' in broken else None)


def test_the_tenth_broken_frame_in_a_minute_ends_it() -> None:
    grammar = greeted()
    for nth in range(1, BAD_FRAMES_PER_MINUTE):
        assert answered(grammar.receive("{", nth)).close is None
    assert answered(grammar.receive("{", 59.0)).close == 4400


def test_broken_frames_are_forgotten_after_a_minute() -> None:
    grammar = greeted()
    for nth in range(BAD_FRAMES_PER_MINUTE * 3):
        assert answered(grammar.receive("{", nth * 7.0)).close is None


@pytest.mark.parametrize("content", ["x" * (CONTENT_MAX_CHARACTERS + 1), "", "   \n", "null\x00byte"])
def test_a_content_nobody_can_store_is_named_and_is_no_broken_frame(content: str) -> None:
    grammar = greeted()
    for nth in range(BAD_FRAMES_PER_MINUTE + 2):
        judged = answered(grammar.receive(post(content), float(nth)))
        assert (judged.error.code, judged.error.ref, judged.close) == ("bad_content", "p", None)


def test_eight_thousand_emoji_fit() -> None:
    assert isinstance(greeted().receive(post("😀" * CONTENT_MAX_CHARACTERS), 1.0), Accepted)


def test_a_frame_too_large() -> None:
    assert answered(greeted().receive(" " * (FRAME_MAX_BYTES + 1), 1.0)).close == 1009
    assert answered(greeted().receive("😀" * (FRAME_MAX_BYTES // 4 + 1), 1.0)).close == 1009


def test_too_many_frames_are_told_when_to_come_back() -> None:
    grammar = greeted(frames_per_minute=3)
    for moment in (1.0, 2.0):
        assert isinstance(grammar.receive(WATCH, moment), Accepted)
    judged = answered(grammar.receive(WATCH, 3.0))
    assert (judged.error.code, judged.error.retry_after, judged.close) == ("rate_limited", 57.0, 4429)


def test_unknown_fields_are_ignored() -> None:
    frame = greeted().receive(json.dumps({"type": "watch", "new_in_2030": True}), 1.0)
    assert isinstance(frame, Accepted)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_garbage_is_answered_never_raised(garbage: bytes | str) -> None:
    grammar = greeted()
    assert isinstance(grammar.receive(garbage, 1.0), Accepted | Answered)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_wrong_types_are_answered_never_raised(value: object) -> None:
    frame = json.dumps({"type": "post", "session": value, "id": value, "content": value})
    with pytest.raises(Refused):
        decode(frame)


def test_a_post_as_it_is_meant() -> None:
    frame = decode(post("Hello"))
    assert isinstance(frame, Post)
    assert frame.content == "Hello"


def test_two_connections_of_one_user_spend_from_one_minute() -> None:
    one, other = greeted(frames_per_minute=4), greeted(frames_per_minute=4)
    one.window = other.window = Window()
    for moment in (1.0, 2.0):
        assert isinstance(one.receive(WATCH, moment), Accepted)
        assert isinstance(other.receive(WATCH, moment), Accepted)
    judged = answered(other.receive(WATCH, 11.0))
    assert (judged.error.code, judged.error.retry_after, judged.close) == ("rate_limited", 50.0, 4429)
    assert isinstance(one.receive(WATCH, 61.0), Accepted)


def test_frames_without_a_message_count_too() -> None:
    """Pings cost the server a frame each, and an answer."""
    grammar = greeted(frames_per_minute=3)
    assert grammar.count(1.0) is None
    assert grammar.count(1.0) is None
    assert answered(grammar.receive(WATCH, 1.0)).close == 4429


def test_one_large_frame_may_take_as_long_as_it_takes() -> None:
    """256 KB at 50 kbit/s are 42 seconds, with nothing between them but bytes."""
    progress, size, a_second = Progress(), 256 * 1024, 50_000 // 8
    for second in range(0, size // a_second, 4):
        assert progress.stuck_seconds(size, size - a_second * second, 100.0 + second) == 0.0
    assert progress.stuck_seconds(size, 0, 150.0) == 0.0


def test_who_reads_nothing_makes_no_progress_however_much_more_is_written() -> None:
    progress = Progress()
    assert progress.stuck_seconds(50_000, 10_000, 100.0) == 0.0
    assert progress.stuck_seconds(90_000, 50_000, 110.0) == 10.0
    assert progress.stuck_seconds(99_000, 59_000, 120.0) == 20.0
    assert progress.stuck_seconds(99_000, 58_999, 121.0) == 0.0, "one byte is progress"
    assert progress.stuck_seconds(99_000, 58_999, 131.0) == 10.0


def test_silence_is_no_stall() -> None:
    """An hour without a word, then a frame that leaves a little later: nothing waited for an hour."""
    progress = Progress()
    assert progress.stuck_seconds(100, 0, 0.0) == 0.0
    assert progress.stuck_seconds(200, 100, 3600.0) == 0.0
    assert progress.stuck_seconds(200, 100, 3604.0) == 4.0
