"""When the day's run is due, by one clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def last_slot(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The latest moment, not after `now`, at which the clocks of `zone` show `at`.

    Where the clocks leap over it, the moment that far after midnight; where they show it twice, the first.
    """
    here = now.astimezone(zone)
    slot = datetime.combine(here.date(), at, zone)
    if slot > now:
        slot = datetime.combine(here.date() - timedelta(days=1), at, zone)
    return slot
