"""Redis as the wire between nodes and the scratch pad of running answers. It may lose anything at any time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.core.chat_ports import Listener, PadText
from chatserver.core.delivery import Text, pack
from chatserver.core.protocol import Delta, Rebase, encode

log = logging.getLogger(__name__)

WAITING_MAX = 20_000
PIPELINE_MAX = 500
PAD_SECONDS = 3600
PAD_READ_SECONDS = 0.1
SUBSCRIBE_SECONDS = 0.5
SOCKET_SECONDS = 5.0
STOP_SECONDS = 1.0
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)

LOBBY = "lobby"

# KEYS pad, text; ARGV turn, at, length, content, channel, delta item.
# 0: a higher turn is there. 1: done. 2: the whole text is wanted.
_APPEND = """
local held = tonumber(redis.call('HGET', KEYS[1], 'turn') or '-1')
local turn, at, length = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if held > turn then return 0 end
local there = 0
if held == turn then there = tonumber(redis.call('HGET', KEYS[1], 'len') or '0') end
if there ~= at then
  if there >= at + length then return 1 end
  return 2
end
if at == 0 then redis.call('SET', KEYS[2], ARGV[4]) else redis.call('APPEND', KEYS[2], ARGV[4]) end
redis.call('HSET', KEYS[1], 'turn', turn, 'len', at + length)
if at == 0 then redis.call('EXPIRE', KEYS[1], ARGV[7]) redis.call('EXPIRE', KEYS[2], ARGV[7]) end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
"""

# KEYS pad, text; ARGV turn, length, whole text, channel, rebase item. Never by a shorter text of the same turn.
_REPLACE = """
local held = tonumber(redis.call('HGET', KEYS[1], 'turn') or '-1')
local turn, length = tonumber(ARGV[1]), tonumber(ARGV[2])
if held > turn then return 0 end
if held == turn and tonumber(redis.call('HGET', KEYS[1], 'len') or '0') >= length then return 1 end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[6])
redis.call('HSET', KEYS[1], 'turn', turn, 'len', length)
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('PUBLISH', ARGV[4], ARGV[5])
return 1
"""

_FENCE = """
if tonumber(redis.call('HGET', KEYS[1], 'turn') or '-1') < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'turn', ARGV[1], 'len', 0)
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('DEL', KEYS[2])
end
return 1
"""

_READ = "return {redis.call('HGET', KEYS[1], 'turn'), redis.call('GET', KEYS[2])}"


@dataclass(slots=True)
class _Published:
    channel: str
    item: str


@dataclass(slots=True)
class _Streamed:
    session: UUID
    turn: int
    at: int
    content: str
    whole: str
    refused: Callable[[], None]


@dataclass(slots=True)
class _Fenced:
    session: UUID
    turn: int


def _pad_keys(session: UUID) -> list[str]:
    return [f"pad:{{{session}}}", f"pad:{{{session}}}:text"]


def _channel(session: UUID) -> str:
    return f"session:{session}"


def client(url: str, *, single: bool = False) -> Redis:
    """A client whose commands fail after `SOCKET_SECONDS` instead of waiting for ever."""
    return Redis.from_url(
        url, decode_responses=True, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS,
        single_connection_client=single,
    )  # fmt: skip


class RedisWire:
    """One connection publishes, so order holds; another listens. `on_reconnect` is called when listening resumed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._commands = client(url)
        self._publisher = client(url, single=True)
        self._waiting: deque[_Published | _Streamed | _Fenced] = deque()
        self._wake = asyncio.Event()
        self._listeners: dict[str, list[Listener]] = {}
        self._subscribed: dict[str, asyncio.Event] = {}
        self._pubsub = self._commands.pubsub()
        self._changes: deque[tuple[bool, str]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._side: set[asyncio.Task[PadText | None]] = set()
        self._unsubscribing: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.healthy = False
        self.dropped = 0
        self.on_reconnect: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._publish_for_ever(), name="wire-publish"),
            asyncio.create_task(self._listen_for_ever(), name="wire-listen"),
        ]

    async def stop(self) -> None:
        """Sends what waits, as far as Redis takes it at once, then closes."""
        self._stopping = True
        self._wake.set()
        # What is asked of a connection after it was closed would open another one, which nobody closes.
        aside = [*self._side, *self._unsubscribing]
        await asyncio.wait([self._tasks[0], *aside], timeout=STOP_SECONDS)
        self.healthy = False
        for task in [*self._tasks, *aside]:
            task.cancel()
        await asyncio.gather(*self._tasks, *aside, return_exceptions=True)
        for connection in (self._pubsub, self._publisher, self._commands):
            try:
                await connection.aclose()
            except (RedisError, OSError) as error:
                log.debug("closing redis: %s", error)

    # Publishing

    def publish(self, session: UUID, item: str) -> None:
        self._put(_Published(_channel(session), item))

    def announce(self, session: UUID) -> None:
        self._put(_Published(LOBBY, str(session)))

    def stream(self, session: UUID, turn: int, at: int, content: str, whole: str, refused: Callable[[], None]) -> None:
        if self._waiting:
            last = self._waiting[-1]
            if isinstance(last, _Streamed) and last.session == session and last.turn == turn:
                last.content += content
                last.whole = whole
                return
        self._put(_Streamed(session, turn, at, content, whole, refused))

    def fence(self, session: UUID, turn: int) -> None:
        self._put(_Fenced(session, turn))

    def _put(self, item: _Published | _Streamed | _Fenced) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(item)
        self._wake.set()

    async def _publish_for_ever(self) -> None:
        failures = 0
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), PIPELINE_MAX))]
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

    async def _send(self, batch: list[_Published | _Streamed | _Fenced]) -> None:
        pipeline = self._publisher.pipeline(transaction=False)
        for entry in batch:
            match entry:
                case _Published():
                    pipeline.publish(entry.channel, entry.item)
                case _Streamed():
                    frame = encode(Delta(session=entry.session, turn=entry.turn, at=entry.at, content=entry.content))
                    item = pack(Text(entry.turn, entry.at, len(entry.content), frame))
                    pipeline.eval(
                        _APPEND, 2, *_pad_keys(entry.session), entry.turn, entry.at, len(entry.content), entry.content,
                        _channel(entry.session), item, PAD_SECONDS,
                    )  # fmt: skip
                case _Fenced():
                    pipeline.eval(_FENCE, 2, *_pad_keys(entry.session), entry.turn, PAD_SECONDS)
        for entry, result in zip(batch, await pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(result, Exception):
                raise result
            if isinstance(entry, _Streamed):
                if result == 2:
                    result = await self._replace(entry)
                if result == 0:
                    entry.refused()

    async def _replace(self, entry: _Streamed) -> int:
        frame = encode(Rebase(session=entry.session, turn=entry.turn, content=entry.whole))
        item = pack(Text(entry.turn, 0, len(entry.whole), frame, whole=True))
        result: int = await self._publisher.eval(
            _REPLACE, 2, *_pad_keys(entry.session), entry.turn, len(entry.whole), entry.whole,
            _channel(entry.session), item, PAD_SECONDS,
        )  # fmt: skip
        return result

    # Reading the pad

    async def pad(self, session: UUID) -> PadText | None:
        if self._stopping:
            return None
        # A task cancelled inside a command leaves its reply for the next one on that connection: let it end alone.
        task = asyncio.create_task(self._read_pad(session))
        self._side.add(task)
        task.add_done_callback(self._side.discard)
        done, _ = await asyncio.wait({task}, timeout=PAD_READ_SECONDS)
        return task.result() if done else None

    async def _read_pad(self, session: UUID) -> PadText | None:
        try:
            turn, content = await self._commands.eval(_READ, 2, *_pad_keys(session))
        except (RedisError, OSError, TimeoutError):
            return None
        return PadText(int(turn), content or "") if turn is not None else None

    # Listening

    async def listen(self, session: UUID, listener: Listener) -> Callable[[], None]:
        return await self._listen(_channel(session), listener)

    async def listen_lobby(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with the id of each session whose summary changed."""
        return await self._listen(LOBBY, listener)

    async def _listen(self, channel: str, listener: Listener) -> Callable[[], None]:
        listeners = self._listeners.setdefault(channel, [])
        listeners.append(listener)
        confirmed = self._subscribed.get(channel)
        if confirmed is None:
            confirmed = self._subscribed[channel] = asyncio.Event()
            await self._command(True, channel)
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await confirmed.wait()
        except TimeoutError:
            log.debug("not subscribed yet; the position check finds what is missed")

        def end() -> None:
            if listener in listeners:
                listeners.remove(listener)
            if not listeners and self._listeners.get(channel) is listeners:
                del self._listeners[channel]
                self._subscribed.pop(channel, None)
                task = asyncio.create_task(self._command(False, channel))
                self._unsubscribing.add(task)
                task.add_done_callback(self._unsubscribing.discard)

        return end

    async def _command(self, subscribe: bool, channel: str) -> None:
        if not self.healthy:
            return
        try:
            if subscribe:
                await self._pubsub.subscribe(channel)
            elif channel not in self._listeners:
                await self._pubsub.unsubscribe(channel)
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("redis takes no subscription just now: %s", error)

    async def _listen_for_ever(self) -> None:
        failures = 0
        # The client may swallow a cancel while it connects, so the word to stop counts too.
        while not self._stopping:
            try:
                self._pubsub = self._commands.pubsub()
                await self._pubsub.subscribe(LOBBY, *self._subscribed)
                self.healthy = True
                if failures:
                    log.info("redis is back")
                failures = 0
                self.on_reconnect()
                await self._read_for_ever()
            except (RedisError, OSError, TimeoutError) as error:
                self.healthy = False
                for confirmed in self._subscribed.values():
                    confirmed.clear()
                if failures == 0:
                    log.warning("redis is away (%s); events are found by the position check", error)
                try:
                    await self._pubsub.aclose()
                except (RedisError, OSError) as closing:
                    log.debug("closing the subscription: %s", closing)
                await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1

    async def _read_for_ever(self) -> None:
        silent = 0
        while not self._stopping:
            message = await self._pubsub.get_message(timeout=SOCKET_SECONDS)
            if message is None:
                # Silence proves nothing: a half-open connection is silent too.
                silent += 1
                if silent > 2:
                    raise TimeoutError("no answer to a ping")
                await self._pubsub.ping()
                continue
            silent = 0
            channel = message["channel"]
            if message["type"] == "subscribe":
                if channel in self._subscribed:
                    self._subscribed[channel].set()
            elif message["type"] == "message":
                for listener in tuple(self._listeners.get(channel, ())):
                    listener(message["data"])
