"""When a person can be expected."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from chatserver.core.hours import parse_hours

KOLKATA = ZoneInfo("Asia/Kolkata")
MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=KOLKATA)


def test_always() -> None:
    assert parse_hours("always").is_open(MONDAY_NOON)
    assert parse_hours("always").opens_at(MONDAY_NOON) is None


def test_open_closed_and_when_next() -> None:
    hours = parse_hours("Mon-Fri 09:00-18:00, Sat 10:00-14:00")
    assert hours.is_open(MONDAY_NOON)
    evening = MONDAY_NOON.replace(hour=18)
    assert not hours.is_open(evening)
    assert hours.opens_at(evening) == datetime(2026, 11, 24, 9, 0, tzinfo=KOLKATA)
    saturday_afternoon = datetime(2026, 11, 28, 15, 0, tzinfo=KOLKATA)
    assert hours.opens_at(saturday_afternoon) == datetime(2026, 11, 30, 9, 0, tzinfo=KOLKATA)


def test_a_week_may_turn_over_its_end() -> None:
    hours = parse_hours("Sat-Mon 08:00-12:30")
    assert [hours.is_open(MONDAY_NOON.replace(day=day)) for day in range(21, 26)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "wrong", ["", "Mon", "Mon-Fri", "Mon 9-17", "Mon 18:00-09:00", "Fun 09:00-10:00", "Mon 25:00-26:00"]
)
def test_a_wrong_opening_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"write|earlier"):
        parse_hours(wrong)
