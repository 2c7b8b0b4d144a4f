"""Applies the migrations in order, all that are pending or none, and says what is pending or differs."""

import hashlib
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chatserver.adapters import blueprint
from chatserver.adapters.preparation import OUR_SCHEMA, MigrationError, missing, prepare, see_types

__all__ = ["MigrationError", "check", "migrate", "names", "pending"]

CONNECT_SECONDS = 10.0
WAIT_FOR_ANOTHER_SECONDS = 600
"""How long a migration waits for one that runs just now."""
WAIT_FOR_A_TABLE_SECONDS = 30
"""How long a statement waits for a table: everybody who comes after it waits as well."""

FIRST = "schema.sql"
_NUMBERED = re.compile(r"\d{3}_[a-z0-9_]+\.sql")
_LOCK = 0x6F74746F_6D696772
"""The advisory lock's key, any number that nobody else takes."""

_LEDGER = f"""
create table if not exists {OUR_SCHEMA}.schema_migrations (
  name text primary key,
  sha256 text not null,
  applied_at timestamptz not null default clock_timestamp()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, its text, and the hash by which a later change of it is noticed."""

    name: str
    sql: str
    sha256: str


async def migrate(url: str, folder: Path, *, progress: Callable[[str], None] = lambda line: None) -> list[str]:
    """Brings the database to the folder's state and returns the names of the files applied; may be run at any time.

    All that is pending is one transaction under one lock, so that a database is either as it was or as the folder has
    it, a second migration waits for the first, and a transaction pooler serves too. `progress` gets a sentence for each
    step. Raises `MigrationError`; nothing was changed then.
    """
    migrations = _read(folder)
    wanted = _expected(folder)
    async with _transaction(url) as connection:
        # Warnings are what a migration has decided about rows that it found.
        connection.add_log_listener(lambda _, message: _pass_on(message, progress))
        await connection.execute(f"set local lock_timeout = '{WAIT_FOR_ANOTHER_SECONDS}s'")
        try:
            await connection.execute(f"select pg_advisory_xact_lock({_LOCK})")
        except asyncpg.LockNotAvailableError as error:
            raise MigrationError(
                f"Another migration has been running for {WAIT_FOR_ANOTHER_SECONDS // 60} minutes, and nothing was "
                "changed; wait for it to end, or end it, then migrate again."
            ) from error
        await connection.execute(f"set local lock_timeout = '{WAIT_FOR_A_TABLE_SECONDS}s'")
        await connection.execute("set local statement_timeout = 0")
        ledger = await _ledger(connection)
        _refuse_changed(migrations, ledger)
        waiting = [migration for migration in migrations if migration.name not in ledger]
        ahead = sorted(ledger.keys() - {migration.name for migration in migrations})
        await see_types(connection)
        if not ahead:
            _refuse_incompatible(blueprint.incompatible(wanted, await blueprint.facts(connection), complete=False))
        await prepare(connection, await missing(connection, blueprint.tables(wanted)))
        await see_types(connection)
        await connection.execute(_LEDGER)
        for migration in waiting:
            progress(f"Applying {migration.name}.")
            await _apply(connection, migration)
        live = await blueprint.facts(connection)
        if not ahead:
            _refuse_incompatible(blueprint.incompatible(wanted, live, complete=True))
    if ahead:
        progress(f"The database is newer than this checkout: it has {', '.join(ahead)} as well.")
    elif different := blueprint.differences(wanted, live):
        progress(f"The database differs from what the migrations leave in {len(different)} places; --check names them.")
    if waiting:
        progress(f"Applied {len(waiting)} migrations.")
    else:
        progress(f"Nothing to do: {len(migrations)} migrations are applied.")
    return [migration.name for migration in waiting]


async def pending(url: str, folder: Path) -> list[str]:
    """The names of the files that are not applied yet; what readiness asks. Raises `MigrationError`."""
    migrations = _read(folder)
    async with _transaction(url, readonly=True) as connection:
        ledger = await _ledger(connection)
    return [migration.name for migration in migrations if migration.name not in ledger]


def names(folder: Path) -> list[str]:
    """The names of the folder's files, in order. Raises `MigrationError`."""
    return [migration.name for migration in _read(folder)]


async def check(url: str, folder: Path) -> list[str]:
    """What is pending or differs from what is expected, a sentence each; [] where all is in order. Changes nothing.

    Raises `MigrationError` where the database cannot be asked.
    """
    migrations = _read(folder)
    wanted = _expected(folder)
    async with _transaction(url, readonly=True) as connection:
        ledger = await _ledger(connection)
        lacking = await missing(connection, blueprint.tables(wanted))
        await see_types(connection)
        live = await blueprint.facts(connection)
    waiting = [migration.name for migration in migrations if migration.name not in ledger]
    ahead = sorted(ledger.keys() - {migration.name for migration in migrations})
    found = [
        f"{migration.name} was changed after it was applied; restore it and put the change into a new file."
        for migration in migrations
        if ledger.get(migration.name, migration.sha256) != migration.sha256
    ]
    found += [f"{name} is pending; run chatserver migrate." for name in waiting]
    found += [f"{name} is applied and not in this checkout, which is older than the database." for name in ahead]
    found += [f"missing: {statement.partition(chr(10))[0]}" for statement in lacking.statements]
    if ahead:
        return found
    if waiting:
        return found + [f"{line}." for line in blueprint.incompatible(wanted, live, complete=False)]
    return found + [f"{line}." for line in blueprint.differences(wanted, live)]


@asynccontextmanager
async def _transaction(url: str, *, readonly: bool = False) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "chatserver migrate"},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise MigrationError(f"The database does not answer ({_first_line(error)}); check DATABASE_URL.") from error
    try:
        async with connection.transaction(readonly=readonly):
            yield connection
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise MigrationError(
            f"The database went away ({_first_line(error)}); all of it is applied or nothing, so migrate again."
        ) from error
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"The database refuses ({_first_line(error)}), and nothing was changed; remove the cause, then try again."
        ) from error
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def _ledger(connection: asyncpg.Connection) -> dict[str, str]:
    there = await connection.fetchval(
        "select exists (select 1 from pg_catalog.pg_tables where schemaname = $1 and tablename = 'schema_migrations')",
        OUR_SCHEMA,
    )
    if not there:
        return {}
    try:
        async with connection.transaction():
            rows = await connection.fetch(f"select name, sha256 from {OUR_SCHEMA}.schema_migrations")
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"This role may not read {OUR_SCHEMA}.schema_migrations; migrate as the role that migrated before."
        ) from error
    return {row["name"]: row["sha256"] for row in rows}


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
        await connection.execute(
            f"insert into {OUR_SCHEMA}.schema_migrations (name, sha256) values ($1, $2)",
            migration.name,
            migration.sha256,
        )
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError(
            f"{migration.name}: a table was in use for more than {WAIT_FOR_A_TABLE_SECONDS} seconds, and nothing was "
            "changed; migrate again when less is going on."
        ) from error
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"{migration.name} cannot be applied ({_first_line(error)}), and nothing was changed; remove the cause, "
            "then migrate again."
        ) from error


def _refuse_changed(migrations: list[Migration], ledger: dict[str, str]) -> None:
    changed = [m.name for m in migrations if ledger.get(m.name, m.sha256) != m.sha256]
    if changed:
        raise MigrationError(
            f"{', '.join(changed)}: changed after being applied to this database, and nothing was changed now; restore "
            "the file and put the change into a new one."
        )


def _refuse_incompatible(found: list[str]) -> None:
    if found:
        raise MigrationError(
            f"The database has something else under our names, and nothing was changed: {'; '.join(found)}. Rename or "
            "repair it, then migrate again."
        )


def _read(folder: Path) -> list[Migration]:
    names = sorted(path.name for path in folder.glob("*.sql"))
    if FIRST not in names:
        raise MigrationError(f"There is no {FIRST} in {folder}; point to the project's folder of migrations.")
    names.remove(FIRST)
    wrong = [name for name in names if not _NUMBERED.fullmatch(name)]
    wrong += [b for a, b in itertools.pairwise(names) if a[:3] == b[:3]]
    if wrong:
        raise MigrationError(
            f"{wrong[0]}: a migration's name is three digits that no other has and words, as in 010_new_things.sql; "
            "rename the file."
        )
    migrations = []
    for name in [FIRST, *names]:
        content = (folder / name).read_bytes()
        migrations.append(Migration(name, content.decode(), hashlib.sha256(content).hexdigest()))
    return migrations


def _expected(folder: Path) -> set[str]:
    try:
        return blueprint.expected(folder)
    except OSError as error:
        raise MigrationError(
            f"There is no {blueprint.EXPECTED} in {folder}; restore it from the repository."
        ) from error


def _pass_on(message: asyncpg.PostgresLogMessage, progress: Callable[[str], None]) -> None:
    if message.severity == "WARNING":
        progress(f"{message.message}.")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].strip() or type(error).__name__
