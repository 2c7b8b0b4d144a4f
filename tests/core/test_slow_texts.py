"""No text holds a node up: what strangers write is read in a time that grows with its length, not with its square.

While an expression is searched for, the whole process stands still, whatever thread does it.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from re import Pattern
from types import FrameType, ModuleType
from typing import Any

import pytest

from chatserver.adapters import offline, pdf_text
from chatserver.core import claims, distress, gazetteer, lexical, links, matching, offline_guides, redaction
from chatserver.core.gate import WORD_MAX, Gate
from tests.core.pumping import pumped
from workers.boards import successfactors_pages, text

LENGTH = 6_000
WALKS = 5
HELD_UP_SECONDS = 2.0
"""Of this process's own time, for a text that takes a few milliseconds: an end for what would take minutes."""

SEARCHED: dict[ModuleType, int] = {
    redaction: LENGTH, claims: LENGTH, matching: LENGTH, gazetteer: LENGTH, lexical: LENGTH, offline: LENGTH,
    pdf_text: 4 * LENGTH, successfactors_pages: 4 * LENGTH, text: LENGTH,
    # Never given more than so much at a time.
    links: WORD_MAX, offline_guides: offline_guides.PASSAGE_MAX_CHARACTERS,
    distress: distress.CLAUSE_MAX_CHARACTERS,
}  # fmt: skip


class HeldUp(Exception): ...


@contextmanager
def _not_held_up() -> Iterator[None]:
    def held_up(number: int, frame: FrameType | None) -> None:
        raise HeldUp

    before = signal.signal(signal.SIGPROF, held_up)
    signal.setitimer(signal.ITIMER_PROF, HELD_UP_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _patterns(value: Any) -> Iterator[Pattern[str]]:
    if isinstance(value, Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _patterns(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _patterns(one)


@pytest.mark.parametrize("module", SEARCHED, ids=lambda module: module.__name__)
def test_no_expression_searches_for_long_in_what_it_almost_finds(module: ModuleType) -> None:
    found = list(dict.fromkeys(pattern for value in vars(module).values() for pattern in _patterns(value)))
    assert found
    for pattern in found:
        for hostile in pumped(pattern, SEARCHED[module], WALKS, ascii(pattern.pattern)):
            try:
                with _not_held_up():
                    pattern.sub("", hostile)
            except HeldUp:
                pytest.fail(f"{pattern.pattern[:80]!r} is held up by {hostile[:60]!r}…")


def _through_the_gate(answer: str) -> None:
    gate = Gate(lambda ref: True)
    gate.feed(answer)
    gate.finish()


@pytest.mark.parametrize("piece", [
    "\n", " ", "1", "1,", "1.", "a.", "a@", "a-", "[", "[J", "!", "http://", "passport\n", "address:\n", "&#", "日",
    "1 lakh ", "\u0301\u0316", "ﷺ",
])  # fmt: skip
def test_nobody_is_held_up_by_one_thing_said_over_and_over(piece: str) -> None:
    said = piece * (40_000 // len(piece))
    read: tuple[Callable[[str], object], ...] = (
        redaction.redact, claims.speaks_of_claims, lambda text: claims.remark(f"[J1] {text}", {1: text}, text),
        _through_the_gate, distress.language_of_distress, lexical.is_foreign,
        lambda text: matching.explain(text, ["SQL"], text, ["SQL"]),
    )  # fmt: skip
    for reads in read:
        try:
            with _not_held_up():
                reads(said)
        except HeldUp:
            pytest.fail(f"{reads} is held up by {piece!r}")
