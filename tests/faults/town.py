"""People in conversations over several nodes, and what must be true of them once the faults have stopped."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from chatserver.adapters.identity import DevelopmentIssuer
from tests.faults.clients import Client
from tests.faults.house import House

WITHIN_SECONDS = 60.0
LOOK_SECONDS = 0.1


@dataclass
class Person:
    id: UUID
    email: str


@dataclass
class Conversation:
    session: str
    seeker: Person
    devices: list[Client] = field(default_factory=list)
    posted: dict[str, str] = field(default_factory=dict)
    """Acknowledged, by id."""


class Town:
    def __init__(self, house: House, chance: random.Random) -> None:
        self.house = house
        self.chance = chance
        self.conversations: list[Conversation] = []
        self._issuer = DevelopmentIssuer(house.servers.database_url)
        self._stack = AsyncExitStack()

    async def query(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.house.servers.database_url)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows
        finally:
            await connection.close()

    async def person(self, role: str, name: str) -> Person:
        one = Person(uuid4(), f"{name.lower()}-{uuid4().hex[:8]}@example.com")
        await self.query(
            "insert into public.users (id, email, role, full_name) values ($1, $2, $3::text::public.user_role, $4)",
            one.id, one.email, role, name,
        )  # fmt: skip
        return one

    def device(self, person: Person, session: str, name: str, index: int) -> Client:
        """It begins on the node of this index; afterwards it comes to any that is alive."""
        first = True

        def port() -> int:
            nonlocal first
            nodes = self.house.nodes if first else self.house.alive
            chosen = nodes[index % len(nodes)] if first else self.chance.choice(nodes)
            first = False
            return chosen.port

        return Client(name, session, lambda: self._issuer.issue(person.email, person.id), port)

    async def conversation(self, name: str, nodes: list[int]) -> Conversation:
        seeker = await self.person("seeker", name)
        session = uuid4()
        await self.query("insert into public.chat_sessions (id, user_id) values ($1, $2)", session, seeker.id)
        made = Conversation(str(session), seeker)
        made.devices = [
            self.device(seeker, made.session, f"{name} {number}", node) for number, node in enumerate(nodes)
        ]
        self.conversations.append(made)
        return made

    async def asks(self, conversation: Conversation, text: str) -> None:
        id = await conversation.devices[0].posts(text)
        conversation.posted[id] = text

    async def settles(self) -> float:
        """Seconds until no answer runs and every screen stands where the log stands."""
        began = time.monotonic()
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await self._is_settled():
                for one in self.conversations:
                    for device in one.devices:
                        device.judged()
                await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    async def _is_settled(self) -> bool:
        try:
            rows = await self.query(
                "select s.id, s.seq, s.turn, exists (select from public.chat_answers a where a.session_id = s.id"
                " and a.state = 'running') as running from public.chat_sessions s where s.id = any ($1::uuid[])",
                [UUID(one.session) for one in self.conversations],
            )
        except (OSError, asyncpg.PostgresError):
            return False
        stands = {str(row["id"]): row for row in rows}
        return all(
            not stands[one.session]["running"]
            and all(
                device.screen.joined
                and (device.screen.seq, device.screen.turn) == (stands[one.session]["seq"], stands[one.session]["turn"])
                and device.screen.partial is None
                for device in one.devices
            )
            for one in self.conversations
        )

    async def is_true(self) -> tuple[int, int]:
        """Judges what is stored and what is shown; how many questions and how many answers there were."""
        questions = answers = 0
        for one in self.conversations:
            log = await self.query(
                "select seq, id, kind, role, content, of_turn, meta::text as meta from public.chat_messages"
                " where session_id = $1 order by seq", UUID(one.session),
            )  # fmt: skip
            assert [row["seq"] for row in log] == list(range(1, len(log) + 1)), "a gap in the log"
            stored = {str(row["id"]): row["content"] for row in log if row["role"] == "user"}
            assert one.posted.items() <= stored.items(), "an acknowledged message is lost"
            assert len(stored) == len([row for row in log if row["role"] == "user"]), "a message is there twice"
            said = [(row["role"], row["content"]) for row in log if row["kind"] == "message"]
            for device in one.devices:
                assert device.screen.said == said, f"{device.screen.name} shows something else than is stored"
            questions += len(stored)
            answers += self._answered(log)
        return questions, answers

    @staticmethod
    def _answered(log: list[asyncpg.Record]) -> int:
        """Whole answers. After each question comes one, or a word that there is none, before the next question."""
        answers, waiting, human = 0, False, False
        for row in log:
            if row["kind"] == "status":
                human = row["content"] == "active_human"
                if "answer_failed" in row["meta"]:
                    waiting = False
            elif row["role"] == "user":
                waiting = not human
            elif row["role"] == "assistant" and row["of_turn"] is not None:
                assert not human, "the assistant speaks after a takeover"
                if '"interrupted"' not in row["meta"]:
                    assert waiting, "a second answer to one question"
                    waiting = False
                    answers += 1
            elif row["role"] == "admin":
                waiting = False
        assert not waiting, "a question without an answer"
        return answers

    async def close(self) -> None:
        await asyncio.gather(*(device.stop() for one in self.conversations for device in one.devices))
        self.conversations.clear()
