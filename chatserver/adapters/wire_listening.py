"""The listening half of the wire: one connection with all subscriptions, made again for as long as it takes."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from chatserver.adapters.redis_address import address
from chatserver.core.chat_ports import Listener

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 5.0
"""After so long a silence the server is asked for a word; after as long again without one it counts as gone."""
SUBSCRIBE_SECONDS = 0.5
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)
REASONS_MAX = 5
"""Told while the server is away, each once: the first is often but the end of a line, and a later one the cause."""


class Listening:
    """Calls listeners with what is published. `always` is a channel that is listened to whoever listens."""

    def __init__(self, url: str, always: str) -> None:
        # Without a time limit for each answer, which costs more than reading it: silence is watched over beside it.
        self._pool = ConnectionPool.from_url(
            address(url), decode_responses=True, socket_timeout=None, socket_connect_timeout=CONNECT_SECONDS
        )
        self._always = always
        self._connection: Any = None
        self._listeners: dict[str, list[Listener]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._spoke = False
        self._asked = False
        self.on_reconnect: Callable[[], None] = lambda: None

    @property
    def healthy(self) -> bool:
        return self._connection is not None

    @property
    def hears(self) -> bool:
        """Whether the line has said something since it was last in doubt."""
        return self._connection is not None and not self._asked

    async def listen(self, channel: str, listener: Listener) -> Callable[[], None]:
        """Returns once Redis has confirmed, or after `SUBSCRIBE_SECONDS`; the result ends the listening."""
        listeners = self._listeners.setdefault(channel, [])
        listeners.append(listener)

        def end() -> None:
            if listener in listeners:
                listeners.remove(listener)
            if not listeners and self._listeners.get(channel) is listeners:
                del self._listeners[channel]
                self._confirmed.pop(channel, None)
                task = asyncio.create_task(self._tell("UNSUBSCRIBE", channel))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

        try:
            await self._subscribed(channel)
        except asyncio.CancelledError:
            # Nobody has `end` yet who could call it.
            end()
            raise
        return end

    async def _subscribed(self, channel: str) -> None:
        confirmed = self._confirmed.get(channel)
        if confirmed is None:
            confirmed = self._confirmed[channel] = asyncio.Event()
            await self._tell("SUBSCRIBE", channel)
        if not confirmed.is_set():
            try:
                async with asyncio.timeout(SUBSCRIBE_SECONDS):
                    await confirmed.wait()
            except TimeoutError:
                log.debug("not subscribed yet; the position check finds what is missed")

    async def _tell(self, command: str, channel: str) -> None:
        # Somebody may have come while the word that nobody is left was on its way.
        if self._connection is None or (command == "UNSUBSCRIBE" and channel in self._listeners):
            return
        try:
            await self._connection.send_command(command, channel, check_health=False)
        except (RedisError, OSError, TimeoutError) as error:
            log.debug("redis takes no subscription just now: %s", error)

    async def run(self) -> None:
        """Until it is cancelled."""
        failures = 0
        told: set[str] = set()
        try:
            while True:
                connection: Any = self._pool.make_connection()
                try:
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await connection.connect()
                        await self._subscribe(connection)
                    if failures:
                        log.info("redis is back")
                    failures = 0
                    told.clear()
                    self.on_reconnect()
                    await self._hear(connection)
                except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
                    # What is no text came from nobody here; the line has lost its place in what follows.
                    if str(error) not in told and len(told) < REASONS_MAX:
                        told.add(str(error))
                        log.warning("redis is away (%s); events are found by the position check", error)
                except Exception:
                    log.exception("listening failed; the line is made anew")
                finally:
                    self._connection = None
                    for confirmed in self._confirmed.values():
                        confirmed.clear()
                    await _hung_up(connection)
                await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
        finally:
            for task in self._ending:
                task.cancel()

    async def _subscribe(self, connection: Any) -> None:
        """To all channels; whoever begins to listen while that is on its way finds no connection to tell."""
        asked: set[str] = set()
        wanted = {self._always, *self._confirmed}
        while missing := wanted - asked:
            await connection.send_command("SUBSCRIBE", *missing, check_health=False)
            asked |= missing
            wanted = {self._always, *self._confirmed}
        self._connection = connection

    async def _hear(self, connection: Any) -> None:
        """Raises where the connection ends or is silent for too long."""
        parts = [asyncio.create_task(self._read(connection)), asyncio.create_task(self._watch(connection))]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _read(self, connection: Any) -> None:
        while True:
            kind, *rest = await connection.read_response(disconnect_on_error=False)
            self._spoke, self._asked = True, False
            if kind == "message":
                channel, item = rest
                for listener in tuple(self._listeners.get(channel, ())):
                    try:
                        listener(item)
                    except Exception:
                        # A line that ended for one bad item would be made again for the next, and miss what is between.
                        log.exception("what came over the wire was not understood")
            elif kind == "subscribe" and rest[0] in self._confirmed:
                self._confirmed[rest[0]].set()

    async def _watch(self, connection: Any) -> None:
        """Silence proves nothing: a half-open connection is silent too."""
        self._asked = False
        while True:
            self._spoke = False
            await asyncio.sleep(SILENCE_SECONDS)
            if self._spoke:
                continue
            if self._asked:
                raise TimeoutError("no answer to a ping")
            self._asked = True
            await connection.send_command("PING", check_health=False)


async def _hung_up(connection: Any) -> None:
    try:
        await connection.disconnect(nowait=True)
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("closing redis: %s", error)
