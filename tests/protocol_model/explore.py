"""Breadth first through all states, so that what is found first is found on a shortest way."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.protocol_model.actions import steps
from tests.protocol_model.configuration import Configuration
from tests.protocol_model.promises import broken_at_rest, broken_in_every_state
from tests.protocol_model.state import State

ROUND_IN_CIRCLES = "P5: the servers go round in circles"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken` is the first promise that does not hold, '' where all states were seen and all hold."""

    states: int
    seconds: float
    broken: str = ""
    trace: tuple[str, ...] = ()
    complete: bool = True

    def __str__(self) -> str:
        story = "".join(f"\n  {number}. {label}" for number, label in enumerate(self.trace, 1))
        return f"{self.broken}{story}" if self.broken else ("clean" if self.complete else "clean as far as seen")


@dataclass(slots=True)
class _Seen:
    """States by number, and of each how it was reached first and where progress leads from it."""

    numbers: dict[State, int]
    came: list[tuple[int, str]] = field(default_factory=lambda: [(0, "")])
    leads: list[list[int]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def verdict(self, broken: str = "", at: int = 0, last: str = "", *, complete: bool = True) -> Verdict:
        trace = [last] if last else []
        while at:
            at, label = self.came[at]
            trace.append(label)
        seconds = time.perf_counter() - self.began
        return Verdict(len(self.numbers), seconds, broken, tuple(reversed(trace)), complete)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Tuples hold no cycles; looking for some among a million of them takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def explore(config: Configuration, most: int = 5_000_000) -> Verdict:
    """Goes on until a promise is broken, all states were seen, or more than `most`."""
    with _uncollected():
        return _explore(config, most)


def _explore(config: Configuration, most: int) -> Verdict:
    start = config.start()
    seen = _Seen({start: 0})
    numbers, came = seen.numbers, seen.came
    frontier = [start]
    while frontier:
        following: list[State] = []
        for state in frontier:
            number = numbers[state]
            leads: list[int] = []
            for label, after, wrong, progress in steps(state, config):
                known = numbers.setdefault(after, len(numbers))
                if wrong:
                    return seen.verdict(wrong, number, label)
                if progress:
                    leads.append(known)
                if known == len(came):
                    came.append((number, label))
                    following.append(after)
                    if wrong := broken_in_every_state(state, after, config):
                        return seen.verdict(wrong, known)
            if not leads and (wrong := broken_at_rest(state, config)):
                return seen.verdict(wrong, number)
            seen.leads.append(leads)
        if len(numbers) > most:
            return seen.verdict(complete=False)
        frontier = following
    circle = _circle(seen.leads)
    return seen.verdict() if circle is None else seen.verdict(ROUND_IN_CIRCLES, circle)


def _circle(leads: list[list[int]]) -> int | None:
    """A state from which progress need never come to rest: what is left once all others are taken away."""
    before: list[list[int]] = [[] for _ in leads]
    open_ways = [len(ways) for ways in leads]
    for number, ways in enumerate(leads):
        for way in ways:
            before[way].append(number)
    resting = [number for number, ways in enumerate(open_ways) if not ways]
    for number in resting:
        for earlier in before[number]:
            open_ways[earlier] -= 1
            if not open_ways[earlier]:
                resting.append(earlier)
    return next((number for number, ways in enumerate(open_ways) if ways), None)
