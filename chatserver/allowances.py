"""What each person may still do just now, counted over all nodes."""

from collections.abc import Mapping
from math import ceil
from typing import Protocol
from uuid import UUID

from chatserver.core.errors import Refused
from chatserver.core.limits import MINUTE, Allowance, Deed


class Rate(Protocol):
    async def spend(self, key: str, most: int, seconds: float = MINUTE) -> float | None:
        """None if the action may go on, else the seconds until the next one may; `most` 0 is no limit."""
        ...


class Allowances:
    def __init__(self, rate: Rate, table: Mapping[Deed, Allowance]) -> None:
        self._rate = rate
        self._table = table

    async def spend(self, user: UUID, deed: Deed) -> None:
        """One more deed of this person. Raises `Refused` (`rate_limited`) with `retry_after`."""
        allowance = self._table[deed]
        wait = await self._rate.spend(f"{deed}:{user}", allowance.most, allowance.seconds)
        if wait is not None:
            when = f"{ceil(wait)} seconds" if wait < 2 * MINUTE else f"{ceil(wait / MINUTE)} minutes"
            raise Refused("rate_limited", f"{allowance.refusal}; come back in {when}.", retry_after=wait)
