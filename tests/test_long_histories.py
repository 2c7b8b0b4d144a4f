"""A seeker who writes as much as they may holds nobody up: what is long is read beside the loop, and not for ever."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import uuid4

import pytest

from chatserver import grounding
from chatserver.core.chat_ports import SessionRow
from chatserver.core.events import Logged
from chatserver.core.grounding import HISTORY_MAX_CHARACTERS, HISTORY_STEP
from chatserver.core.protocol import CONTENT_MAX_CHARACTERS
from chatserver.core.redaction import redact
from chatserver.grounding import HISTORY_CHARACTERS, HISTORY_EVENTS, READ_HERE_CHARACTERS, Grounding


def _said(contents: Sequence[str]) -> list[Logged]:
    session = uuid4()
    return [
        Logged(session, seq, uuid4(), 1, None, "message", "user", None, content, {}, datetime.now(UTC))
        for seq, content in enumerate(contents, start=1)
    ]


class _Read:
    def __init__(self, events: list[Logged]) -> None:
        self._events = events

    async def events_before(self, *_: Any) -> list[Logged]:
        return self._events


async def _history(monkeypatch: pytest.MonkeyPatch, contents: Sequence[str]) -> tuple[list[str], set[int]]:
    """What an answer is given of these messages, and the threads in which they were read."""
    threads: set[int] = set()

    def watched(text: str) -> str:
        threads.add(threading.get_ident())
        return redact(text)

    monkeypatch.setattr(grounding, "redact", watched)
    reads = Grounding(cast(Any, _Read(_said(contents))), *cast(Any, (None, None, None)))
    row = cast(SessionRow, type("Row", (), {"id": uuid4(), "seq": len(contents)}))
    return [entry.content for entry in await reads.said(row)], threads


async def test_what_is_said_in_a_few_words_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [f"Question {number}?" for number in range(HISTORY_EVENTS)]
    read, threads = await _history(monkeypatch, contents)
    assert read == contents
    assert threads == {threading.get_ident()}


async def test_much_that_was_said_is_read_beside_the_loop_and_the_oldest_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contents = [f"{number} ".ljust(CONTENT_MAX_CHARACTERS, "x") for number in range(HISTORY_EVENTS)]
    read, threads = await _history(monkeypatch, contents)
    assert contents[-len(read) :] == read
    assert HISTORY_MAX_CHARACTERS <= sum(map(len, read)) <= HISTORY_CHARACTERS
    assert threads
    assert threading.get_ident() not in threads


async def test_what_is_not_read_any_more_leaves_together_so_that_prompts_begin_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contents = [f"{number} ".ljust(2_000, "x") for number in range(HISTORY_EVENTS)]
    begin = [(await _history(monkeypatch, contents[:count]))[0][0] for count in range(100, 100 + 4 * HISTORY_STEP)]
    assert len(set(begin)) <= 5


async def test_the_last_word_is_read_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    read, _ = await _history(monkeypatch, ["Hello", "x" * (HISTORY_CHARACTERS + 1)])
    assert [len(one) for one in read] == [HISTORY_CHARACTERS + 1]
    assert (await _history(monkeypatch, []))[0] == []


async def test_a_long_resume_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(grounding, "redact", lambda text: threads.append(threading.get_ident()))
    await grounding._redacted("x" * READ_HERE_CHARACTERS)
    await grounding._redacted("x" * (READ_HERE_CHARACTERS + 1))
    assert [thread == threading.get_ident() for thread in threads] == [True, False]
