"""Puts one hub node together from its settings: everything behind its sockets and routes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

import asyncpg

from chatserver.adapters.catalogue import PostgresCatalogue
from chatserver.adapters.chats import ChatStore
from chatserver.adapters.consents import PostgresConsents
from chatserver.adapters.erasure import PostgresPeople
from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.adapters.identity import DevelopmentIssuer, SupabaseIdentity
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.levels import StandingLevels
from chatserver.adapters.limits import RedisPresence, RedisRate
from chatserver.adapters.metrics import Live, Metrics
from chatserver.adapters.notices import PostgresNotices, Webhook
from chatserver.adapters.offline import OfflineAssistant
from chatserver.adapters.overview import PostgresOverview
from chatserver.adapters.pinned import PinnedEmbedder, makers
from chatserver.adapters.postgres import connect
from chatserver.adapters.queue import ArqQueue
from chatserver.adapters.readiness import Readiness
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.runs import RunStore
from chatserver.adapters.spend import ANSWERS, ENRICHMENT, DayBudget
from chatserver.adapters.storage import SupabaseStorage, files_of
from chatserver.adapters.summaries import SummaryStore
from chatserver.adapters.users import UserStore
from chatserver.adapters.wire import RedisWire, client
from chatserver.allowances import Allowances
from chatserver.answers import Answers
from chatserver.assistants import Assistants, author_of
from chatserver.consents import Consents
from chatserver.conversations import Conversations
from chatserver.core.consent import sent_to
from chatserver.core.limits import REQUESTS_PER_ADDRESS_PER_MINUTE, REQUESTS_PER_USER_PER_MINUTE, Limits
from chatserver.core.ports import Assistant
from chatserver.core.protocol import HEARTBEAT_SECONDS
from chatserver.core.server_frames import AssistantInfo
from chatserver.dispatch import ADMIN_LEASE_PAUSE_SECONDS, Dispatcher
from chatserver.drafts import Drafts
from chatserver.erasure import Erasure
from chatserver.grounding import Grounding
from chatserver.hub import Hub
from chatserver.jobs import Jobs
from chatserver.notices import Notices
from chatserver.overview import Overviews
from chatserver.reading import Reading
from chatserver.recipients import recipients_of
from chatserver.resumes import Resumes
from chatserver.revocations import Revocations
from chatserver.runs import Runs
from chatserver.settings import Settings
from chatserver.users import Identity, Users
from chatserver.web.ws import Sockets
from chatserver.wire_probe import WireProbe

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent.parent / "migrations"
SPARE_DATABASE_CONNECTIONS = 2
"""Of the pool: not for hellos and joins, so that a storm of them leaves something to those who write."""


def issuer_of(settings: Settings) -> DevelopmentIssuer | None:
    """The development issuer where no Supabase signs tokens.

    Its key comes from the database's address, password included: every process of one installation has it, and nobody
    who could not read the data anyway.
    """
    return DevelopmentIssuer(str(settings.database_url)) if settings.is_development else None


def embedder_of(settings: Settings, pool: asyncpg.Pool) -> PinnedEmbedder:
    return PinnedEmbedder(pool, makers(settings.openai_api_key, threads=1, proxy=settings.outgoing_proxy))


def budgets_of(settings: Settings) -> dict[str, float]:
    return {ANSWERS: settings.budget_day_usd, ENRICHMENT: settings.budget_enrichment_day_usd}


def limits_of(settings: Settings) -> Limits:
    return Limits(
        connections_per_user=settings.limit_connections_per_user,
        connections_per_address=settings.limit_connections_per_address,
        frames_per_minute=settings.limit_frames_per_minute, posts_per_minute=settings.limit_posts_per_minute,
        uploads_per_hour=settings.limit_uploads_per_hour, requests_per_user=REQUESTS_PER_USER_PER_MINUTE,
        requests_per_address=REQUESTS_PER_ADDRESS_PER_MINUTE,
        entering=max(settings.database_pool_size - SPARE_DATABASE_CONNECTIONS, 1),
    )  # fmt: skip


class Node:
    """One hub node: everything that lives as long as the process. Built by `open_node`."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.stack = stack
        self.id = uuid4()
        self.draining = False

    async def build(self) -> None:
        settings = self.settings
        pooler = settings.database_pooler == "transaction"
        self.pool = await connect(str(settings.database_url), size=settings.database_pool_size, pooler=pooler)
        self.stack.push_async_callback(self.pool.close)
        self.wire = RedisWire(str(settings.redis_url))
        redis = client(str(settings.redis_url))
        self.stack.push_async_callback(redis.aclose)
        levels = StandingLevels(self.pool, redis, budgets_of(settings))
        self.stack.push_async_callback(levels.aclose)
        self.metrics = Metrics(levels)
        queue = ArqQueue(str(settings.redis_url))
        self.stack.push_async_callback(queue.aclose)
        gazetteer = await asyncio.to_thread(load_gazetteer)
        embedder = embedder_of(settings, self.pool)
        self.stack.push_async_callback(embedder.aclose)
        await embedder.warm()
        self.ready = Readiness(
            self.pool, MIGRATIONS, embedder, hears=lambda: self.wire.healthy, leaves=lambda: self.draining
        )
        self.stack.push_async_callback(self.ready.aclose)
        files = files_of(settings)
        if isinstance(files, SupabaseStorage):
            self.stack.push_async_callback(files.aclose)

        self.issuer = issuer_of(settings)
        identity: Identity
        if self.issuer is not None:
            identity = self.issuer
        else:
            supabase = SupabaseIdentity(
                str(settings.supabase_url), secret=settings.supabase_jwt_secret, proxy=settings.outgoing_proxy
            )
            self.stack.push_async_callback(supabase.aclose)
            identity = supabase
        user_store = UserStore(self.pool)
        self.users = Users(identity, user_store)
        self.consents = Consents(PostgresConsents(self.pool), recipients_of(settings))
        self.jobs = Jobs(
            PostgresJobs(self.pool), PostgresCatalogue(self.pool), queue, embedder, gazetteer, self.consents
        )
        self.runs = Runs(RunStore(self.pool))
        self.overviews = Overviews(PostgresOverview(self.pool), RunStore(self.pool))
        self.resumes = Resumes(
            PostgresResumes(self.pool), ProcessExtractor(), embedder, gazetteer, files, self.consents
        )

        offline = OfflineAssistant()
        assistant: Assistant = offline
        if settings.anthropic_api_key:
            # The package takes a second to load, which a server without a key starts earlier.
            from chatserver.adapters.anthropic import AnthropicAssistant

            anthropic = AnthropicAssistant(
                settings.anthropic_api_key, settings.chat_model, base_url=settings.anthropic_base_url,
                proxy=settings.outgoing_proxy,
            )  # fmt: skip
            self.stack.push_async_callback(anthropic.aclose)
            assistant = anthropic
        store = ChatStore(self.pool, self.id, settings.admin_lease_seconds)
        summaries = SummaryStore(self.pool)
        self.conversations = Conversations(store, self.wire, author_of(assistant), self.metrics)
        self.reading = Reading(store, summaries)
        self.erasure = Erasure(
            PostgresPeople(self.pool), self.conversations, self.resumes, self.reading, self.consents,
            sent_to(recipients_of(settings)),
        )  # fmt: skip
        self.hub = Hub(store, summaries, self.wire, self.metrics)
        self.hub.wire_is_healthy = lambda: self.wire.healthy
        self.wire.on_reconnect = self.hub.look_now
        grounding = Grounding(store, self.jobs, self.resumes, self.consents)
        budget = DayBudget(self.pool, day_usd=settings.budget_day_usd, seeker_day_usd=settings.budget_seeker_day_usd)
        assistants = Assistants(assistant, offline, budget)
        self.answers = Answers(store, self.wire, self.conversations, grounding, assistants, self.metrics)
        self.drafts = Drafts(store, self.wire, grounding, assistants)
        self.notices: Notices | None = None
        if settings.notify_webhook_url:
            webhook = Webhook(settings.notify_webhook_url, settings.notify_secret, proxy=settings.outgoing_proxy)
            self.stack.push_async_callback(webhook.aclose)
            self.notices = Notices(PostgresNotices(self.pool), webhook, settings.notify_after_seconds)
        limits = limits_of(settings)
        self.allowances = Allowances(RedisRate(redis), limits.allowances())
        dispatcher = Dispatcher(
            self.hub, store, self.wire, self.conversations, self.answers, self.jobs, user_store, RedisPresence(redis),
            self.drafts, self.allowances, settings.business_hours, lambda: datetime.now(settings.timezone), monotonic,
            # Often enough that who works in a short lease does not lose it, and no more often than it takes.
            min(ADMIN_LEASE_PAUSE_SECONDS, settings.admin_lease_seconds / 4),
        )  # fmt: skip
        self.assistant = AssistantInfo(assistant.kind, assistant.model)
        self.sockets = Sockets(
            self.hub, dispatcher, self.users, self.assistant, str(self.id), origins=self.origins,
            limits=limits, observer=self.metrics,
        )  # fmt: skip
        self.revocations = Revocations(self.wire, self.sockets.look_at)
        self.users.changed = self.erasure.erased = self.revocations.tell
        self.metrics.watch(Live(
            connections=lambda: len(self.hub.connections), sessions_open=lambda: self.hub.sessions_open,
            answers_running=lambda: self.answers.count, sent_bytes=lambda: self.sockets.sent_bytes,
            wire_is_up=lambda: self.wire.healthy, wire_dropped=lambda: self.wire.dropped,
            budget_refusals=lambda: budget.refused, is_draining=lambda: self.draining,
        ))  # fmt: skip

    @property
    def origins(self) -> tuple[str, ...]:
        own = (self.settings.public_url,) if self.settings.public_url else ()
        return (*own, *self.settings.allowed_origins)

    @property
    def is_https(self) -> bool:
        return (self.settings.public_url or "").startswith("https:")

    async def start(self) -> None:
        self.wire.start()
        self.hub.start()
        self.answers.start()
        self.stack.push_async_callback(self.wire.stop)
        self.stack.push_async_callback(self.hub.stop)
        self.stack.push_async_callback(self.drafts.stop)
        self._beat = asyncio.create_task(self._beats(), name="heartbeat")
        self._watch = asyncio.create_task(self.sockets.watch(), name="reading")
        revoking = asyncio.create_task(self.revocations.run(), name="revocations")
        self.stack.callback(revoking.cancel)
        probing = asyncio.create_task(WireProbe(self.wire, self.id, self.metrics).run(), name="wire-probe")
        self.stack.callback(probing.cancel)
        if self.notices is not None:
            self._noticing = asyncio.create_task(self.notices.run(), name="notices")
            self.stack.callback(self._noticing.cancel)

    async def leave(self) -> None:
        """Not ready, clients sent elsewhere, running answers ended or handed over."""
        self.draining = True
        self._beat.cancel()
        self._watch.cancel()
        await self.sockets.send_away()
        await self.answers.drain(self.settings.drain_seconds)

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await self.sockets.beat()
            except Exception:
                log.exception("a heartbeat failed")


@asynccontextmanager
async def open_node(settings: Settings) -> AsyncIterator[Node]:
    """A node that is built and not yet started. Raises `Unavailable`."""
    async with AsyncExitStack() as stack:
        node = Node(settings, stack)
        await node.build()
        yield node
