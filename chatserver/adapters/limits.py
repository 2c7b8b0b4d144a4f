"""Rates and availability in Redis; rates per process while Redis is away."""

import time
from collections.abc import Collection
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.adapters.redis_answer import answered

MINUTE = 60.0
ANSWER_SECONDS = 0.5
KEYS_MAX = 100_000
AVAILABLE_SECONDS = 60
_AVAILABLE = "admins:available"

# A window that starts with its first action. Returns the milliseconds to wait, or -1.
_SPEND = """
local spent = redis.call('INCR', KEYS[1])
if spent == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if spent <= tonumber(ARGV[1]) then return -1 end
return math.max(redis.call('PTTL', KEYS[1]), 1)
"""

# Redis' own clock, so that nodes need not agree on the time.
_AVAILABLE_SET = """
local now = tonumber(redis.call('TIME')[1])
for nth = 3, #ARGV do
  if ARGV[1] == '1' then redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[nth])
  else redis.call('ZREM', KEYS[1], ARGV[nth]) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZCARD', KEYS[1])
"""
_AVAILABLE_COUNT = "return redis.call('ZCOUNT', KEYS[1], tonumber(redis.call('TIME')[1]) + 1, '+inf')"


class RedisRate:
    """Counts actions per key and window across all nodes."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._here: dict[str, tuple[float, int]] = {}

    async def spend(self, key: str, most: int, seconds: float = MINUTE) -> float | None:
        """None if the action may go on, else the seconds until the next may. `most` in each window; 0 is no limit."""
        if not most:
            return None
        try:
            wait = await answered(
                self._client.eval(_SPEND, 1, f"rate:{key}", most, int(seconds * 1000)), ANSWER_SECONDS
            )
        except (RedisError, OSError, TimeoutError):
            return self._spend_here(key, most, seconds)
        return None if wait < 0 else wait / 1000

    def _spend_here(self, key: str, most: int, seconds: float) -> float | None:
        now = time.monotonic()
        if len(self._here) >= KEYS_MAX:
            self._here = {known: window for known, window in self._here.items() if now - window[0] < seconds}
        began, spent = self._here.get(key, (now, 0))
        if now - began >= seconds:
            began, spent = now, 0
        self._here[key] = (began, spent + 1)
        return None if spent < most else seconds - (now - began)


class RedisPresence:
    """Which admins are available; an entry lives a minute and is renewed while the admin's connection lives."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def set_available(self, admins: Collection[UUID], on: bool) -> None:
        await self._asked(_AVAILABLE_SET, "1" if on else "0", AVAILABLE_SECONDS, *map(str, admins))

    async def available(self) -> int:
        """How many; 0 while Redis is away: then nobody is promised."""
        return await self._asked(_AVAILABLE_COUNT)

    async def _asked(self, script: str, *arguments: str | int) -> int:
        """A Redis that hangs holds nobody back for longer than `ANSWER_SECONDS`."""
        try:
            return int(await answered(self._client.eval(script, 1, _AVAILABLE, *arguments), ANSWER_SECONDS))
        except (RedisError, OSError, TimeoutError):
            return 0
