"""A whole node on a real port, as `chatserver serve` puts it together, and people with long histories."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.app import application
from chatserver.node import Node, open_node
from chatserver.settings import Settings
from tests.load.house import Server, serving

QUESTION = "Which of these jobs is near enough that I could be home by six, and what do they ask for that I lack? "
ANSWER = "The second one is closest to what your resume says about shipments and customs papers. " * 13


@dataclass
class Served:
    node: Node
    server: Server
    port: int

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"


@asynccontextmanager
async def a_node(database_url: str, redis_url: str, **more: str) -> AsyncIterator[Served]:
    settings = Settings.from_env({
        "DATABASE_URL": database_url, "REDIS_URL": redis_url, "DRAIN_SECONDS": "0",
        "LIMIT_CONNECTIONS_PER_ADDRESS": "0", **more,
    })  # fmt: skip
    async with open_node(settings) as node:
        await node.start()
        async with serving(application(node)) as (server, port):
            yield Served(node, server, port)
            await node.leave()


async def a_seeker(
    database: asyncpg.Pool | asyncpg.Connection, issuer: DevelopmentIssuer, messages: int
) -> tuple[str, UUID]:
    """The token of somebody new, and their session with so many messages, questions and answers in turn."""
    user, session = uuid4(), uuid4()
    email = f"{user}@example.com"
    await database.execute(
        "insert into public.users (id, email, role, full_name) values ($1, $2, 'seeker', 'Asha Rao')", user, email
    )
    await database.execute(
        "insert into public.chat_sessions (id, user_id, seq, turn) values ($1, $2, $3, $3)", session, user, messages
    )
    await database.executemany(
        "insert into public.chat_messages (session_id, seq, id, turn, kind, role, author_id, content)"
        " values ($1, $2, $3, $2, 'message', $4, $5, $6)",
        [
            (session, seq, uuid4(), *(("user", user, QUESTION) if seq % 2 else ("assistant", None, ANSWER)))
            for seq in range(1, messages + 1)
        ],
    )
    return issuer.issue(email, user), session
