"""Nodes and the people at them, on one real Postgres and one real Redis inside a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.storage import FolderStorage
from chatserver.adapters.wire import client
from chatserver.core.access import Role, User
from chatserver.core.gazetteer import Gazetteer
from chatserver.jobs import Jobs
from chatserver.resumes import Resumes
from tests.consents import consents_on
from tests.nodes import POLL_SECONDS, WITHIN_SECONDS, Device, Node
from tests.screens import Screen


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
