"""Hub nodes on real Postgres and Redis inside a test, and screens that judge every frame they are sent.

A node is everything of `chatserver serve` but the sockets: what a socket would pump is pumped to a `Screen`, which
judges it by docs/protocol.md: events in order and once, text at its offset, nothing of the assistant after a takeover.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.chats import ChatStore
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.limits import RedisPresence, RedisRate
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.spend import DayBudget
from chatserver.adapters.storage import FolderStorage
from chatserver.adapters.summaries import SummaryStore
from chatserver.adapters.users import UserStore
from chatserver.adapters.wire import RedisWire, client
from chatserver.allowances import Allowances
from chatserver.answers import Answers
from chatserver.assistants import Assistants, author_of
from chatserver.conversations import Conversations
from chatserver.core.access import Role, User
from chatserver.core.codec import decode, encode
from chatserver.core.errors import Refused
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.hours import Hours
from chatserver.core.limits import Limits
from chatserver.core.ports import AnswerFailed, AnswerRequest, Say, Toolbox, Usage
from chatserver.dispatch import Dispatcher
from chatserver.drafts import Drafts
from chatserver.grounding import Grounding
from chatserver.hub import Hub
from chatserver.jobs import Jobs
from chatserver.resumes import Resumes
from chatserver.subscriptions import Connection
from tests.consents import consents_on

WITHIN_SECONDS = 20.0
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


@dataclass
class Screen:
    """What one device shows of one session, as docs/protocol.md tells a client to keep it."""

    name: str
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    seq: int = 0
    turn: int = 0
    status: str = "active_ai"
    partial: tuple[int, str] | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    joined: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)
    passing: list[dict[str, Any]] = field(default_factory=list)
    """Who is here and who types, and what was proposed, as it came."""
    transcript: list[dict[str, Any]] | None = None
    """Every frame, where somebody wants to look at them afterwards."""

    def take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if self.transcript is not None:
            self.transcript.append(frame)
        if kind == "joined":
            self._join(frame)
        elif kind in ("message", "status", "note"):
            self._event(frame)
        elif kind == "delta":
            assert frame["turn"] >= self.turn, f"{self.name}: text of a turn that is over: {frame}"
            assert self.status != "active_human", f"{self.name}: the assistant speaks after a takeover: {frame}"
            shown = self.partial[1] if self.partial and self.partial[0] == frame["turn"] else ""
            assert frame["at"] == len(shown), f"{self.name}: {frame} after {len(shown)} characters"
            self.partial = (frame["turn"], shown + frame["content"])
            self.turn = frame["turn"]
        elif kind == "rebase":
            assert frame["turn"] >= self.turn, f"{self.name}: a rebase of a turn that is over: {frame}"
            assert not (frame["content"] and self.status == "active_human"), f"{self.name}: a rebase after a takeover"
            self.partial = (frame["turn"], frame["content"]) if frame["content"] else None
            self.turn = frame["turn"]
        elif kind == "seen":
            self.seen.append(frame)
        elif kind in ("presence", "typing", "draft", "draft_delta"):
            self.passing.append(frame)
        elif "ref" in frame:
            self.answers.append(frame)

    def _join(self, frame: dict[str, Any]) -> None:
        if frame.get("reset"):
            self.events.clear()
            self.seq = 0
        self.partial = None
        for event in frame.get("events", ()):
            self._event(event, joined=True)
        self.seq, self.turn = max(self.seq, frame["seq"]), max(self.turn, frame["turn"])
        answer = frame.get("answer")
        if answer and answer["content"]:
            self.partial = (answer["turn"], answer["content"])
        self.joined = True

    def _event(self, frame: dict[str, Any], *, joined: bool = False) -> None:
        assert frame["seq"] > self.seq, f"{self.name}: event {frame['seq']} after {self.seq}"
        self.seq = frame["seq"]
        assert frame["turn"] >= self.turn or joined, f"{self.name}: an event of a turn that is over"
        if self.partial and frame["turn"] > self.partial[0]:
            self.partial = None
        self.turn = max(self.turn, frame["turn"])
        if frame["type"] == "status":
            self.status = frame["status"]
        elif self.status == "active_human" and frame["type"] == "message":
            assert frame["role"] != "assistant", f"{self.name}: the assistant's message after a takeover"
        self.events[frame["seq"]] = frame

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(e["role"], e["content"]) for _, e in sorted(self.events.items()) if e["type"] == "message"]


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
        self.drafts = Drafts(self.store, grounding, assistants)
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


class Town:
    """Nodes, people and their devices on one database and one Redis."""

    def __init__(
        self, database: asyncpg.Pool, redis_url: str, folder: Path, minilm: MiniLM, gazetteer: Gazetteer
    ) -> None:
        self.database = database
        self.redis_url = redis_url
        self.redis = client(redis_url)
        self.queue = ArqQueue(redis_url)
        self.consents = consents_on(database)
        self.jobs = Jobs(
            PostgresJobs(database), PostgresCatalogue(database), self.queue, minilm, gazetteer, self.consents
        )
        self.resumes = Resumes(
            PostgresResumes(database), ProcessExtractor(), minilm, gazetteer, FolderStorage(folder), self.consents
        )
        self.nodes: list[Node] = []
        self.devices: list[Device] = []

    async def node(self) -> Node:
        node = await Node(self).start()
        self.nodes.append(node)
        return node

    async def person(self, role: Role, name: str) -> User:
        user = User(uuid4(), f"{uuid4().hex[:10]}@example.com", role, name)
        await self.database.execute(
            "insert into users (id, email, role, full_name) values ($1, $2, $3, $4)",
            user.id, user.email, user.role, user.full_name,
        )  # fmt: skip
        return user

    def device(self, user: User, node: Node, screen: Screen | None = None) -> Device:
        device = Device(node, user, screen or Screen(user.name))
        self.devices.append(device)
        return device

    async def moves(self, device: Device, node: Node, session: UUID) -> Device:
        """The line is cut, and the client comes back on another node with what it has on its screen."""
        await device.leaves()
        self.devices.remove(device)
        moved = self.device(device.user, node, device.screen)
        await moved.joins(session)
        return moved

    async def log(self, session: UUID) -> list[dict[str, Any]]:
        rows = await self.database.fetch(
            "select seq, turn, of_turn, kind, role, content from chat_messages where session_id = $1 order by seq",
            session,
        )
        return [dict(row) for row in rows]

    async def leases_run_out(self, of: Node) -> None:
        """In place of waiting for them: the database's clock decides, so its rows are set back."""
        await self.database.execute(
            "update chat_answers set lease_until = clock_timestamp() - interval '1 second'"
            " where owner = $1 and state = 'running'",
            of.id,
        )

    async def settles(self, session: UUID) -> None:
        """Until no answer runs and every screen of the session stands where the log stands; judges all of them."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await self._settled(session):
                for device in self.devices:
                    device.judged()
                for node in self.nodes:
                    # What the position check does every few seconds, sooner.
                    node.hub.look_now()
                await asyncio.sleep(POLL_SECONDS)

    async def _settled(self, session: UUID) -> bool:
        row = await self.database.fetchrow(
            "select s.seq, s.turn,"
            " exists (select from chat_answers a where a.session_id = s.id and a.state = 'running') as running"
            " from chat_sessions s where s.id = $1",
            session,
        )
        screens = [device.screen for device in self.devices if session in device.connection.subscriptions]
        return not row["running"] and all(
            screen.seq == row["seq"] and screen.turn == row["turn"] and screen.partial is None for screen in screens
        )

    async def equals_the_log(self, session: UUID) -> None:
        """What every screen shows, what is stored and what other readers of the array see are the same."""
        stored = [(row["role"], row["content"]) for row in await self.log(session) if row["kind"] == "message"]
        for device in self.devices:
            if session in device.connection.subscriptions:
                assert device.screen.said == stored, f"{device.screen.name} shows something else"
        node = next(node for node in self.nodes if node.alive)
        array: list[dict[str, Any]] = []
        async with asyncio.timeout(WITHIN_SECONDS):
            # Who finds another node at the session passes it over; that one, or the next time, writes it.
            while [(entry["role"], entry["content"]) for entry in array] != stored:
                await node.store.flush([session])
                array = await self.database.fetchval(
                    "select conversation_log from chat_sessions where id = $1", session
                )
                await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def a_town(
    database: asyncpg.Pool, redis_url: str, folder: Path, minilm: MiniLM, gazetteer: Gazetteer
) -> AsyncIterator[Town]:
    town = Town(database, redis_url, folder, minilm, gazetteer)
    try:
        yield town
        for device in town.devices:
            await device.leaves()
    finally:
        for node in town.nodes:
            if node.alive:
                await node.dies()
        await town.queue.aclose()
        await town.redis.aclose()
