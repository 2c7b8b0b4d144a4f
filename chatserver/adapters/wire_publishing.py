"""The speaking half of the wire: one connection, one script, so that order holds."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.core.delivery import Text, pack
from chatserver.core.protocol import Delta, Rebase, encode

log = logging.getLogger(__name__)

WAITING_MAX = 20_000
BATCH_MAX = 500
PACE_SECONDS = 0.001
"""Between two calls, so that a busy wire carries many entries in one; the first after a pause goes at once."""
PAD_SECONDS = 3600
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)

# A whole batch in one call, its entries as one argument: calls and arguments cost more than what is done with them.
# ARGV: seconds that a pad is kept, and the entries as MessagePack. A result for each: 0 refused, the turn is over;
# 1 done; 2 the whole text is wanted. The names of the pads are made here: for one Redis, no cluster.
_BATCH = """
local kept, results = ARGV[1], {}
for nth, entry in ipairs(cmsgpack.unpack(ARGV[2])) do
  local kind, result = entry[1], 1
  if kind == 'p' then
    -- channel, item
    redis.call('PUBLISH', entry[2], entry[3])
  else
    local session, turn = entry[2], entry[3]
    local pad = 'pad:{' .. session .. '}'
    local text = pad .. ':text'
    local there = redis.call('HMGET', pad, 'turn', 'len')
    local held = tonumber(there[1] or '-1')
    if kind == 'f' then
      -- A fence: session, turn
      if held < turn then
        redis.call('HSET', pad, 'turn', turn, 'len', 0)
        redis.call('EXPIRE', pad, kept)
        redis.call('DEL', text)
      end
    else
      -- A delta: session, turn, at, length, content, item. A rebase: the same, its content the whole text.
      local at, length, content, item = entry[4], entry[5], entry[6], entry[7]
      local has = held == turn and tonumber(there[2] or '0') or 0
      if held > turn then
        result = 0
      elseif kind == 'r' then
        -- Never by a shorter text of the same turn.
        if held ~= turn or has < length then
          redis.call('SET', text, content, 'EX', kept)
          redis.call('HSET', pad, 'turn', turn, 'len', length)
          redis.call('EXPIRE', pad, kept)
          redis.call('PUBLISH', 'session:' .. session, item)
        end
      elseif has ~= at then
        if has < at + length then result = 2 end
      else
        if at == 0 then
          redis.call('SET', text, content, 'EX', kept)
          redis.call('HSET', pad, 'turn', turn, 'len', length)
          redis.call('EXPIRE', pad, kept)
        else
          redis.call('APPEND', text, content)
          redis.call('HSET', pad, 'len', at + length)
        end
        redis.call('PUBLISH', 'session:' .. session, item)
      end
    end
  end
  results[nth] = result
end
return results
"""
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Published:
    channel: str
    item: str

    def arguments(self) -> tuple[str | int, ...]:
        return ("p", self.channel, self.item)


@dataclass(slots=True)
class Streamed:
    session: UUID
    turn: int
    at: int
    content: str
    whole: str
    refused: Callable[[], None]

    def arguments(self) -> tuple[str | int, ...]:
        frame = encode(Delta(session=self.session, turn=self.turn, at=self.at, content=self.content))
        item = pack(Text(self.turn, self.at, len(self.content), frame))
        return ("d", str(self.session), self.turn, self.at, len(self.content), self.content, item)


@dataclass(slots=True)
class Rebased:
    """What a delta becomes where the pad has lost what came before it."""

    of: Streamed

    def arguments(self) -> tuple[str | int, ...]:
        one = self.of
        frame = encode(Rebase(session=one.session, turn=one.turn, content=one.whole))
        item = pack(Text(one.turn, 0, len(one.whole), frame, whole=True))
        return ("r", str(one.session), one.turn, 0, len(one.whole), one.whole, item)


@dataclass(slots=True)
class Fenced:
    session: UUID
    turn: int

    def arguments(self) -> tuple[str | int, ...]:
        return ("f", str(self.session), self.turn)


class Publishing:
    """A bounded queue and the one connection that works it off. What Redis does not take is dropped."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(_BATCH)
        self._waiting: deque[Published | Streamed | Fenced] = deque()
        self._last: dict[UUID, Streamed] = {}
        """The delta of a session that waits, if nothing of the session waits behind it."""
        self._wake = asyncio.Event()
        self._stopping = False
        self.dropped = 0

    def put(self, entry: Published | Streamed | Fenced, session: UUID | None = None) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        if isinstance(entry, Streamed):
            last = self._last.get(entry.session)
            if last is not None and last.turn == entry.turn and last.at + len(last.content) == entry.at:
                last.content += entry.content
                last.whole = entry.whole
                return
            self._last[entry.session] = entry
        elif session is not None:
            self._last.pop(session, None)
        self._waiting.append(entry)
        self._wake.set()

    def stop(self) -> None:
        """Sends what waits, as far as Redis takes it, then `run` ends."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        failures = 0
        now = asyncio.get_running_loop().time
        sent = 0.0
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if (early := sent + PACE_SECONDS - now()) > 0:
                    await asyncio.sleep(early)
                sent = now()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                self._last.clear()
                try:
                    await self._send(batch)
                    failures = 0
                except (RedisError, OSError, TimeoutError) as error:
                    self.dropped += len(batch)
                    if failures == 0:
                        log.warning("redis takes nothing just now (%s); events are found in the log", error)
                    if self._stopping:
                        return
                    await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                    failures += 1

    async def _send(self, batch: list[Published | Streamed | Fenced]) -> None:
        wanted: dict[UUID, Streamed] = {}
        for entry, result in zip(batch, await self._call(batch), strict=True):
            if isinstance(entry, Streamed):
                if result == 0:
                    entry.refused()
                elif result == 2:
                    wanted[entry.session] = entry
        for rebased in _slices([Rebased(entry) for entry in wanted.values()]):
            for whole, result in zip(rebased, await self._call(rebased), strict=True):
                if result == 0:
                    whole.of.refused()

    async def _call(self, batch: "list[Published | Streamed | Fenced] | list[Rebased]") -> list[int]:
        results: list[int] = await self._script(args=(PAD_SECONDS, _encode([entry.arguments() for entry in batch])))
        return results


REBASED_MAX = 20


def _slices(rebased: list[Rebased]) -> list[list[Rebased]]:
    """Whole texts are long: so few go in one call that nobody else waits for them."""
    rest = iter(rebased)
    return list(iter(lambda: list(islice(rest, REBASED_MAX)), []))
