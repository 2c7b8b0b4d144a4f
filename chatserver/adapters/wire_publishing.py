"""The speaking half of the wire: one connection, one script, so that order holds."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.core.codec import encode
from chatserver.core.delivery import Text, pack
from chatserver.core.server_frames import Delta, Rebase

log = logging.getLogger(__name__)

WAITING_MAX = 20_000
BATCH_MAX = 500
PACE_SECONDS = 0.001
"""Between two calls, so that a busy wire carries many entries in one; the first after a pause goes at once."""
LAZY_SECONDS = 0.1
"""The same where everything that waits was shown here already and nobody else listens: only the pad waits for it."""
FRESH_SECONDS = 1.0
"""For so long after Redis last took something this node believes that it is still in the world: a process that was
stopped, or is cut off, shows nothing of its own before Redis has judged it."""
PAD_SECONDS = 3600
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)

# A whole batch in one call, its entries as one argument: calls and arguments cost more than what is done with them.
# ARGV: seconds that a pad is kept, and the entries as MessagePack. A result for each: 0 refused, the turn is over;
# 1 done; 2 the whole text is wanted; 3 done, and other nodes listen too. The names of the pads are made here: for one
# Redis, no cluster.
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
      -- A delta: session, turn, at, length, content, item, whether this node has shown it to its own.
      -- A rebase: the same without the last, its content the whole text.
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
        local channel = 'session:' .. session
        if redis.call('PUBSUB', 'NUMSUB', channel)[2] > 1 then result = 3 end
        if result == 3 or not entry[8] then redis.call('PUBLISH', channel, item) end
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


class Streamed(msgspec.Struct):
    session: UUID
    turn: int
    at: int
    content: str
    whole: str
    refused: Callable[[], None]
    near: bool = False
    """Whether this node's own connections have it."""

    def arguments(self) -> tuple[str | int, ...]:
        frame = encode(Delta(session=self.session, turn=self.turn, at=self.at, content=self.content))
        item = pack(Text(self.turn, self.at, len(self.content), frame))
        return ("d", str(self.session), self.turn, self.at, len(self.content), self.content, item, self.near)


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


@dataclass(slots=True)
class Marked:
    """Set once everything before it was sent, or dropped. Redis is told nothing of it."""

    passed: asyncio.Event


@dataclass(slots=True)
class _Front:
    """How far this node's own connections have a running answer."""

    turn: int
    at: int
    is_shared: bool = True
    """Whether other nodes listen, as far as Redis has said."""


Spoken = Published | Streamed | Fenced
Entry = Spoken | Marked


class Publishing:
    """A bounded queue and the one connection that works it off. What Redis does not take is dropped.

    The first delta of an answer goes to everybody by way of Redis. Once it has come back (`arrived`), which shows that
    Redis took it and counts this node among those who listen, `near` is called with the following ones at once, for the
    connections of this node; they go to the pad a little later, and to other nodes.
    """

    def __init__(self, redis: Redis, near: Callable[[UUID, int, int, str], None], hears: Callable[[], bool]) -> None:
        self._script = redis.register_script(_BATCH)
        self._near = near
        self._hears = hears
        self._waiting: deque[Entry] = deque()
        self._fronts: dict[UUID, _Front] = {}
        self._taken_at = float("-inf")
        self._last: dict[UUID, Streamed] = {}
        """The delta of a session that waits, if nothing of the session waits behind it."""
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._stopping = False
        self._sending = False
        self.dropped = 0

    def stream(self, entry: Streamed) -> None:
        """Shows a delta to this node's connections, if they have all before it, and puts it on its way."""
        front = self._fronts.get(entry.session)
        if front is not None and front.turn == entry.turn and front.at == entry.at and self._is_fresh():
            front.at += len(entry.content)
            entry.near = True
            self._near(entry.session, entry.turn, entry.at, entry.content)
        self.put(entry, is_urgent=front is None or not entry.near or front.is_shared)

    def arrived(self, session: UUID, turn: int, at: int) -> None:
        """This node's connections were given the answer up to `at` by way of Redis."""
        front = self._fronts.get(session)
        if front is None or front.turn < turn:
            self._fronts[session] = _Front(turn, at)
        elif front.turn == turn:
            front.at = max(front.at, at)

    def ended(self, session: UUID, turn: int) -> None:
        """Nothing more comes of that answer."""
        front = self._fronts.get(session)
        if front is not None and front.turn <= turn:
            del self._fronts[session]

    def _is_fresh(self) -> bool:
        # The loop's own clock stands still within a step, in which a process may have been stopped.
        return monotonic() - self._taken_at < FRESH_SECONDS and self._hears()

    async def passed(self, session: UUID) -> None:
        """Returns when what was streamed of `session` so far is in the pad, or was dropped."""
        if self._waiting or self._sending:
            mark = Marked(asyncio.Event())
            if self.put(mark, session):
                await mark.passed.wait()

    def put(self, entry: Entry, session: UUID | None = None, *, is_urgent: bool = True) -> bool:
        """Whether it was taken."""
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return False
        if isinstance(entry, Streamed):
            last = self._last.get(entry.session)
            if last is not None and last.near == entry.near and _goes_on(last, entry):
                last.content += entry.content
                last.whole = entry.whole
                if is_urgent:
                    self._urgent.set()
                return True
            self._last[entry.session] = entry
        elif session is not None:
            self._last.pop(session, None)
        self._waiting.append(entry)
        if is_urgent:
            self._urgent.set()
        self._wake.set()
        return True

    def stop(self) -> None:
        """Sends what waits, as far as Redis takes it, then `run` ends."""
        self._stopping = True
        self._urgent.set()
        self._wake.set()

    async def run(self) -> None:
        failures = 0
        sent = 0.0
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if (early := sent + PACE_SECONDS - monotonic()) > 0:
                    await asyncio.sleep(early)
                await self._is_wanted(sent + LAZY_SECONDS - monotonic())
                sent = monotonic()
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                self._last.clear()
                self._sending = True
                try:
                    await self._send([entry for entry in batch if not isinstance(entry, Marked)])
                    failures, self._taken_at = 0, sent
                except Exception as error:
                    self.dropped += len(batch)
                    self._fronts.clear()
                    if not isinstance(error, RedisError | OSError):
                        # A line that ended for one entry of ours would leave this node without a voice for good.
                        log.exception("what was to be said could not be")
                    elif failures == 0:
                        log.warning("redis takes nothing just now (%s); events are found in the log", error)
                    if self._stopping:
                        return
                    await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                    failures += 1
                finally:
                    self._sending = False
                    for entry in batch:
                        if isinstance(entry, Marked):
                            entry.passed.set()

    async def _is_wanted(self, seconds: float) -> None:
        """Returns after `seconds`, or as soon as something waits that somebody waits for."""
        if seconds > 0 and len(self._waiting) < BATCH_MAX:
            try:
                async with asyncio.timeout(seconds):
                    await self._urgent.wait()
            except TimeoutError:
                pass
        if len(self._waiting) <= BATCH_MAX:
            # What goes with none of this batch may be urgent as well.
            self._urgent.clear()

    async def _send(self, batch: list[Spoken]) -> None:
        if not batch:
            return
        wanted: dict[UUID, Streamed] = {}
        for entry, result in zip(batch, await self._call(batch), strict=True):
            if isinstance(entry, Streamed):
                if result == 0:
                    self._fronts.pop(entry.session, None)
                    entry.refused()
                elif result == 2:
                    self._fronts.pop(entry.session, None)
                    wanted[entry.session] = entry
                elif (front := self._fronts.get(entry.session)) is not None and front.turn == entry.turn:
                    front.is_shared = result == 3
        for rebased in _slices([Rebased(entry) for entry in wanted.values()]):
            for whole, result in zip(rebased, await self._call(rebased), strict=True):
                if result == 0:
                    whole.of.refused()

    async def _call(self, batch: list[Spoken] | list[Rebased]) -> list[int]:
        results: list[int] = await self._script(args=(PAD_SECONDS, _encode([entry.arguments() for entry in batch])))
        return results


def _goes_on(one: Streamed, other: Streamed) -> bool:
    return one.turn == other.turn and one.at + len(one.content) == other.at


REBASED_MAX = 20


def _slices(rebased: list[Rebased]) -> list[list[Rebased]]:
    """Whole texts are long: so few go in one call that nobody else waits for them."""
    rest = iter(rebased)
    return list(iter(lambda: list(islice(rest, REBASED_MAX)), []))
