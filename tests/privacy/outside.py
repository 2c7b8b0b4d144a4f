"""Everything that a server talks to outside, on loopback, and a node put together as `chatserver serve` does it."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import jwt
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chatserver import node as own_node
from chatserver.adapters import openai, pinned
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.app import application
from chatserver.core.access import Role, User
from chatserver.core.gazetteer import Gazetteer
from chatserver.node import Node, open_node
from chatserver.settings import Settings
from tests.adapters.people import person
from tests.embedders import vector_of
from tests.loopback import serving
from tests.model_server import ModelServer
from tests.until import until

SECRET = "a shared secret of forty characters, made up"
KEYS = {
    "ANTHROPIC_API_KEY": "sk-ant-made-up-key", "OPENAI_API_KEY": "sk-made-up-openai-key",
    "SUPABASE_SERVICE_KEY": "made.up.service-key", "SUPABASE_JWT_SECRET": SECRET,
    "NOTIFY_SECRET": "a made-up secret for the webhook",
}  # fmt: skip


@dataclass
class Services:
    """Embeddings, resume files and a webhook, as their makers serve them; keeps what came, whole."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    """The path, and headers and body as one text."""
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.calls.append((request.url.path, f"{dict(request.headers)} {body.decode('utf-8', 'replace')}"))
        await (await self._answer(request, body))(scope, receive, send)

    async def _answer(self, request: Request, body: bytes) -> Response:
        if "/object/list/" in request.url.path:
            return JSONResponse([])
        if request.url.path != "/v1/embeddings":
            return JSONResponse({})
        texts = json.loads(body)["input"]
        rows = [
            {"index": at, "embedding": vector_of(openai.MODEL, text).tolist()} for at, text in enumerate(texts)
        ]  # fmt: skip
        return JSONResponse({"data": rows})


class Outside:
    """One node, and what it sent where."""

    def __init__(self, node: Node, model: ModelServer, services: Services, database: asyncpg.Pool) -> None:
        self.node, self.model, self.services, self.database = node, model, services, database
        transport = httpx2.ASGITransport(application(node))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def sent(self, where: str) -> list[str]:
        """Every request to `model`, or to a path that begins so, as text."""
        if where == "model":
            return [
                f"{asked.path} {asked.headers} {json.dumps(asked.body, ensure_ascii=False)}"
                for asked in self.model.requests
            ]
        return [said for path, said in self.services.calls if path.startswith(where)]

    def everything(self) -> str:
        return "\n".join([*self.sent("model"), *(f"{path} {said}" for path, said in self.services.calls)])

    def forget(self) -> None:
        self.model.requests.clear()
        self.services.calls.clear()

    async def person(self, role: Role = "seeker", name: str = "Asha Rao") -> User:
        return await person(self.database, role, name)

    def token(self, user: User) -> str:
        now = int(time.time())
        return jwt.encode(
            {
                "iss": f"{self.node.settings.supabase_url}/auth/v1", "aud": "authenticated", "role": "authenticated",
                "sub": str(user.id), "email": user.email, "iat": now, "exp": now + 3600,
            },
            SECRET, algorithm="HS256",
        )  # fmt: skip

    async def tries(
        self, user: User, method: str, path: str, *, token: str | None = None, **more: Any
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token or self.token(user)}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def calls(self, user: User, method: str, path: str, **more: Any) -> httpx2.Response:
        answer = await self.tries(user, method, path, **more)
        assert answer.status_code < 400, answer.text
        return answer

    async def agrees(self, user: User) -> None:
        terms = (await self.calls(user, "GET", "/api/me/consent")).json()
        agreement = {"version": terms["version"], "recipients": [one["id"] for one in terms["recipients"]]}
        await self.calls(user, "PUT", "/api/me/consent", json=agreement)

    async def withdraws(self, user: User) -> None:
        await self.calls(user, "DELETE", "/api/me/consent")

    async def asks(self, user: User, question: str, session: UUID | None = None) -> UUID:
        """Until the answer is stored, or the word that it failed."""
        session = session or await self.node.conversations.open(user, new=uuid4())
        await self.node.answers.greet(session)
        await self.node.conversations.post(user, session, uuid4(), question)
        await self.answered(session)
        return session

    async def answered(self, session: UUID) -> None:
        async def over() -> bool:
            row = await self.node.answers._store.session(session)
            return row is not None and row.running_turn is None

        await until(over)

    async def said(self, session: UUID) -> list[tuple[str | None, str]]:
        rows = await self.database.fetch(
            "select role, content, meta ->> 'reason' as reason from chat_messages where session_id = $1 order by seq",
            session,
        )
        return [(row["role"], row["reason"] or row["content"]) for row in rows]


@asynccontextmanager
async def outside_of(
    database: asyncpg.Pool,
    database_url: str,
    redis_url: str,
    gazetteer: Gazetteer,
    patch: pytest.MonkeyPatch,
    **more: str,
) -> AsyncIterator[Outside]:
    """A node with every service that it may have; `more` are settings, an empty one is not set."""
    services = Services()
    async with ModelServer() as model, serving(services) as services.url:

        class Local(OpenAIEmbedder):
            def __init__(self, api_key: str, *, proxy: str | None = None) -> None:
                super().__init__(api_key, base_url=f"{services.url}/v1", proxy=proxy)

        patch.setattr(pinned, "OpenAIEmbedder", Local)
        # Loaded once for the run: a node loads its own in two seconds.
        patch.setattr(own_node, "load_gazetteer", lambda: gazetteer)
        settings = Settings.from_env({
            "DATABASE_URL": database_url, "REDIS_URL": redis_url, "ANTHROPIC_BASE_URL": model.url,
            "SUPABASE_URL": services.url, "NOTIFY_WEBHOOK_URL": f"{services.url}/hook", "NOTIFY_AFTER_SECONDS": "0",
            "DRAIN_SECONDS": "0", **KEYS, **more,
        })  # fmt: skip
        async with open_node(settings) as node:
            await node.start()
            await until(lambda: node.wire.healthy)
            outside = Outside(node, model, services, database)
            try:
                yield outside
            finally:
                await outside.client.aclose()
                await node.leave()
