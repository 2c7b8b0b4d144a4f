"""Whether this node can serve, part by part, as `/readyz` tells it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg

from chatserver.adapters.migrate import names
from chatserver.adapters.pinned import PinnedEmbedder
from chatserver.adapters.postgres import answering
from chatserver.adapters.preparation import OUR_SCHEMA
from chatserver.core.ports import Unavailable

ANSWER_SECONDS = 2.0
"""Load balancers give up after a few seconds, and take no answer for a worse one than it is."""

_STATE = "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean"
_APPLIED = f"select array_agg(name) from {OUR_SCHEMA}.schema_migrations"


class Readiness:
    """A sentence for each part: "ok"; "degraded …" for what one can do without for a while; else what is wrong."""

    def __init__(
        self, pool: asyncpg.Pool, migrations: Path, embedder: PinnedEmbedder, *,
        hears: Callable[[], bool], leaves: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._pool = pool
        self._wanted = frozenset(names(migrations))
        self._embedder = embedder
        self._hears = hears
        self._leaves = leaves
        self._asking: asyncio.Task[dict[str, str]] | None = None

    async def __call__(self) -> dict[str, str]:
        parts = {"database": "does not answer", "migrations": "not known", "embeddings": "not known"}
        # One question at a time, and none is cut off in the middle: a probe that comes every second would take one
        # connection after the other from those who wait for a database that hangs.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait({self._asking}, timeout=ANSWER_SECONDS)
        if done:
            parts |= self._asking.result()
        parts["redis"] = "ok" if self._hears() else "degraded: what other nodes write comes some seconds later"
        parts["node"] = "is going away" if self._leaves() else "ok"
        return parts

    async def aclose(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _ask(self) -> dict[str, str]:
        parts: dict[str, str] = {}
        try:
            async with answering(), self._pool.acquire() as connection:
                parts["database"] = "cannot be written: it is a standby" if await connection.fetchval(_STATE) else "ok"
                applied = await connection.fetchval(_APPLIED)
            missing = self._wanted - set(applied or ())
            parts["migrations"] = "pending: run `chatserver migrate`" if missing else "ok"
            lacking = await self._embedder.lacking()
            parts["embeddings"] = f"degraded: {lacking}" if lacking else "ok"
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            parts["migrations"] = "pending: run `chatserver migrate`"
        except (Unavailable, asyncpg.PostgresError):
            return {}
        return parts
