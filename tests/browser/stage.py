"""A fresh page in front of the house, and what brings it into a state that is looked at."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import asyncpg
from playwright.async_api import Page, expect

from chatserver.adapters.identity import DevelopmentIssuer
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS


@dataclass(slots=True)
class Stage:
    page: Page
    house: House

    async def told(self, statement: str, *values: Any) -> Any:
        """What the database has to say first."""
        connection = await asyncpg.connect(self.house.database_url)
        try:
            return await connection.fetchval(statement, *values)
        finally:
            await connection.close()

    def token(self, name: str) -> str:
        return DevelopmentIssuer(self.house.database_url).issue(address(name), id_of(name), name=name)

    async def seeker(self, name: str) -> UUID:
        """Signed in under this name, in front of a conversation."""
        await self.page.goto(f"{self.house.url}/#token={self.token(name)}")
        await expect(self.page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)
        return id_of(name)

    async def comes(self, role: str, path: str | None = None) -> None:
        """The demo's person of that role, who has a past; to another page of theirs than the first if it is named."""
        link = self.house.links[role]
        await self.page.goto(link if path is None else f"{self.house.url}{path}#{link.partition('#')[2]}")
        await expect(self.page.get_by_test_id("me")).to_be_attached(timeout=PATIENCE_MS)

    async def sees(self, testid: str) -> None:
        await expect(self.page.get_by_test_id(testid).first).to_be_visible(timeout=PATIENCE_MS)

    async def conversation(self, user: UUID, *messages: tuple[str, str], status: str = "active_ai") -> UUID:
        """A conversation of that seeker with these messages, role and words."""
        session: UUID = await self.told(
            "insert into chat_sessions (user_id, status, seq, turn) values ($1, $2::public.chat_status, $3, $3)"
            " returning id", user, status, len(messages),
        )  # fmt: skip
        for seq, (role, content) in enumerate(messages, start=1):
            await self.told(
                "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content, meta)"
                " values ($1, $2, $3, $2, 'message', $4, $5, $6, $7)",
                session, seq, uuid4(), role, user if role == "user" else None, content,
                '{"author": {"name": "Offline assistant", "kind": "offline"}}' if role == "assistant" else "{}",
            )  # fmt: skip
        return session


Reach = Callable[[Stage], Awaitable[None]]
"""Brings the page into a state and returns once it is there."""


def address(name: str) -> str:
    return f"{'.'.join(name.lower().split())}@example.com"


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, address(name))
