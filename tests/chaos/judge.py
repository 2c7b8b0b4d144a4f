"""Judges what is stored and what is shown, once nothing moves any more."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from tests.chaos.lives import Life
from tests.chaos.town import Town

SETTLE_MOST_SECONDS = 90.0
"""After that nothing will come any more. How soon it should is for the caller to judge."""
LOOK_SECONDS = 0.1

_STANDS = """
select s.id, s.seq, s.turn, s.logged_seq,
       exists (select from public.chat_answers a where a.session_id = s.id and a.state = 'running') as running
  from public.chat_sessions s where s.id = any ($1::uuid[])
"""
_LOG = "select seq, turn, of_turn, id, kind, role, content, meta::text from public.chat_messages where session_id = $1"


class Broken(AssertionError):
    """A promise was broken, or a time was passed."""


@dataclass(frozen=True, slots=True)
class Count:
    messages: int
    questions: int
    answers: int
    interrupted: int
    failed: int
    takeovers: int

    def __add__(self, other: "Count") -> "Count":
        return Count(*(one + two for one, two in zip(_parts(self), _parts(other), strict=True)))

    def __str__(self) -> str:
        return (
            f"{self.questions} questions, {self.answers} answers, {self.interrupted} interrupted, {self.failed} failed"
            + (f", {self.takeovers} takeovers" if self.takeovers else "")
        )


def _parts(count: Count) -> tuple[int, ...]:
    return count.messages, count.questions, count.answers, count.interrupted, count.failed, count.takeovers


NOTHING = Count(0, 0, 0, 0, 0, 0)


async def settles(town: Town, lives: list[Life]) -> float:
    """Seconds until no answer runs, every screen stands where the log stands, and `conversation_log` has all of it."""
    began = time.monotonic()
    late: list[str] = ["nothing was looked at"]
    while late:
        for life in lives:
            life.judged()
        if time.monotonic() - began > SETTLE_MOST_SECONDS:
            raise Broken(f"not settled after {SETTLE_MOST_SECONDS:.0f} s: {'; '.join(late[:5])}")
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            late = await _late(town, lives)
    return time.monotonic() - began


async def _late(town: Town, lives: list[Life]) -> list[str]:
    rows = {row["id"]: row for row in await town.query(_STANDS, [life.session for life in lives])}
    late = []
    for life in lives:
        row = rows[life.session]
        if row["running"]:
            late.append(f"case {life.case}: an answer runs")
        elif row["logged_seq"] < row["seq"]:
            late.append(f"case {life.case}: conversation_log has {row['logged_seq']} of {row['seq']}")
        for device in life.all:
            screen = device.screen
            if (screen.seq, screen.turn) != (row["seq"], row["turn"]) or screen.partial is not None:
                late.append(f"{screen.name} is at {screen.seq}/{screen.turn} of {row['seq']}/{row['turn']}")
    return late


async def is_true(town: Town, lives: list[Life]) -> Count:
    """Raises `Broken` at the first promise that does not hold."""
    total = NOTHING
    for life in lives:
        life.judged()
        try:
            total += await _judged(town, life)
        except AssertionError as broken:
            raise Broken(f"case {life.case}, session {life.session}: {broken}") from broken
    return total


async def _judged(town: Town, life: Life) -> Count:
    rows = [
        {**row, "meta": msgspec.json.decode(row["meta"] or "{}")}
        for row in await town.query(f"{_LOG} order by seq", life.session)
    ]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)), "the log has a gap"
    people = [row for row in rows if row["kind"] == "message" and row["role"] in ("user", "admin")]
    stored = {str(row["id"]): row["content"] for row in people}
    assert len(stored) == len(people) == len({row["content"] for row in people}), "a message is stored twice"
    # Everybody asks until they are told: what is stored and not acknowledged has no place here.
    assert stored == life.posted, f"acknowledged {len(life.posted)}, stored {len(stored)}"
    said = [(row["role"], row["content"]) for row in rows if row["kind"] == "message"]
    for device in life.all:
        assert device.screen.said == said, f"{device.screen.name} shows something else than is stored"
    (session,) = await town.query(
        "select conversation_log::text as log, status::text from public.chat_sessions where id = $1", life.session
    )
    array = [(entry["role"], entry["content"]) for entry in msgspec.json.decode(session["log"])]
    assert array == said, "conversation_log is not what is stored"
    for row in rows:
        if row["role"] == "assistant" and row["of_turn"] is not None:
            _is_one_text(row)
    return _answered(rows)


def _is_one_text(row: dict[str, Any]) -> None:
    """The words of one attempt in their order, each stream's from its first one on, and nothing between them."""
    last: tuple[str, int] | None = None
    seen: set[str] = set()
    for word in row["content"].split():
        if not word.startswith("w") or "-" not in word:
            # The offline assistant's, or a word that was cut within.
            assert last is None or word == row["content"].split()[-1], f"{word!r} in an answer at {row['seq']}"
            return
        name, _, number = word.partition("-")
        if last is not None and name == last[0]:
            cut = row["meta"].get("interrupted") and word == row["content"].split()[-1]
            assert cut or int(number) == last[1] + 1, f"{word} after {last} at {row['seq']}"
        else:
            assert name not in seen, f"two texts are mixed at {row['seq']}"
            assert number in ("0", ""), f"a text begins with {word} at {row['seq']}"
        seen.add(name)
        last = name, int(number or 0)


def _answered(rows: list[dict[str, Any]]) -> Count:
    """Between two questions at most one whole answer; none while a person has the session; none is owed at the end."""
    found: Counter[str] = Counter()
    human = owed = False
    whole = 0
    for row in rows:
        reason = str(row["meta"].get("reason", ""))
        if row["kind"] == "status":
            human = row["content"] == "active_human"
            found["takeovers"] += reason == "taken_over"
            if reason.startswith(("answer_failed", "stopped")):
                found["failed"] += 1
                owed = False
        elif row["role"] == "user":
            found["questions"] += 1
            owed, whole = True, 0
        elif row["role"] == "admin":
            assert human, "an admin speaks who does not hold the session"
            owed = False
        elif row["role"] == "assistant" and row["of_turn"] is not None:
            # A cut text is stored in the transaction of the takeover, before its status.
            assert not human, f"the assistant speaks after a takeover, at {row['seq']}"
            if row["meta"].get("interrupted"):
                found["interrupted"] += 1
            else:
                assert owed or whole == 0, f"a question is answered that is not open, at {row['seq']}"
                whole += 1
                assert whole == 1, f"two answers to one question, at {row['seq']}"
                found["answers"] += 1
                owed = False
    assert human or not owed, "a question waits for ever"
    return Count(
        len(rows), found["questions"], found["answers"], found["interrupted"], found["failed"], found["takeovers"]
    )
