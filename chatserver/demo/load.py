"""Loads the demo into a database of its own, once, on the way that real jobs, resumes and messages go."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4, uuid5

import asyncpg

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.chats import ChatStore
from chatserver.adapters.consents import PostgresConsents
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.offline import OfflineAssistant
from chatserver.adapters.offline_enricher import OfflineEnricher
from chatserver.adapters.postgres import connect
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.spend import DayBudget
from chatserver.adapters.storage import files_of
from chatserver.adapters.wire import RedisWire
from chatserver.answers import Answers
from chatserver.assistants import Assistants, author_of
from chatserver.consents import Consents
from chatserver.conversations import Conversations
from chatserver.core.consent import Recipients
from chatserver.core.job_ports import Enrichment
from chatserver.demo import texts
from chatserver.enrichment import Enriching
from chatserver.grounding import Grounding
from chatserver.jobs import SYSTEM_PROVIDER, Jobs
from chatserver.node import embedder_of
from chatserver.recipients import recipients_of
from chatserver.resumes import Resumes
from chatserver.settings import Settings

ANSWERS_SECONDS = 30.0
WORDS_PER_SECOND = 10_000.0
"""Nobody watches these answers being written."""

_LAST_MESSAGE = uuid5(texts.ADMIN.id, "last message")

_FOREIGN = """
select exists (select from public.users where id <> all ($1::uuid[]))
    or exists (select from public.jobs where provider_id is null or (provider_id <> all ($1::uuid[])))
    or exists (select from public.jobs where provider_id = $2 and board is distinct from $3)
"""


class DemoRefused(Exception):
    """The database holds somebody else's data; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class DemoUsers:
    """Whom to sign in as: addresses and, for the development issuer, ids."""

    seeker: str
    admin: str
    provider: str
    ids: dict[str, UUID]


USERS = DemoUsers(
    texts.ANANYA.email, texts.ADMIN.email, texts.PROVIDER.email, {user.email: user.id for user in texts.USERS}
)


class _Waiting:
    """In place of the queue: what is published here is enriched here, in this process."""

    def __init__(self) -> None:
        self.enrichments: list[Enrichment] = []

    async def enrich(self, enrichment: Enrichment) -> None:
        self.enrichments.append(enrichment)


async def load_demo(settings: Settings, progress: Callable[[str], None]) -> DemoUsers:
    """Loads what is missing; where everything is there, nothing happens.

    `settings` name the database and the Redis of the demo. Raises `DemoRefused`, or `Unavailable`.
    """
    async with AsyncExitStack() as stack:
        pool = await connect(str(settings.database_url), size=4, pooler=settings.database_pooler == "transaction")
        stack.push_async_callback(pool.close)
        if await pool.fetchval("select exists (select from public.chat_messages where id = $1)", _LAST_MESSAGE):
            return USERS
        ids = [SYSTEM_PROVIDER, *(user.id for user in texts.USERS)]
        if await pool.fetchval(_FOREIGN, ids, SYSTEM_PROVIDER, texts.BOARD):
            raise DemoRefused(
                "This database holds other people's data, so the demo stays out of it; "
                "start with --no-demo, or give the demo a database of its own."
            )
        await _Loading(settings, pool, progress, stack).everything()
    return USERS


class _Loading:
    def __init__(
        self, settings: Settings, pool: asyncpg.Pool, progress: Callable[[str], None], stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._progress = progress
        self._stack = stack

    async def everything(self) -> None:
        """Each step finds out by itself what is left of it, so one that was killed is gone on with."""
        await self._users()
        self._progress("Demo: reading the gazetteer and the embedding model")
        gazetteer = await asyncio.to_thread(load_gazetteer)
        embedder = embedder_of(self._settings, self._pool)
        self._stack.push_async_callback(embedder.aclose)
        waiting = _Waiting()
        store = PostgresJobs(self._pool)
        consents = Consents(PostgresConsents(self._pool), recipients_of(self._settings))
        jobs = Jobs(store, PostgresCatalogue(self._pool), waiting, embedder, gazetteer, consents)
        resumes = Resumes(
            PostgresResumes(self._pool), ProcessExtractor(), embedder, gazetteer, files_of(self._settings), consents
        )
        await self._resumes(resumes)
        await self._jobs(jobs, Enriching(store, OfflineEnricher(gazetteer), embedder, gazetteer), waiting)
        await self._sessions(jobs, resumes)

    async def _users(self) -> None:
        await self._pool.executemany(
            "insert into public.users (id, email, role, full_name) values ($1, $2, $3, $4) on conflict do nothing",
            [(user.id, user.email, user.role, user.full_name) for user in texts.USERS],
        )

    async def _resumes(self, resumes: Resumes) -> None:
        for user, name in texts.RESUMES:
            if await resumes.get(user.id) is None:
                file = await asyncio.to_thread((texts.FOLDER / "resumes" / name).read_bytes)
                await resumes.read(user, file=file, file_name=name)
        self._progress(f"Demo: {len(texts.RESUMES)} resumes read")

    async def _jobs(self, jobs: Jobs, enriching: Enriching, waiting: _Waiting) -> None:
        found = await asyncio.to_thread(texts.read_texts, datetime.now(UTC))
        for posting in found.postings:
            await jobs.take_in(posting)
        for draft in found.drafts:
            if not await self._pool.fetchval(
                "select exists (select from public.jobs where provider_id = $1 and external_apply_url = $2)",
                texts.PROVIDER.id, draft.external_apply_url,
            ):  # fmt: skip
                await jobs.publish(texts.PROVIDER, draft)
        waiting.enrichments.clear()
        # Those of an earlier start that was killed are among them. What has to wait is left to the workers.
        left = False
        while not left and await jobs.requeue_overdue(0):
            for done, enrichment in enumerate(waiting.enrichments, start=1):
                left = await enriching.run(enrichment.job, enrichment.version) is not None or left
                if done % 10 == 0 or done == len(waiting.enrichments):
                    self._progress(f"Demo: {done} of {len(waiting.enrichments)} jobs enriched")
            waiting.enrichments.clear()

    async def _sessions(self, jobs: Jobs, resumes: Resumes) -> None:
        wire = RedisWire(str(self._settings.redis_url))
        wire.start()
        self._stack.push_async_callback(wire.stop)
        store = ChatStore(self._pool, uuid4(), self._settings.admin_lease_seconds)
        assistant = OfflineAssistant(words_per_second=WORDS_PER_SECOND)
        conversations = Conversations(store, wire, author_of(assistant))
        assistants = Assistants(assistant, assistant, DayBudget(self._pool, day_usd=0, seeker_day_usd=0))
        answers = Answers(
            store,
            wire,
            conversations,
            Grounding(store, jobs, resumes, Consents(PostgresConsents(self._pool), Recipients())),
            assistants,
        )
        answers.start()
        asked = (
            (texts.ANANYA, texts.ASKED_ASSISTANT), (texts.ROHAN, texts.ASKED_PERSON), (texts.FARAH, texts.ASKED_ADMIN),
        )  # fmt: skip
        sessions: dict[UUID, UUID] = {}
        try:
            for seeker, question in asked:
                session = await conversations.open(seeker, new=uuid5(seeker.id, "session"))
                await answers.greet(session)
                await conversations.post(seeker, session, uuid5(seeker.id, "question"), question)
                sessions[seeker.id] = session
        finally:
            await answers.drain(ANSWERS_SECONDS)
        await conversations.ask_human(texts.ROHAN, sessions[texts.ROHAN.id], texts.WAITS_FOR)
        await conversations.take_over(texts.ADMIN, sessions[texts.FARAH.id])
        await conversations.post(texts.ADMIN, sessions[texts.FARAH.id], _LAST_MESSAGE, texts.ADMIN_SAYS)
        await store.flush(list(sessions.values()))
        self._progress("Demo: three conversations are open")
