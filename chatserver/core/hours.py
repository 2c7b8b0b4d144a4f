"""When a person can be expected: business hours as a table of weekdays."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RANGE = re.compile(r"^(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+(?P<open>\d{1,2}:\d{2})-(?P<close>\d{1,2}:\d{2})$")


@dataclass(frozen=True, slots=True)
class Hours:
    """Openings per weekday, Monday first; None means always open."""

    openings: tuple[tuple[tuple[time, time], ...], ...] | None = None

    def is_open(self, now: datetime) -> bool:
        if self.openings is None:
            return True
        clock = now.time().replace(tzinfo=None)
        return any(start <= clock < end for start, end in self.openings[now.weekday()])

    def opens_at(self, now: datetime) -> datetime | None:
        """The next opening after `now`, in its time zone; None while open or where nothing ever opens."""
        if self.openings is None or self.is_open(now):
            return None
        for ahead in range(8):
            day = now + timedelta(days=ahead)
            for start, _ in sorted(self.openings[day.weekday()]):
                opening = day.replace(hour=start.hour, minute=start.minute, second=0, microsecond=0)
                if opening > now:
                    return opening
        return None


def _clock(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def parse_hours(text: str) -> Hours:
    """`always`, or ranges such as `Mon-Fri 09:00-18:00, Sat 10:00-14:00`. Raises `ValueError` with a sentence."""
    if text.strip().lower() == "always":
        return Hours()
    days: list[list[tuple[time, time]]] = [[] for _ in DAYS]
    for part in text.lower().split(","):
        match = _RANGE.match(part.strip())
        if match is None or match["first"] not in DAYS or (match["last"] or match["first"]) not in DAYS:
            raise ValueError(f"{part.strip()!r} is no opening; write for example 'Mon-Fri 09:00-18:00' or 'always'.")
        try:
            start, end = _clock(match["open"]), _clock(match["close"])
        except ValueError:
            raise ValueError(f"{part.strip()!r} has no such time of day; write hours from 00:00 to 23:59.") from None
        if start >= end:
            raise ValueError(f"{part.strip()!r} closes before it opens; write the earlier time first.")
        first, last = DAYS.index(match["first"]), DAYS.index(match["last"] or match["first"])
        for day in range(first, last + 1 if last >= first else last + 8):
            days[day % 7].append((start, end))
    return Hours(tuple(tuple(day) for day in days))
