"""A fresh page in front of the house, and what brings it into a state that is looked at."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import asyncpg
from playwright.async_api import Page, Route, WebSocketRoute, expect

from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.demo import texts
from tests.browser.conftest import House
from tests.browser.vocabulary import PATIENCE_MS


@dataclass(slots=True)
class Stage:
    page: Page
    house: House
    _lines: list[WebSocketRoute] = field(default_factory=list)

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
        """Signed in under this name, in front of their latest conversation."""
        await self.page.goto(f"{self.house.url}/#token={self.token(name)}")
        await expect(self.page.get_by_test_id("message").first).to_be_visible(timeout=PATIENCE_MS)
        return id_of(name)

    async def known(self, name: str) -> UUID:
        """A seeker who has an account and has not come yet."""
        await self.told(
            "insert into users (id, email, full_name) values ($1, $2, $3) on conflict do nothing",
            id_of(name), address(name), name,
        )  # fmt: skip
        return id_of(name)

    async def comes(self, role: str, path: str | None = None) -> None:
        """The demo's person of that role, who has a past; to another page of theirs than the first if it is named."""
        link = self.house.links[role]
        await self.page.goto(link if path is None else f"{self.house.url}{path}#{link.partition('#')[2]}")
        await expect(self.page.get_by_test_id("me")).to_be_attached(timeout=PATIENCE_MS)

    async def sees(self, testid: str) -> None:
        await expect(self.page.get_by_test_id(testid).first).to_be_visible(timeout=PATIENCE_MS)

    async def conversation(self, user: UUID, *said: tuple[str, str], status: str = "active_ai", **more: Any) -> UUID:
        """A conversation of that seeker: role and words of each message, or "status" and its reason. What is given by
        name is a column of the session."""
        columns = {"user_id": user, "seq": len(said), "turn": len(said), **more}
        session: UUID = await self.told(
            f"insert into chat_sessions (status, {', '.join(columns)})"
            f" values ('{status}', {', '.join(f'${place}' for place in range(1, len(columns) + 1))}) returning id",
            *columns.values(),
        )
        for seq, (role, content) in enumerate(said, start=1):
            event = role == "status"
            meta = {"by": ADMIN, "reason": content} if event else {"author": AUTHORS[role] | who(role, user)}
            await self.told(
                "insert into chat_messages (session_id, seq, id, turn, of_turn, kind, role, content, meta)"
                " values ($1, $2, $3, $2, $4, $5, $6, $7, $8::text::jsonb)",
                session, seq, uuid4(), seq - 1 if event else None, "status" if event else "message",
                None if event else role, status if event else content, json.dumps(meta),
            )  # fmt: skip
        return session

    async def answers(self, path: str, status: int = 200, /, **document: Any) -> None:
        """This path of REST answers so, whatever the server would say."""

        async def answer(route: Route) -> None:
            await route.fulfill(status=status, json=document)

        await self.page.route(re.compile(rf"{path}(\?|$)"), answer)

    async def hears(self, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Each frame of the server comes as `change` makes it; none where it makes none."""

        def route(line: WebSocketRoute) -> None:
            server = line.connect_to_server()
            self._lines.append(line)

            def pass_on(said: str | bytes) -> None:
                changed = change(json.loads(said))
                if changed is not None:
                    line.send(json.dumps(changed))

            server.on_message(pass_on)

        await self.page.route_web_socket(re.compile(r"/ws$"), route)

    async def line_ends(self, code: int, reason: str = "") -> None:
        """The line that `hears` opened ends, and no new one comes about."""
        await self.page.route_web_socket(re.compile(r"/ws$"), lambda line: line.close(code=code, reason=reason))
        for line in self._lines:
            await line.close(code=code, reason=reason)


ADMIN: dict[str, str] = {"id": str(texts.ADMIN.id), "name": str(texts.ADMIN.full_name)}
AUTHORS: dict[str, dict[str, str]] = {
    "assistant": {"name": "Offline assistant", "kind": "offline"}, "user": {"name": "Seeker", "kind": "seeker"},
    "admin": {**ADMIN, "kind": "admin"}, "system": {},
}  # fmt: skip

Reach = Callable[[Stage], Awaitable[None]]
"""Brings the page into a state and returns once it is there."""


def who(role: str, user: UUID) -> dict[str, str]:
    return {"id": str(user)} if role == "user" else {}


def address(name: str) -> str:
    return f"{'.'.join(name.lower().split())}@example.com"


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, address(name))
