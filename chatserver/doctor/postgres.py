"""Of Postgres: its version, what stands before it, who we are there, what is in it, and its clock."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from chatserver.adapters import minilm, openai
from chatserver.adapters.migrate import MigrationError, check
from chatserver.adapters.postgres import AWAY, reason
from chatserver.core.ports import Unavailable
from chatserver.doctor.finding import Finding
from chatserver.running import ROOT
from chatserver.settings import Settings

MIGRATIONS: Path = ROOT / "migrations"
POSTGRES_MIN = 150_000
PGVECTOR_MIN = (0, 8, 0)
PGVECTOR_WANTED = (0, 8, 4)
CONNECT_SECONDS = 10.0
SKEW_SECONDS = 30.0
"""Tokens are judged by this machine's clock, leases by the database's; a minute is what a token's clock may differ."""
LOOKS = 4

FAILURES = (*AWAY, asyncpg.PostgresError, ValueError)


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    if not settings.database_url:
        raise Unavailable("cannot be looked at without a database.")
    try:
        connection = await asyncpg.connect(settings.database_url, timeout=CONNECT_SECONDS, statement_cache_size=0)
    except FAILURES as error:
        raise Unavailable(f"cannot be looked at: the database does not answer ({reason(error)}).") from None
    try:
        yield connection
    except FAILURES as error:
        raise Unavailable(f"cannot be looked at: {reason(error)}.") from None
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def database(settings: Settings) -> Finding:
    if not settings.database_url:
        return Finding(
            "database", False, "DATABASE_URL is not set; set it, or use `chatserver up`, which brings its own."
        )
    try:
        async with _connected(settings) as connection:
            number = int(await connection.fetchval("show server_version_num"))
            vector = await connection.fetchval("select extversion from pg_extension where extname = 'vector'")
            readonly = await connection.fetchval(
                "select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean"
            )
    except Unavailable as away:
        said = str(away).partition("(")[2].rpartition(")")[0] or str(away)
        return Finding("database", False, f"does not answer ({said}); check DATABASE_URL{_ipv6_hint(settings)}.")
    if number < POSTGRES_MIN:
        return Finding("database", False, f"Postgres {number // 10_000} is too old; use 15 or newer.")
    if readonly:
        return Finding("database", False, "it cannot be written, as a standby; name the primary in DATABASE_URL.")
    if vector is None:
        return Finding("database", False, "pgvector is missing; an administrator runs `create extension vector`.")
    version = tuple(int(part) for part in vector.split("."))
    if version < PGVECTOR_MIN:
        return Finding("database", False, f"pgvector {vector} is too old; update it to 0.8.4 or newer.")
    if version < PGVECTOR_WANTED:
        return Finding("database", None, f"pgvector {vector} works; 0.8.4 or newer is better.")
    return Finding("database", True, f"Postgres {number // 10_000}, pgvector {vector}")


def _ipv6_hint(settings: Settings) -> str:
    url = str(settings.database_url)
    if "@db." in url and ".supabase.co" in url:
        return "; Supabase's direct address has IPv6 only: where there is none, take the session pooler's"
    return ""


async def pooler(settings: Settings) -> Finding:
    """A direct connection is served by one process of its own; behind a pooler two clients may meet at one."""
    try:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(_connected(settings))
            met = {await first.fetchval("select pg_backend_pid()")}
            shared = False
            for _ in range(LOOKS):
                other = await stack.enter_async_context(_connected(settings))
                # The transaction keeps what it got, so that the first has to take another one next.
                await stack.enter_async_context(other.transaction())
                shared = shared or await other.fetchval("select pg_backend_pid()") in met
                if shared:
                    break
                met.add(await first.fetchval("select pg_backend_pid()"))
                shared = len(met) > 1
    except Unavailable as away:
        return Finding("pooler", False, str(away))
    told = settings.database_pooler == "transaction"
    if shared and not told:
        return Finding(
            "pooler", False, "a transaction pooler stands before the database: set DATABASE_POOLER=transaction, or "
            "take the direct or session address.",
        )  # fmt: skip
    if told and not shared:
        return Finding("pooler", None, "no transaction pooler was noticed; without DATABASE_POOLER it is faster.")
    return Finding("pooler", True, "a transaction pooler, as set" if shared else "none, as set")


async def role(settings: Settings) -> Finding:
    try:
        async with _connected(settings) as connection:
            told = await connection.fetchrow(
                "select current_user as name, r.rolsuper as super, (select count(*) from pg_tables t "
                " where t.schemaname = 'public' and t.tablename in ('users', 'chat_sessions') "
                " and not pg_has_role(current_user, t.tableowner, 'USAGE')) as foreign, "
                "array(select n from unnest(array['anon', 'authenticated', 'service_role']) n "
                " where not exists (select from pg_roles where rolname = n)) as lacking "
                "from pg_roles r where r.rolname = current_user"
            )
    except Unavailable as away:
        return Finding("role", False, str(away))
    if told["foreign"]:
        return Finding("role", False, f"the tables are not {told['name']}'s; connect as the role that migrates.")
    if told["lacking"]:
        return Finding(
            "role", False, f"{', '.join(told['lacking'])} is missing; `chatserver migrate` says what makes it."
        )
    if told["super"]:
        return Finding("role", None, f"{told['name']} is a superuser; an ordinary owner of the tables is enough.")
    return Finding("role", True, f"{told['name']} owns the tables and is no superuser")


async def schema(settings: Settings) -> Finding:
    if not settings.database_url:
        return Finding("schema", False, "cannot be looked at without a database.")
    try:
        differs = await check(settings.database_url, MIGRATIONS)
    except (*FAILURES, MigrationError) as error:
        return Finding("schema", False, f"cannot be looked at: {reason(error)}")
    if differs:
        return Finding("schema", False, f"{differs[0]} Of {len(differs)}; `chatserver migrate --check` lists them.")
    return Finding("schema", True, "up to date")


async def clock(settings: Settings) -> Finding:
    try:
        async with _connected(settings) as connection:
            before = time.time()
            there = float(await connection.fetchval("select extract(epoch from clock_timestamp())::float8"))
            skew = there - (before + time.time()) / 2
    except Unavailable as away:
        return Finding("clock", False, str(away))
    if abs(skew) > SKEW_SECONDS:
        return Finding(
            "clock", False, f"this machine and the database differ by {abs(skew):.0f} s; let both follow a time server."
        )
    return Finding("clock", True, f"within {SKEW_SECONDS:.0f} s of the database's")


async def embeddings(settings: Settings) -> Finding:
    configured = openai.MODEL if settings.openai_api_key else minilm.MODEL
    if settings.openai_api_key and not settings.openai_api_key.startswith("sk-"):
        return Finding("embeddings", False, "OPENAI_API_KEY is no key of OpenAI, which begin with sk-; copy it again.")
    try:
        async with _connected(settings) as connection:
            pinned = await connection.fetchval("select model from public.embedding_models")
    except Unavailable as away:
        return Finding("embeddings", False, str(away))
    if pinned not in (None, configured):
        return Finding(
            "embeddings", None if pinned == minilm.MODEL else False,
            f"the vectors are of {pinned}, configured is {configured}; change them with `chatserver reembed`.",
        )  # fmt: skip
    return Finding("embeddings", True, f"{configured}{'' if settings.openai_api_key else ' on the CPU'}")
