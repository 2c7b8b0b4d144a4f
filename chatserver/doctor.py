"""Looks at settings, database, Redis, keys, storage and origins: one line each, with the remedy."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from redis.exceptions import RedisError

from chatserver.adapters.migrate import MigrationError, check
from chatserver.adapters.postgres import AWAY, reason
from chatserver.adapters.wire import client
from chatserver.running import ROOT
from chatserver.settings import Settings

MIGRATIONS = ROOT / "migrations"
POSTGRES_MIN = 150_000
PGVECTOR_MIN = (0, 8, 0)
PGVECTOR_WANTED = (0, 8, 4)
REDIS_MIN = (6, 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """`well` is None for what works but could be better."""

    name: str
    well: bool | None
    sentence: str

    def __str__(self) -> str:
        mark = {True: "ok  ", False: "FAIL", None: "note"}[self.well]
        return f"{mark}  {self.name}: {self.sentence}"


Check = Callable[[Settings], Awaitable[Finding]]


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    for one in (_database, _schema, _redis, _sign_in, _assistant, _embeddings, _storage, _origins, _notifications):
        yield await one(settings)


async def _database(settings: Settings) -> Finding:
    if not settings.database_url:
        return Finding(
            "database", False, "DATABASE_URL is not set; set it, or use `chatserver up`, which brings its own."
        )
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=10, statement_cache_size=0)
    except (*AWAY, asyncpg.PostgresError, ValueError) as error:
        return Finding("database", False, f"does not answer ({reason(error)}); check DATABASE_URL.")
    try:
        number = int(await connection.fetchval("show server_version_num"))
        vector = await connection.fetchval("select extversion from pg_extension where extname = 'vector'")
    finally:
        await connection.close()
    if number < POSTGRES_MIN:
        return Finding("database", False, f"Postgres {number // 10_000} is too old; use 15 or newer.")
    if vector is None:
        return Finding("database", False, "pgvector is missing; an administrator runs `create extension vector`.")
    version = tuple(int(part) for part in vector.split("."))
    if version < PGVECTOR_MIN:
        return Finding("database", False, f"pgvector {vector} is too old; update it to 0.8.4 or newer.")
    if version < PGVECTOR_WANTED:
        return Finding("database", None, f"pgvector {vector} works; 0.8.4 or newer is better.")
    return Finding("database", True, f"Postgres {number // 10_000}, pgvector {vector}")


async def _schema(settings: Settings) -> Finding:
    if not settings.database_url:
        return Finding("schema", False, "cannot be looked at without a database.")
    try:
        differs = await check(settings.database_url, MIGRATIONS)
    except (*AWAY, asyncpg.PostgresError, MigrationError) as error:
        return Finding("schema", False, f"cannot be looked at: {reason(error)}")
    if differs:
        return Finding("schema", False, f"{differs[0]} ({len(differs)} in all); run `chatserver migrate --check`.")
    return Finding("schema", True, "up to date")


async def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", False, "REDIS_URL is not set; set it, or use `chatserver up`, which brings its own.")
    connection = client(settings.redis_url)
    try:
        version = str((await connection.info("server"))["redis_version"])
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        return Finding("redis", False, f"does not answer ({reason(error)}); check REDIS_URL.")
    finally:
        await connection.aclose()
    if tuple(int(part) for part in version.split(".")[:2]) < REDIS_MIN:
        return Finding("redis", False, f"version {version} is too old; use 6.2 or newer.")
    return Finding("redis", True, f"version {version}")


async def _sign_in(settings: Settings) -> Finding:
    if settings.is_development:
        return Finding("sign-in", None, "development issuer, loopback only; set SUPABASE_URL for real people.")
    if not settings.supabase_publishable_key:
        return Finding("sign-in", None, "the web client cannot sign anybody in; set SUPABASE_PUBLISHABLE_KEY.")
    return Finding("sign-in", True, f"Supabase at {settings.supabase_url}")


async def _assistant(settings: Settings) -> Finding:
    if not settings.anthropic_api_key:
        return Finding("assistant", None, "the offline assistant answers; set ANTHROPIC_API_KEY for a model.")
    return Finding("assistant", True, f"{settings.chat_model}, at most {settings.budget_day_usd:g} USD a day")


async def _embeddings(settings: Settings) -> Finding:
    model = "text-embedding-3-small" if settings.openai_api_key else "all-MiniLM-L6-v2 on the CPU"
    return Finding("embeddings", True, model)


async def _storage(settings: Settings) -> Finding:
    if settings.supabase_url and settings.supabase_service_key:
        return Finding("storage", True, "resume files go to Supabase Storage")
    folder = Path(settings.resume_dir)
    place = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("storage", False, f"{folder} cannot be written; set RESUME_DIR to a folder that can.")
    return Finding("storage", True, f"resume files go to {folder}")


async def _origins(settings: Settings) -> Finding:
    if settings.public_url or settings.allowed_origins:
        return Finding("origins", True, ", ".join(filter(None, (settings.public_url, *settings.allowed_origins))))
    if settings.is_development:
        return Finding("origins", True, "the server's own")
    return Finding("origins", None, "only pages of the server's own host; set PUBLIC_URL behind a proxy.")


async def _notifications(settings: Settings) -> Finding:
    if not settings.notify_webhook_url:
        return Finding("notifications", None, "nobody is called when a seeker waits; set NOTIFY_WEBHOOK_URL.")
    return Finding("notifications", True, f"after {settings.notify_after_seconds} s")
