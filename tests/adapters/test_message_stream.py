"""The body of a streamed message is read the same however it is cut, and nothing in it takes the reader down."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.adapters.message_stream import EVENT_MAX_BYTES, Reply, tokens_of
from chatserver.core.ports import Usage


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


CALL = {"type": "tool_use", "id": "t", "name": "get_job", "input": {}}
BODY = b"".join(
    [
        event("message_start", message={"usage": {"input_tokens": 30, "output_tokens": 1}}),
        event("ping"),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Grüße 您好"}),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block=CALL),
        event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"ref": '}),
        event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '"J1"}'}),
        event("content_block_stop", index=1),
        event("content_block_start", index=2, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=2, delta={"type": "text_delta", "text": "More"}),
        event("content_block_stop", index=2),
        event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 12}),
        event("message_stop"),
    ]
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(BODY)), max_size=30), st.booleans())
def test_the_way_the_body_is_cut_does_not_matter(cuts: list[int], windows: bool) -> None:
    usage = Usage(input_tokens=5)
    reply = Reply(usage, 1_000)
    assert usage.input_tokens == 1_005
    text = ""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(BODY)], strict=True):
        text += reply.feed(BODY[start:end].replace(b"\n", b"\r\n") if windows else BODY[start:end])
    assert text == "Grüße 您好\n\nMore"
    assert reply.calls == [{"type": "tool_use", "id": "t", "name": "get_job", "input": {"ref": "J1"}}]
    assert [block.get("text") for block in reply.content()] == ["Grüße 您好", None, "More"]
    assert reply.stop_reason == "tool_use"
    assert reply.failure is None
    assert usage == Usage(input_tokens=35, output_tokens=12)


def test_a_ping_is_no_step() -> None:
    reply = Reply(Usage(), 0)
    reply.feed(event("ping") * 9)
    assert reply.steps == 0
    reply.feed(event("something_new", of="tomorrow"))
    assert (reply.steps, reply.failure) == (1, None)


@pytest.mark.parametrize(
    "body",
    [
        b"data: no json\n\n", b"data: []\n\n", b"data: {}\n\n", event("message_delta"),
        event("content_block_delta", index=3, delta={"type": "x"}),
        event("content_block_start", index=7, content_block={"type": "text", "text": ""}),
        b"data: " + b"x" * EVENT_MAX_BYTES, b"data: 12345678\n" * (EVENT_MAX_BYTES // 8),
        event("message_start", message=None),
    ],
)  # fmt: skip
def test_what_is_no_event_is_a_cut(body: bytes) -> None:
    reply = Reply(Usage(), 0)
    assert reply.feed(body) == ""
    assert reply.failure is not None
    assert reply.failure.code == "cut"


def test_what_was_written_before_an_error_is_not_lost() -> None:
    reply = Reply(Usage(), 0)
    begin = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    said = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Half"})
    assert reply.feed(begin + said + event("error", error={"type": "overloaded_error"}) + said) == "Half"
    assert reply.failure is not None
    assert reply.failure.code == "overloaded"


def test_until_the_server_tells_the_usage_is_a_guess_on_the_high_side() -> None:
    usage = Usage()
    reply = Reply(usage, 700)
    reply.feed(event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    reply.feed(event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a hundred words " * 25}))
    assert usage == Usage(input_tokens=700, output_tokens=tokens_of("a hundred words " * 25))
    reply.void()
    assert usage == Usage()


@pytest.mark.parametrize("arguments", [r'{"reason":"half \ud800"}', '{"a":' * 100_000, '{"ref":NaN}', "[1]", '{"ref"'])
def test_arguments_that_are_no_json_object_are_none(arguments: str) -> None:
    """Half a character is none that a database or a server of models takes."""
    reply = Reply(Usage(), 0)
    for piece in (
        event("content_block_start", index=0, content_block=CALL),
        event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": arguments}),
        event("content_block_stop", index=0),
    ):
        reply.feed(piece)
    assert reply.failure is None
    assert [call["input"] for call in reply.calls] == [None]
