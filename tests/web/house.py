"""The REST routes over the real use cases, and people who call them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.chats import ChatStore
from chatserver.adapters.erasure import PostgresPeople
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.identity import DevelopmentIssuer
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.levels import StandingLevels
from chatserver.adapters.limits import RedisRate
from chatserver.adapters.metrics import Metrics
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.overview import PostgresOverview
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.runs import RunStore
from chatserver.adapters.storage import FolderStorage
from chatserver.adapters.summaries import SummaryStore
from chatserver.adapters.users import UserStore
from chatserver.adapters.wire import RedisWire, client
from chatserver.allowances import Allowances
from chatserver.conversations import Conversations
from chatserver.core.access import Role, User
from chatserver.core.consent import Recipients
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job_ports import Enrichment
from chatserver.core.limits import Limits
from chatserver.enrichment import Enriching
from chatserver.erasure import Erasure
from chatserver.jobs import Jobs
from chatserver.overview import Overviews
from chatserver.reading import Reading
from chatserver.resumes import Resumes
from chatserver.runs import Runs
from chatserver.users import Users
from chatserver.web.admin import AdminRoutes
from chatserver.web.consent import ConsentRoutes
from chatserver.web.health import HealthRoutes
from chatserver.web.jobs import JobRoutes
from chatserver.web.limits import Doors
from chatserver.web.me import PeopleRoutes
from chatserver.web.openapi import description_routes
from chatserver.web.requests import Requests
from chatserver.web.rest import HANDLERS
from chatserver.web.security import SecureHeaders
from chatserver.web.sessions import SessionRoutes
from chatserver.web.turnstile import Turnstile
from tests.consents import consents_on

ORIGIN = "https://jobs.example.com"
UPLOADS_PER_HOUR = 5
CONFIG = {"sign_in": {"kind": "development"}, "assistant": {"kind": "offline", "model": "offline"}}


@dataclass
class RecordingQueue:
    """Keeps what it was given; a worker is played by `House.work`."""

    asked: list[Enrichment] = field(default_factory=list)

    async def enrich(self, enrichment: Enrichment) -> None:
        self.asked.append(enrichment)


@dataclass
class Caller:
    """Somebody signed in. Each method gives the answer as it came."""

    user: User
    client: httpx2.AsyncClient
    token: str

    async def calls(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def gets(self, path: str, **query: Any) -> httpx2.Response:
        return await self.calls("GET", path, params=query)


class House:
    """Everything but the hub. `parts` is what /readyz is told."""

    def __init__(
        self, database: asyncpg.Pool, redis_url: str, folder: Path, minilm: MiniLM, gazetteer: Gazetteer,
        recipients: Recipients | None = None,
    ) -> None:  # fmt: skip
        self.database = database
        self.parts = {"database": "ok", "redis": "ok"}
        self.issuer = DevelopmentIssuer("the seed of these tests")
        self.users = Users(self.issuer, UserStore(database))
        self.queue = RecordingQueue()
        store = PostgresJobs(database)
        self.consents = consents_on(database, recipients)
        self.jobs = Jobs(store, PostgresCatalogue(database), self.queue, minilm, gazetteer, self.consents)
        self.enriching = Enriching(store, OfflineEnricher(gazetteer), minilm, gazetteer)
        self.runs = Runs(RunStore(database))
        self.overviews = Overviews(PostgresOverview(database), RunStore(database))
        self.files = folder
        self.resumes = Resumes(
            PostgresResumes(database), ProcessExtractor(), minilm, gazetteer, FolderStorage(folder), self.consents
        )
        self.wire = RedisWire(redis_url)
        self.redis = client(redis_url)
        self.limits = Limits(uploads_per_hour=UPLOADS_PER_HOUR)
        self.doors = Doors(self.limits)
        self.allowances = Allowances(RedisRate(self.redis), self.limits.allowances())
        self.levels = StandingLevels(database, self.redis, {"answers": 20.0})
        self.metrics = Metrics(self.levels)
        chats = ChatStore(database, uuid4(), 300)
        author = {"name": "Assistant", "kind": "offline"}
        self.conversations = Conversations(chats, self.wire, author, self.metrics)
        self.reading = Reading(chats, SummaryStore(database))
        self.erasure = Erasure(
            PostgresPeople(database), self.conversations, self.resumes, self.reading, self.consents, "a-model"
        )
        app = Starlette(
            routes=self.routes(), exception_handlers=HANDLERS,
            middleware=[
                Middleware(Requests, self.metrics), Middleware(SecureHeaders, (ORIGIN,)),
                Middleware(Turnstile, self.doors),
            ],
        )  # fmt: skip
        app.state.doors = self.doors
        self.app = app
        transport = httpx2.ASGITransport(app)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def described(self) -> list[BaseRoute]:
        async def ready() -> dict[str, str]:
            return self.parts

        return [
            *HealthRoutes(self.users, CONFIG, ready, self.metrics.exposition, self.issuer).routes(),
            *PeopleRoutes(self.users, self.resumes, self.erasure, self.allowances).routes(),
            *ConsentRoutes(self.users, self.consents, self.resumes, self.allowances).routes(),
            *JobRoutes(self.users, self.jobs, self.allowances).routes(),
            *AdminRoutes(self.users, self.runs, self.overviews).routes(),
            *SessionRoutes(self.users, self.conversations, self.reading).routes(),
        ]

    def routes(self) -> list[BaseRoute]:
        async def breaks(request: Request) -> Response:
            raise RuntimeError("the password is swordfish")

        async def breaks_late(request: Request) -> Response:
            async def pieces() -> AsyncIterator[bytes]:
                yield b"so far so good"
                raise RuntimeError("late")

            return StreamingResponse(pieces())

        described = self.described()
        broken = [Route("/api/breaks", breaks), Route("/api/breaks/late", breaks_late)]
        return [*described, *description_routes(described), *broken]

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.levels.aclose()
        await self.redis.aclose()
        await self.wire.stop()

    async def caller(self, role: Role = "seeker", name: str | None = "Asha Rao") -> Caller:
        user = User(uuid4(), f"{uuid4().hex[:10]}@example.com", role, name)
        await self.database.execute(
            "insert into users (id, email, role, full_name) values ($1, $2, $3, $4)",
            user.id, user.email, user.role, user.full_name,
        )  # fmt: skip
        return Caller(user, self.client, self.issuer.issue(user.email, user.id))

    async def work(self) -> None:
        """What the worker does with what was queued."""
        while self.queue.asked:
            enrichment = self.queue.asked.pop(0)
            assert await self.enriching.run(enrichment.job, enrichment.version) is None


def problem_of(answer: httpx2.Response, status: int, code: str) -> str:
    """The sentence of a problem document that is what it should be."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
        f"{answer.request.method} {answer.request.url}: {answer.text}"
    )
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["title"]
    sentence = str(body["detail"])
    assert sentence.endswith(".")
    return sentence


async def chunks(size_bytes: int, pulled: list[int], before: bytes = b"") -> AsyncIterator[bytes]:
    """A body of that size, and in `pulled` how much of it was asked for."""
    if before:
        yield before
    for _ in range(size_bytes // 65_536):
        pulled.append(65_536)
        yield b"x" * 65_536
