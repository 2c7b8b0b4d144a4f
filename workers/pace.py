"""One request a second to each site from all workers together, counted in Redis; per process while Redis is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from chatserver.adapters.redis_answer import answered
from chatserver.adapters.wire import client
from workers.boards.board import Resting, RestingAway, RestingBlocked

GAP_SECONDS = 1.0
WAIT_MAX_SECONDS = 300.0
"""Who would wait longer is told so: more is asked of the site than it can be asked."""
PENALTY_MAX_SECONDS = 24 * 3600.0
"""However long a site asks us to stay away."""
ANSWER_SECONDS = 0.5
KEYS_MAX = 10_000

# Redis' own clock, so that workers need not agree on the time. KEYS slots; ARGV gap, longest wait, in milliseconds.
# Returns where the slot is and how far off; where that is too far, nothing is reserved.
_RESERVE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local slot = math.max(now, tonumber(redis.call('HGET', KEYS[1], 'next') or '0'))
local after = slot + tonumber(ARGV[1])
if slot - now <= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'next', string.format('%.0f', after))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', after - now))
end
return {slot, slot - now}
"""

# KEYS slots; ARGV milliseconds. Nobody's slot before the end of it counts.
_PENALISE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local stop = now + tonumber(ARGV[1])
local after = math.max(stop, tonumber(redis.call('HGET', KEYS[1], 'next') or '0'))
stop = math.max(stop, tonumber(redis.call('HGET', KEYS[1], 'until') or '0'))
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', after), 'until', string.format('%.0f', stop))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(after, stop) - now))
return 1
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """When a request may be made."""

    at: float
    """Seconds on the clock that gave it, Redis' or this process' own."""
    wait_seconds: float
    shared: bool
    """Redis gave it."""


class Pace:
    """`key` is whatever shares the rate: a host, or what many hosts have in common behind them."""

    def __init__(
        self, redis_url: str, *, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._client = client(redis_url)
        self._clock = clock
        self._sleep = sleep
        self._next_here: dict[str, float] = {}
        self._until_here: dict[str, float] = {}

    async def wait(self, key: str, gap_seconds: float = GAP_SECONDS) -> None:
        """Returns when a request may be made; the one after it comes `gap_seconds` later.

        Raises `Resting` where that would be more than `WAIT_MAX_SECONDS` off.
        """
        waited = 0.0
        while True:
            slot = await self.reserve(key, gap_seconds)
            if waited + slot.wait_seconds > WAIT_MAX_SECONDS:
                raise await self._too_far(key, slot)
            if slot.wait_seconds <= 0:
                return
            await self._sleep(slot.wait_seconds)
            waited += slot.wait_seconds
            # Whoever was told meanwhile to go slower was told it for all.
            if await self._stopped_until(key, slot.shared) <= slot.at:
                return

    async def _too_far(self, key: str, slot: Slot) -> Resting:
        left = await self._stopped_until(key, slot.shared) - (slot.at - slot.wait_seconds)
        if left > 0:
            return RestingBlocked(
                f"{key} asked us to stay away for {left:,.0f} more seconds; the run after that reads it."
            )
        return RestingAway(
            f"More is asked of {key} than one request a second allows within {WAIT_MAX_SECONDS:g} seconds; "
            "read fewer of its boards at once."
        )

    async def reserve(self, key: str, gap_seconds: float = GAP_SECONDS) -> Slot:
        """The next free slot, taken; nobody takes one that is more than `WAIT_MAX_SECONDS` off."""
        answer = await self._ask(_RESERVE, key, round(gap_seconds * 1000), round(WAIT_MAX_SECONDS * 1000))
        now = self._clock()
        if answer is None:
            at = max(now, self._next_here.get(key, now))
            slot = Slot(at, at - now, shared=False)
        else:
            slot = Slot(answer[0] / 1000, answer[1] / 1000, shared=True)
        if slot.wait_seconds <= WAIT_MAX_SECONDS:
            # Also where Redis gave it: it may be away a moment later.
            self._keep(self._next_here, key, now + slot.wait_seconds + gap_seconds)
        return slot

    async def penalise(self, key: str, seconds: float) -> None:
        """Nobody asks `key` for so long, `PENALTY_MAX_SECONDS` at most; slots that were reserved before are void."""
        seconds = min(seconds, PENALTY_MAX_SECONDS)
        until = self._clock() + seconds
        self._keep(self._until_here, key, until)
        self._keep(self._next_here, key, until)
        await self._ask(_PENALISE, key, round(seconds * 1000))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _stopped_until(self, key: str, shared: bool) -> float:
        if not shared:
            return self._until_here.get(key, 0.0)
        until = await self._ask("return redis.call('HGET', KEYS[1], 'until')", key)
        return int(until) / 1000 if until else 0.0

    async def _ask(self, script: str, key: str, *arguments: int) -> Any:
        """What the script returns, None while Redis is away."""
        command = self._client.eval(script, 1, f"pace:{key}", *arguments)
        try:
            return await answered(command, ANSWER_SECONDS)
        except (RedisError, OSError, TimeoutError):
            return None

    def _keep(self, times: dict[str, float], key: str, at: float) -> None:
        if len(times) >= KEYS_MAX:
            now = self._clock()
            for old in [known for known, until in times.items() if until <= now]:
                del times[old]
        if len(times) < KEYS_MAX or key in times:
            times[key] = max(at, times.get(key, at))
