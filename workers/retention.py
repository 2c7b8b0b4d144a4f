"""The hour's look at what is older than it may get, by one worker of the fleet."""

import logging
from dataclasses import dataclass
from typing import Any

from chatserver.adapters.cron_locks import CronLocks, Lost
from chatserver.core.ports import Unavailable
from chatserver.retention import Retention

log = logging.getLogger(__name__)

LOCK = "retention"


@dataclass(frozen=True, slots=True)
class Retaining:
    locks: CronLocks
    retention: Retention


async def retain(ctx: dict[str, Any]) -> None:
    """A worker that dies in the middle leaves the rest to the next hour, when its lock has run out."""
    retaining: Retaining = ctx["retaining"]
    try:
        async with retaining.locks.held(LOCK) as held:
            if held:
                await retaining.retention.sweep()
    except (Unavailable, Lost) as away:
        log.warning("what is old stays another hour: %s", away)
