"""Hub nodes inside a test, and the devices of people at them.

A node is everything of `chatserver serve` but the sockets: what a socket would pump is pumped to a `Screen`.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

import msgspec

from chatserver.adapters.chats import ChatStore
from chatserver.adapters.limits import RedisPresence, RedisRate
from chatserver.adapters.spend import DayBudget
from chatserver.adapters.summaries import SummaryStore
from chatserver.adapters.users import UserStore
from chatserver.adapters.wire import RedisWire
from chatserver.allowances import Allowances
from chatserver.answers import Answers
from chatserver.assistants import Assistants, author_of
from chatserver.conversations import Conversations
from chatserver.core.access import User
from chatserver.core.codec import decode, encode
from chatserver.core.errors import Refused
from chatserver.core.hours import Hours
from chatserver.core.limits import Limits
from chatserver.core.ports import AnswerFailed, AnswerRequest, Say, Toolbox, Usage
from chatserver.dispatch import Dispatcher
from chatserver.drafts import Drafts
from chatserver.grounding import Grounding
from chatserver.hub import Hub
from chatserver.subscriptions import Connection
from tests.screens import Screen

if TYPE_CHECKING:
    from tests.town import Town

WITHIN_SECONDS = 45.0
POLL_SECONDS = 0.01
WORDS = 12


class PacedAssistant:
    """Writes `WORDS` words that name its turn of the conversation, each when it is let; fails as it is told."""

    kind: Literal["anthropic", "offline"] = "offline"
    model = "paced"

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.pause_seconds = 0.0
        self.holds_after: int | None = None
        """So many words, then it waits for `goes_on`."""
        self.goes_on = asyncio.Event()
        self.fails: list[AnswerFailed] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Tools that the next answers call, one each, after a third of their words."""
        self.word = "answer"
        self.started = 0
        self.cancelled = 0

    async def answer(self, request: AnswerRequest, toolbox: Toolbox, say: Say) -> None:
        self.started += 1
        mine = self.started
        try:
            for number in range(WORDS):
                await self.free.wait()
                if number == self.holds_after:
                    await self.goes_on.wait()
                await asyncio.sleep(self.pause_seconds)
                if self.fails and number == WORDS // 2:
                    raise self.fails.pop()
                if self.calls and number == WORDS // 3:
                    await toolbox.call(*self.calls.pop())
                say(f"{self.word}{mine}-{number} ")
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def ceiling_usd(self, request: AnswerRequest) -> float:
        return 0.0

    def cost_usd(self, usage: Usage) -> float:
        return 0.0


class Link:
    def __init__(self) -> None:
        self.closed: tuple[int, str] | None = None

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Device:
    """A connection of somebody to a node, joined to one session, and its screen."""

    def __init__(self, node: "Node", user: User, screen: Screen) -> None:
        self.node = node
        self.user = user
        self.screen = screen
        self.link = Link()
        self.connection = Connection(user, time.time() + 3600, self.link)
        node.hub.add(self.connection)
        self._pump = asyncio.create_task(self._pumps())

    async def _pumps(self) -> None:
        while True:
            await self.connection.wake.wait()
            self.connection.wake.clear()
            while self.connection.outbox:
                self.screen.take(msgspec.json.decode(self.connection.outbox.take()))
                self.connection.taken()

    async def sends(self, type: str, **fields: Any) -> dict[str, Any]:
        """The frame's answer as the client sees it; a refusal is one too."""
        frame = decode(msgspec.json.encode({"type": type, "ref": "r", **fields}).decode())
        try:
            answer = await self.node.dispatcher.handle(self.connection, frame)
        except Refused as refused:
            return {"type": "error", "code": refused.code, "message": refused.message}
        return msgspec.json.decode(encode(answer)) if answer is not None else {}

    async def joins(self, session: UUID | None = None, **fields: Any) -> UUID:
        """As a client does that comes back: with the last `seq` that it has."""
        after = {"after": self.screen.seq} if self.screen.joined else {}
        named = {"session": str(session)} if session else {}
        refused = await self.sends("join", **named, **after, **fields)
        assert not refused, refused
        return session or next(iter(self.connection.subscriptions))

    async def leaves(self) -> None:
        self.node.hub.remove(self.connection)
        self._pump.cancel()
        for outcome in await asyncio.gather(self._pump, return_exceptions=True):
            if isinstance(outcome, AssertionError):
                raise outcome

    def judged(self) -> None:
        """Raises what the screen had to complain of."""
        if self._pump.done() and not self._pump.cancelled() and (error := self._pump.exception()):
            raise error


class Node:
    """One hub node. `dies` leaves everything as a process that was killed leaves it."""

    def __init__(self, town: "Town") -> None:
        pool = town.database
        self.id = uuid4()
        self.assistant = PacedAssistant()
        self.store = ChatStore(pool, self.id, 300)
        summaries = SummaryStore(pool)
        self.wire = RedisWire(town.redis_url)
        self.conversations = Conversations(self.store, self.wire, author_of(self.assistant))
        self.hub = Hub(self.store, summaries, self.wire)
        self.hub.wire_is_healthy = lambda: self.wire.healthy
        self.wire.on_reconnect = self.hub.look_now
        grounding = Grounding(self.store, town.jobs, town.resumes, town.consents)
        budget = DayBudget(pool, day_usd=1, seeker_day_usd=1)
        assistants = Assistants(self.assistant, self.assistant, budget)
        self.answers = Answers(self.store, self.wire, self.conversations, grounding, assistants)
        self.drafts = Drafts(self.store, self.wire, grounding, assistants)
        self.dispatcher = Dispatcher(
            self.hub, self.store, self.wire, self.conversations, self.answers, town.jobs, UserStore(pool),
            RedisPresence(town.redis), self.drafts, Allowances(RedisRate(town.redis), Limits().allowances()), Hours(),
            lambda: datetime.now(UTC), time.monotonic,
        )  # fmt: skip
        self.alive = True

    async def start(self) -> "Node":
        self.wire.start()
        self.hub.start()
        self.answers.start()
        async with asyncio.timeout(WITHIN_SECONDS):
            while not self.wire.healthy:
                await asyncio.sleep(POLL_SECONDS)
        return self

    def loses(self, publications: int) -> None:
        """As many of its next publications, the words to the scratch pad among them, never arrive."""
        publish, fence, left = self.wire.publish, self.wire.fence, publications

        def lossy(session: UUID, item: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                publish(session, item)

        def unfenced(session: UUID, turn: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                fence(session, turn)

        self.wire.publish = lossy  # type: ignore[method-assign]
        self.wire.fence = unfenced  # type: ignore[method-assign]

    def estranged(self) -> None:
        """Hears nothing any more and renews no lease, as a process that was stopped and goes on; it writes on."""
        self.wire.deafen()
        self.hub.wire_is_healthy = lambda: True
        self.answers._loops[0].cancel()

    def forsaken(self) -> None:
        """Hears and writes on, and renews no lease: the database does not answer this process alone."""
        self.answers._loops[0].cancel()

    async def dies(self) -> None:
        self.alive = False
        for task in [*self.answers._running.values(), *self.answers._loops]:
            task.cancel()
        await asyncio.gather(*self.answers._running.values(), *self.answers._loops, return_exceptions=True)
        await self.hub.stop()
        await self.wire.stop()

    async def leaves(self) -> None:
        """As on SIGTERM, with nothing of the grace period left."""
        self.alive = False
        await self.answers.drain(0)
        await self.hub.stop()
        await self.wire.stop()
