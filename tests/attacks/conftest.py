"""A whole node with an obedient model, a seeker who is attacked, and what is not theirs to see."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from chatserver import node as own_node
from chatserver.adapters.minilm import MODEL, MiniLM
from chatserver.core.gazetteer import Gazetteer
from chatserver.recipients import recipients_of
from tests.attacks.obedient import ObedientModel
from tests.attacks.orders import Attack
from tests.consents import everybody_agrees
from tests.load.house import Client, a_client
from tests.load.town import Served, a_node

SECRETS = ("Vikram", "VICTIM-RESUME", "VICTIM-MESSAGE", "DRAFT-SECRET", "CLOSED-SECRET", "FAILED-SECRET", "NOTE-SECRET")
RESUME = "Clerk in Pune with ten years of filing, ledgers and audits of banks."
RESUME_VECTOR = "array_fill(0.05::real, array[384])::vector"


@dataclass
class Scene:
    database: asyncpg.Pool
    served: Served
    model: ObedientModel
    stack: AsyncExitStack
    seeker: UUID = field(default_factory=uuid4)
    victim: UUID = field(default_factory=uuid4)
    admin: UUID = field(default_factory=uuid4)
    victims_session: UUID = field(default_factory=uuid4)
    hidden_job: UUID = field(default_factory=uuid4)
    session: UUID = field(default_factory=uuid4)

    async def set(self) -> None:
        run = self.database.execute
        for id, role, name, resume in (
            (self.seeker, "seeker", "Asha Rao", RESUME),
            (self.victim, "seeker", "Vikram Victim", "VICTIM-RESUME of Vikram"),
            (self.admin, "admin", "Ben", None),
        ):  # fmt: skip
            await run(
                "insert into users (id, email, role, full_name, resume_text) values ($1, $2, $3, $4, $5)",
                id, f"{id}@example.com", role, name, resume,
            )  # fmt: skip
        for status, words in (("processing", "DRAFT-SECRET"), ("closed", "CLOSED-SECRET"), ("failed", "FAILED-SECRET")):
            await self.job(title=f"Clerk {words}", description=f"{words} {RESUME}", status=status)
        await run(
            "insert into jobs (id, title, description_raw, status) values ($1, 'Clerk', 'DRAFT-SECRET', 'processing')",
            self.hidden_job,
        )
        await self.job(title="Clerk", description=RESUME)
        await run(
            "insert into chat_sessions (id, user_id, seq, turn) values ($1, $2, 2, 2)",
            self.victims_session,
            self.victim,
        )
        await run(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content) values"
            " ($1, 1, gen_random_uuid(), 1, 'message', 'user', $2, 'VICTIM-MESSAGE'),"
            " ($1, 2, gen_random_uuid(), 2, 'note', 'admin', $3, 'NOTE-SECRET')",
            self.victims_session, self.victim, self.admin,
        )  # fmt: skip
        await run(
            "insert into chat_references (session_id, ref, job_id, match) values ($1, 77, $2, '{}')",
            self.victims_session, self.hidden_job,
        )  # fmt: skip

    async def job(
        self, *, title: str, description: str, status: str = "active", company: str = "Good & Co",
        location: str = "Pune", skills: Sequence[str] = ("Filing",),
        tips: Sequence[str] = (), questions: Sequence[dict[str, str]] = (),
    ) -> UUID:  # fmt: skip
        vector = RESUME_VECTOR if status == "active" else "null"
        id: UUID = await self.database.fetchval(
            "insert into jobs (title, description_raw, status, company_name, location, skills_required,"
            " resume_guide_generated, prep_guide_generated, embedding_model, embedding)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, (select model from embedding_models),"
            f" {vector}) returning id",
            title, description, status, company, location, list(skills), list(tips), list(questions),
        )  # fmt: skip
        return id

    def filled(self, text: str) -> str:
        """Orders name people and sessions that are of this scene."""
        for word, id in (
            ("VICTIMS_SESSION", self.victims_session), ("VICTIM", self.victim), ("HIDDEN_JOB", self.hidden_job),
            ("OWN_SESSION", self.session), ("PROVIDER", self.admin),
        ):  # fmt: skip
            text = text.replace(f'"{word}"', f'"{id}"')
        return text

    async def placed(self, attack: Attack) -> str:
        """Puts the attack where it belongs and returns what the seeker then says."""
        text = self.filled(attack.text)
        fields: dict[str, Any] = {"title": "Clerk", "description": RESUME}
        match attack.where:
            case "title" | "company" | "location":
                fields[attack.where] = text
            case "description":
                fields["description"] = f"{text} {RESUME}"
            case "skill":
                fields["skills"] = [text]
            case "tip":
                fields["tips"] = [text] * 5
            case "question":
                fields["questions"] = [{"question": text, "answer_strategy": text}] * 5
            case "resume":
                await self.database.execute("update users set resume_text = $2 where id = $1", self.seeker, text)
            case "person":
                await self.database.execute("update users set full_name = $2 where id = $1", self.seeker, text)
            case "message":
                return text
        await self.job(**fields)
        # Guides are read by a tool alone; this seeker has the model read them.
        wants = 'Call: «get_guides {"ref": "J1"}» Call: «get_guides {"ref": "J2"}»'
        return wants if attack.where in ("tip", "question") else "Which job as a clerk in Pune fits me?"

    async def comes(self, user: UUID) -> Client:
        """Somebody signed in and in the seeker's session."""
        assert self.served.node.issuer is not None
        client = await self.stack.enter_async_context(a_client(self.served.url))
        await client.says("hello", token=self.served.node.issuer.issue(f"{user}@example.com", user), ref="h")
        await client.hears_of("welcome")
        await client.says("join", session=str(self.session), ref="j")
        await client.hears_of("joined")
        return client

    async def asks(self, client: Client, content: str) -> dict[str, Any]:
        """The frame that ends the answer."""
        await client.says("post", session=str(self.session), id=str(uuid4()), content=content, ref="p")
        while True:
            frame = await client.hears()
            ended = frame["type"] in ("message", "status") and frame.get("of_turn") is not None
            if ended or (frame["type"] == "error"):
                assert frame["type"] != "error", frame
                return frame


@pytest_asyncio.fixture
async def scene(
    database: asyncpg.Pool, database_url: str, redis_url: str, minilm: MiniLM, gazetteer: Gazetteer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Scene]:  # fmt: skip
    # Loaded once for the run: a node loads its own in two seconds.
    monkeypatch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
    monkeypatch.setattr(own_node, "makers", lambda *_, **__: {MODEL: lambda: minilm})
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ObedientModel())
        served = await stack.enter_async_context(a_node(
            database_url, redis_url, ANTHROPIC_API_KEY="made-up", ANTHROPIC_BASE_URL=model.url,
            BUDGET_SEEKER_DAY_USD="1000", BUDGET_DAY_USD="1000",
        ))  # fmt: skip
        clients = await stack.enter_async_context(AsyncExitStack())
        made = Scene(database, served, model, clients)
        await made.set()
        await everybody_agrees(database, recipients_of(served.node.settings))
        await database.execute("insert into chat_sessions (id, user_id) values ($1, $2)", made.session, made.seeker)
        yield made
