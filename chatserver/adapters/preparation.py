"""What a database needs before the first migration: pgvector, three roles, auth.uid(), two schemas to work in."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

OLDEST_POSTGRES = 15
OLDEST_PGVECTOR = (0, 8, 0)
OUR_SCHEMA = "private"
"""Not exposed by Supabase's API: the ledger of migrations and the functions that policies ask."""

_ROLES = {
    "anon": "create role anon nologin noinherit;",
    "authenticated": "create role authenticated nologin noinherit;",
    "service_role": "create role service_role nologin noinherit bypassrls;",
}

# The nullifs matter: on a pooled connection a setting that was made once is '' ever after, and ''::uuid is an error.
_AUTH_UID = """\
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;"""

_STATE = """
select
  current_setting('server_version_num')::int / 10000 as postgres,
  current_user::text as me,
  quote_ident(current_user) as me_quoted,
  quote_ident(current_database()) as database,
  (select extversion from pg_catalog.pg_extension where extname = 'vector') as pgvector,
  (select quote_ident(n.nspname) from pg_catalog.pg_extension e
     join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector') as pgvector_schema,
  (select default_version from pg_catalog.pg_available_extensions where name = 'vector') as pgvector_available,
  array(select rolname::text from pg_catalog.pg_roles where rolname = any ($1)) as roles,
  to_regnamespace('auth') is not null as auth,
  exists (select 1 from pg_catalog.pg_proc p where p.pronamespace = to_regnamespace('auth')
    and p.proname = 'uid' and p.pronargs = 0) as auth_uid,
  coalesce(has_schema_privilege(to_regnamespace('auth'), 'USAGE'), false) as auth_usable,
  to_regnamespace('private') is not null as ours,
  coalesce(has_schema_privilege(to_regnamespace('private'), 'USAGE')
    and has_schema_privilege(to_regnamespace('private'), 'CREATE'), false) as ours_usable,
  has_schema_privilege('public', 'USAGE') and has_schema_privilege('public', 'CREATE') as public_usable,
  array(select quote_ident(c.relname) from pg_catalog.pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname = any ($2)
      and not pg_has_role(c.relowner, 'USAGE') order by 1) as foreign_tables
"""


class MigrationError(Exception):
    """Why nothing was migrated, in one sentence that says what to do; `sql` is what an administrator has to run."""

    def __init__(self, sentence: str, *, sql: Sequence[str] = ()) -> None:
        super().__init__("\n\n".join([sentence, "\n".join(sql)]) if sql else sentence)
        self.sentence = sentence
        self.sql = tuple(sql)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is missing, as statements in an order that works, for the ordinary owner and for an administrator alike."""

    database: str
    me: str
    statements: tuple[str, ...]

    def by_administrator(self) -> MigrationError:
        return MigrationError(
            f"The database {self.database} lacks what the role {self.me} may not create, and nothing was changed; have "
            "an administrator run the following in it, then migrate again:",
            sql=self.statements,
        )


async def missing(connection: asyncpg.Connection, tables: Sequence[str]) -> Preparation:
    """What this database lacks, given the names of our tables. Changes nothing.

    Raises `MigrationError` where no statement of this connection's could help: Postgres or pgvector too old or absent.
    """
    state = await connection.fetchrow(_STATE, list(_ROLES), list(tables))
    if state["postgres"] < OLDEST_POSTGRES:
        raise MigrationError(
            f"This is Postgres {state['postgres']}; {OLDEST_POSTGRES} is the oldest that serves: upgrade the server."
        )
    needed = ".".join(map(str, OLDEST_PGVECTOR))
    if _version(state["pgvector"] or state["pgvector_available"]) < OLDEST_PGVECTOR:
        if _version(state["pgvector_available"]) < OLDEST_PGVECTOR:
            raise MigrationError(
                f"The server has no pgvector {needed} or newer; have an administrator install it on the server, "
                "then migrate again."
            )
        raise MigrationError(
            f"The database {state['database']} has pgvector {state['pgvector']}, and {needed} is the oldest that "
            "serves; have an administrator run the following in it, then migrate again:",
            sql=["alter extension vector update;"],
        )
    me = state["me_quoted"]
    statements = []
    if state["pgvector"] is None:
        statements.append("create extension vector;")
    statements += [sql for role, sql in _ROLES.items() if role not in state["roles"]]
    if not state["public_usable"]:
        statements.append(f"grant usage, create on schema public to {me};")
    if not state["auth"]:
        statements.append(f"create schema auth authorization {me};")
    if not state["auth_uid"]:
        statements.append(_AUTH_UID)
        statements.append(f"grant usage on schema auth to anon, authenticated, service_role, {me};")
    elif not state["auth_usable"]:
        statements.append(f"grant usage on schema auth to {me};")
    if not state["ours"]:
        statements.append(f"create schema {OUR_SCHEMA} authorization {me};")
    elif not state["ours_usable"]:
        statements.append(f"grant usage, create on schema {OUR_SCHEMA} to {me};")
    statements += [f"alter table public.{name} owner to {me};" for name in state["foreign_tables"]]
    return Preparation(state["database"], state["me"], tuple(statements))


async def prepare(connection: asyncpg.Connection, wanted: Preparation) -> None:
    """Runs the statements inside the caller's transaction; trying is the only way to know what a role may do.

    (Supabase lets `postgres` create extensions by a hook that no catalog shows.) Raises `MigrationError` with all of
    them where one is not allowed; the caller's transaction is to be rolled back then.
    """
    for statement in wanted.statements:
        try:
            async with connection.transaction():
                await connection.execute(statement)
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            # Roles belong to the whole server: another database's migration was a moment earlier.
            continue
        except asyncpg.InsufficientPrivilegeError as error:
            raise wanted.by_administrator() from error


async def see_types(connection: asyncpg.Connection) -> None:
    """Lets the rest of the transaction find `vector` in whatever schema it was put (Supabase likes `extensions`)."""
    schema = await connection.fetchval(
        "select quote_ident(n.nspname) from pg_catalog.pg_extension e "
        "join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector'"
    )
    path = ["public"] if schema in (None, "public") else ["public", schema]
    await connection.execute(f"set local search_path = {', '.join(path)}")


def _version(text: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (text or "0").split(".") if part.isdigit())
