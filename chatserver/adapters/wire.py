"""Redis as the wire between nodes and the scratch pad of running answers. It may lose anything at any time."""

import asyncio
import logging
from collections.abc import Callable
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatserver.adapters.redis_address import address
from chatserver.adapters.wire_listening import Listening
from chatserver.adapters.wire_publishing import Fenced, Published, Publishing, Streamed
from chatserver.core.chat_ports import Listener, PadText

log = logging.getLogger(__name__)

PAD_READ_SECONDS = 0.1
SOCKET_SECONDS = 5.0
STOP_SECONDS = 1.0

LOBBY = "lobby"


def _channel(session: UUID) -> str:
    return f"session:{session}"


def client(url: str, *, single: bool = False) -> Redis:
    """A client whose commands fail after `SOCKET_SECONDS` instead of waiting for ever."""
    return Redis.from_url(
        address(url), decode_responses=True, socket_timeout=SOCKET_SECONDS, socket_connect_timeout=SOCKET_SECONDS,
        single_connection_client=single,
    )  # fmt: skip


class RedisWire:
    """One connection publishes, so order holds; another listens. `on_reconnect` is called when listening resumed."""

    def __init__(self, url: str) -> None:
        self._commands = client(url)
        self._publisher = client(url, single=True)
        self._listening = Listening(url, LOBBY)
        self._publishing = Publishing(
            self._publisher, lambda session, turn, at, content: self.near(session, turn, at, content),
            lambda: self.healthy and self._listening.hears,
        )  # fmt: skip
        self._listening.on_reconnect = lambda: self.on_reconnect()
        self._tasks: list[asyncio.Task[None]] = []
        self._reads: set[asyncio.Task[PadText | None]] = set()
        self._stopping = False
        self.on_reconnect: Callable[[], None] = lambda: None
        self.near: Callable[[UUID, int, int, str], None] = lambda session, turn, at, content: None

    @property
    def healthy(self) -> bool:
        return not self._stopping and self._listening.healthy

    @property
    def dropped(self) -> int:
        """Entries that Redis did not take."""
        return self._publishing.dropped

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._publishing.run(), name="wire-publish"),
            asyncio.create_task(self._listening.run(), name="wire-listen"),
        ]

    def deafen(self) -> None:
        """Hears nothing any more; what is to be said is still said."""
        self._tasks[1].cancel()

    async def stop(self) -> None:
        """Sends what waits, as far as Redis takes it at once, then closes."""
        self._stopping = True
        self._publishing.stop()
        # What is asked of a connection after it was closed would open another one, which nobody closes.
        await asyncio.wait([self._tasks[0], *self._reads], timeout=STOP_SECONDS)
        for task in [*self._tasks, *self._reads]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._reads, return_exceptions=True)
        for connection in (self._publisher, self._commands):
            try:
                await connection.aclose()
            except (RedisError, OSError) as error:
                log.debug("closing redis: %s", error)

    # Publishing

    def publish(self, session: UUID, item: str) -> None:
        self._publishing.put(Published(_channel(session), item), session)

    def announce(self, session: UUID) -> None:
        self._publishing.put(Published(LOBBY, str(session)))

    def stream(self, session: UUID, turn: int, at: int, content: str, whole: str, refused: Callable[[], None]) -> None:
        self._publishing.stream(Streamed(session, turn, at, content, whole, refused))

    def arrived(self, session: UUID, turn: int, at: int) -> None:
        self._publishing.arrived(session, turn, at)

    def ended(self, session: UUID, turn: int) -> None:
        self._publishing.ended(session, turn)

    def fence(self, session: UUID, turn: int) -> None:
        self._publishing.put(Fenced(session, turn), session)

    # Reading the pad

    async def pad(self, session: UUID) -> PadText | None:
        if self._stopping:
            return None
        # A task cancelled inside a command leaves its reply for the next one on that connection: let it end alone.
        task = asyncio.create_task(self._read_pad(session))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        done, _ = await asyncio.wait({task}, timeout=PAD_READ_SECONDS)
        return task.result() if done else None

    async def _read_pad(self, session: UUID) -> PadText | None:
        pad = f"pad:{{{session}}}"
        await self._publishing.passed(session)
        try:
            turn, content = await self._commands.eval(_READ, 2, pad, f"{pad}:text")
        except (RedisError, OSError, TimeoutError):
            return None
        return PadText(int(turn), content or "") if turn is not None else None

    # Listening

    async def listen(self, session: UUID, listener: Listener) -> Callable[[], None]:
        return await self._listening.listen(_channel(session), listener)

    async def listen_lobby(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with the id of each session whose summary changed."""
        return await self._listening.listen(LOBBY, listener)


# Both in one step: a text that belongs to another turn would be shown under the wrong one.
_READ = "return {redis.call('HGET', KEYS[1], 'turn'), redis.call('GET', KEYS[2])}"
