"""Fresh databases for the tests of the migrations, each with an owner of its own who is no superuser."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

MIGRATIONS = Path(__file__).parents[2] / "migrations"
CLIENT_ROLES = ("anon", "authenticated", "service_role")


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    url: str
    """As the owner."""
    admin_url: str
    """As the server's superuser."""
    owner: str


@asynccontextmanager
async def fresh_database(
    server_url: str, *, prepared: bool = True, rights: str = "nosuperuser nocreaterole nobypassrls"
) -> AsyncIterator[FreshDatabase]:
    """An empty database whose owner is a new role with these rights; `prepared` with pgvector and the roles."""
    name = f"migration_{secrets.token_hex(6)}"
    server = await asyncpg.connect(server_url)
    await server.execute(f"create role {name} login password 'ordinary' {rights}")
    await server.execute(f"create database {name} owner {name}")
    parts = urlsplit(server_url)
    address = parts.netloc.rpartition("@")[2]
    database = FreshDatabase(
        url=urlunsplit(("postgresql", f"{name}:ordinary@{address}", f"/{name}", "", "")),
        admin_url=urlunsplit(("postgresql", parts.netloc, f"/{name}", parts.query, "")),
        owner=name,
    )
    try:
        if prepared:
            await _prepare(database)
        yield database
    finally:
        await server.execute(f"drop database {name} with (force)")
        await server.execute(f"drop owned by {name}")
        await server.execute(f"drop role {name}")
        await server.close()


async def _prepare(database: FreshDatabase) -> None:
    async with connected(database.admin_url) as admin:
        await admin.execute("create extension vector")
        for role in CLIENT_ROLES:
            if not await admin.fetchval("select 1 from pg_roles where rolname = $1", role):
                await admin.execute(f"create role {role} nologin {'bypassrls' if role == 'service_role' else ''}")
        await admin.execute(f"grant {', '.join(CLIENT_ROLES)} to {database.owner}")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def undone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


@asynccontextmanager
async def acting_as(connection: asyncpg.Connection, role: str, user: UUID | None = None) -> AsyncIterator[None]:
    """A transaction as Supabase's API opens one for a client, undone at its end."""
    async with undone(connection):
        await connection.execute(f"set local role {role}")
        claims = {"role": role} | ({"sub": str(user)} if user else {})
        await connection.execute("select set_config('request.jwt.claims', $1, true)", json.dumps(claims))
        yield
