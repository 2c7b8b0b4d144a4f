"""Sites that failed so often in a row that nobody asks them for a while."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from workers.boards.board import Away, Blocked, RestingAway, RestingBlocked

FAILURES_MAX = 5
OPEN_SECONDS = 300.0
OPEN_MAX_SECONDS = 3600.0
"""However long a site asks us to stay away."""
KEYS_MAX = 10_000


class Exhausted(Exception):
    """The site does not answer for all the tries; `stay_away_seconds` where it said for how long."""

    def __init__(self, error: Blocked | Away, stay_away_seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.stay_away_seconds = stay_away_seconds


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float | None = None
    probing: bool = False
    error: Blocked | Away | None = None


class Circuits:
    """In this process. A circuit that opened lets a single request through when its time is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._troubled: dict[str, _Circuit] = {}

    @contextmanager
    def passing(self, key: str) -> Iterator[bool]:
        """Around a request and its retries; the value says whether it is a probe. Raises what opened the circuit.

        `Exhausted` counts and comes out as what it carries; any other error says nothing of the site.
        """
        circuit = self._troubled.get(key)
        probe = circuit is not None and circuit.open_until is not None
        if circuit is not None and circuit.open_until is not None:
            left = circuit.open_until - self._clock()
            kind = RestingBlocked if isinstance(circuit.error, Blocked) else RestingAway
            if left > 0:
                raise kind(f"{key} is left alone for {left:.0f} more seconds. {circuit.error}")
            if circuit.probing:
                raise kind(f"One request is finding out whether {key} answers again. {circuit.error}")
            circuit.probing = True
        try:
            yield probe
        except Exhausted as failed:
            self._count(key, failed)
            raise failed.error from failed.__cause__
        else:
            self._troubled.pop(key, None)
        finally:
            # Also when it was cancelled: the next one probes.
            if probe and circuit is not None:
                circuit.probing = False

    def _count(self, key: str, failed: Exhausted) -> None:
        if len(self._troubled) >= KEYS_MAX and key not in self._troubled:
            self._troubled.pop(next(iter(self._troubled)))
        circuit = self._troubled.setdefault(key, _Circuit())
        circuit.failures += 1
        circuit.error = failed.error
        if failed.stay_away_seconds is not None:
            circuit.open_until = self._clock() + min(failed.stay_away_seconds, OPEN_MAX_SECONDS)
        elif circuit.failures >= FAILURES_MAX:
            circuit.open_until = self._clock() + OPEN_SECONDS
