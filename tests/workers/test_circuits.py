"""A site that is down is left alone, and asked again by one request at a time."""

import asyncio

import pytest

from tests.workers.clockwork import Clockwork
from workers.boards.board import Away, Blocked
from workers.circuits import FAILURES_MAX, KEYS_MAX, OPEN_MAX_SECONDS, OPEN_SECONDS, Circuits, Exhausted

SITE = "careers.example"


class Doorkeeper:
    def __init__(self) -> None:
        self.time = Clockwork()
        self.circuits = Circuits(self.time)

    def fails(self, error: Blocked | Away | None = None, stay_away_seconds: float | None = None) -> None:
        with pytest.raises((Away, Blocked), match="down"), self.circuits.passing(SITE):
            raise Exhausted(error or Away("It is down."), stay_away_seconds)

    def answers(self) -> bool:
        """Whether the request was a probe."""
        with self.circuits.passing(SITE) as probe:
            return probe

    def opens(self) -> None:
        for _ in range(FAILURES_MAX):
            self.fails()


@pytest.fixture
def door() -> Doorkeeper:
    return Doorkeeper()


def test_five_failures_in_a_row_open_it(door: Doorkeeper) -> None:
    door.opens()
    with pytest.raises(Away, match=r"careers.example is left alone for 300 more seconds. It is down."):
        door.answers()


def test_an_answer_in_between_begins_the_count_anew(door: Doorkeeper) -> None:
    for _ in range(2 * FAILURES_MAX):
        for _ in range(FAILURES_MAX - 1):
            door.fails()
        assert door.answers() is False


def test_other_errors_say_nothing_of_the_site(door: Doorkeeper) -> None:
    for _ in range(FAILURES_MAX):
        with pytest.raises(KeyError), door.circuits.passing(SITE):
            raise KeyError
    assert door.answers() is False


def test_the_error_is_of_the_kind_that_opened_it(door: Doorkeeper) -> None:
    for _ in range(FAILURES_MAX):
        door.fails(Blocked("Slow down."))
    with pytest.raises(Blocked, match="Slow down"):
        door.answers()


def test_other_sites_do_not_suffer(door: Doorkeeper) -> None:
    door.opens()
    with door.circuits.passing("other.example") as probe:
        assert probe is False


def test_after_its_time_one_request_probes_and_closes_it(door: Doorkeeper) -> None:
    door.opens()
    door.time.passed += OPEN_SECONDS
    with door.circuits.passing(SITE) as probe:
        assert probe is True
        with pytest.raises(Away, match=r"One request is finding out whether careers.example answers again"):
            door.answers()
    assert door.answers() is False


def test_a_probe_that_fails_opens_it_again(door: Doorkeeper) -> None:
    door.opens()
    door.time.passed += OPEN_SECONDS
    door.fails()
    with pytest.raises(Away, match="left alone for 300 more seconds"):
        door.answers()


def test_a_probe_that_is_called_off_leaves_the_next_one_free(door: Doorkeeper) -> None:
    door.opens()
    door.time.passed += OPEN_SECONDS
    with pytest.raises(asyncio.CancelledError), door.circuits.passing(SITE):
        raise asyncio.CancelledError
    assert door.answers() is True


def test_a_site_that_names_a_time_is_left_alone_at_once(door: Doorkeeper) -> None:
    door.fails(Blocked("It is down."), 600.0)
    with pytest.raises(Blocked, match="left alone for 600 more seconds"):
        door.answers()
    door.time.passed += 600.0
    door.fails(Blocked("It is down."), 10 * OPEN_MAX_SECONDS)
    door.time.passed += OPEN_MAX_SECONDS
    assert door.answers() is True


def test_what_is_remembered_is_bounded(door: Doorkeeper) -> None:
    door.opens()
    for number in range(KEYS_MAX):
        with pytest.raises(Away), door.circuits.passing(f"{number}.example"):
            raise Exhausted(Away("It is down."))
    assert door.answers() is False
