"""Looks at settings and at everything outside that they name: one line each, with the remedy, and never a secret."""

from collections.abc import AsyncIterator, Awaitable, Callable

from chatserver.doctor.finding import Finding
from chatserver.doctor.outside import assistant, notifications, sign_in, storage
from chatserver.doctor.own import ingestion, limits, origins
from chatserver.doctor.postgres import clock, database, embeddings, pooler, role, schema
from chatserver.doctor.wire import redis
from chatserver.settings import Settings

__all__ = ["Finding", "examine"]

Check = Callable[[Settings], Awaitable[Finding]]

CHECKS: tuple[Check, ...] = (
    database, pooler, role, schema, clock, redis, sign_in, assistant, embeddings, storage, origins, limits,
    notifications, ingestion,
)  # fmt: skip


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    for check in CHECKS:
        yield await check(settings)
