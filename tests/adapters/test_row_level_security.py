"""Who may do what with which rows, asked of the database itself in everybody's name."""

from typing import Literal
from uuid import UUID

import asyncpg
import pytest

from tests.adapters.everybodys_rows import PEOPLE, Cast, Stage
from tests.adapters.migration_databases import acting_as

pytestmark = pytest.mark.asyncio(loop_scope="module")

# error: refused whatever the row. none: allowed, and not one row. own, shown, active, all: these rows and no other.
# shown: of one's own conversations what is neither a note nor hidden. active: the active jobs and all of one's own.
EXPECTED = """
                             anon   seeker  other   provider  other     admin   service
                                            seeker            provider          role
users              read      error  own     own     own       own       own     all
                   write     error  error   error   error     error     error   all
jobs               read      error  active  active  active    active    active  all
                   write     error  error   error   error     error     error   all
chat_sessions      read      error  own     own     own       own       all     all
                   write     error  error   error   error     error     error   all
chat_messages      read      error  shown   shown   shown     shown     shown   all
                   write     error  error   error   error     error     error   all
chat_references    read      error  own     own     own       own       own     all
                   write     error  error   error   error     error     error   all
scraping_logs      read      error  none    none    none      none      all     all
                   write     error  error   error   error     error     error   all
scraping_boards    read      error  none    none    none      none      all     all
                   write     error  error   error   error     error     error   all
spend              read      error  none    none    none      none      all     all
                   write     error  error   error   error     error     error   all
audit_log          read      error  none    none    none      none      all     all
                   write     error  error   error   error     error     error   all
chat_answers       read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
chat_reads         read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
cron_locks         read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
embedding_models   read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
next_embeddings    read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
enrichment_claims  read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
bought_guides      read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
job_listings       read      error  error   error   error     error     error   all
                   write     error  error   error   error     error     error   all
"""
COMMANDS: dict[str, tuple["Command", ...]] = {"read": ("select",), "write": ("insert", "update", "delete")}

_MINE = "session_id in (select id from chat_sessions where user_id = $1)"
ROWS = {
    "none": "false",
    "all": "true",
    "own of users": "id = $1",
    "own of chat_sessions": "user_id = $1",
    "own of chat_references": _MINE,
    "shown of chat_messages": f"{_MINE} and kind <> 'note' and not meta ? 'hidden'",
    "active of jobs": "status = 'active' or provider_id = $1",
}

COLUMNS = ("anon", *PEOPLE, "service role")
Command = Literal["select", "insert", "update", "delete"]
Keys = frozenset[tuple[object, ...]]


def _expectations() -> dict[tuple[str, Command, str], str]:
    """The word of the table above for each table, command and person."""
    found: dict[tuple[str, Command, str], str] = {}
    table = ""
    for line in EXPECTED.strip("\n").splitlines()[2:]:
        if not line.startswith(" "):
            table = line.split()[0]
        group, *words = line[19:].split()
        for command in COMMANDS[group]:
            found |= {(table, command, who): word for who, word in zip(COLUMNS, words, strict=True)}
    return found


async def _deviations(owner: asyncpg.Connection, cast: Cast) -> list[str]:
    """Where the database does something else than the table above says; a line each."""
    tables = {row["name"]: row for row in await owner.fetch(_TABLES)}
    expected = _expectations()
    found = [
        f"{name}: not in the table of expectations" for name in sorted(tables.keys() - {key[0] for key in expected})
    ]
    for (table, command, who), word in expected.items():
        done = await _attempt(owner, table, command, who, cast.get(who), tables[table])
        wanted = await _rows(owner, table, word, cast.get(who), tables[table]["keys"])
        if done != wanted:
            found.append(f"{table}: {command} by {who} is not {word}: {_amount(done)} and not {_amount(wanted)}")
    return found


_ONE_OF_THEIRS = "select to_jsonb(t)::text from {table} t order by to_jsonb(t)::text like '%' || $1 || '%' desc limit 1"

_TABLES = """
select c.relname as name,
       array(select quote_ident(a.attname) from pg_index i join pg_attribute a
               on a.attrelid = c.oid and a.attnum = any (i.indkey) where i.indrelid = c.oid and i.indisprimary
              order by a.attnum) as keys,
       array(select quote_ident(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
               and not a.attisdropped and a.attgenerated = '') as columns,
       (select quote_ident(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
           and not a.attisdropped and a.attgenerated = '' and a.attidentity = '' order by a.attnum desc limit 1) as last
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
"""


async def _attempt(
    owner: asyncpg.Connection, table: str, command: Command, who: str, person: UUID | None, shape: asyncpg.Record
) -> Keys | None:
    """The keys of the rows that were reached; None where it is refused. All is undone again."""
    key, columns, last = ", ".join(shape["keys"]), ", ".join(shape["columns"]), shape["last"]
    statement = {
        "select": f"select {key} from {table}",
        "update": f"update {table} set {last} = {last} returning {key}",
        "delete": f"delete from {table} returning {key}",
        "insert": f"with gone as (delete from {table} returning *) insert into {table} ({columns})"
                  f" overriding system value select {columns} from gone returning {key}",
    }  # fmt: skip
    values: list[object] = []
    if command == "insert" and who != "service role":
        # A row as they would write it, were they let: one of their own, once more.
        statement["insert"] = (
            f"insert into {table} ({columns}) overriding system value"
            f" select {columns} from jsonb_populate_record(null::{table}, $1::text::jsonb)"
        )
        values = [await owner.fetchval(_ONE_OF_THEIRS.format(table=table), str(person))]
    role = who.replace(" ", "_") if person is None else "authenticated"
    async with acting_as(owner, role, person):
        if command == "delete" and table == "users" and role == "service_role":
            await owner.execute("update jobs set provider_id = null; delete from chat_sessions")
        try:
            return frozenset(tuple(row) for row in await owner.fetch(statement[command], *values))
        except asyncpg.InsufficientPrivilegeError:
            return None
        except asyncpg.IntegrityConstraintViolationError:
            return frozenset()


async def _rows(owner: asyncpg.Connection, table: str, word: str, person: UUID | None, keys: list[str]) -> Keys | None:
    if word == "error":
        return None
    rule = ROWS.get(word) or ROWS[f"{word} of {table}"]
    query = f"select {', '.join(keys)} from {table} where {rule}"
    found = frozenset(tuple(row) for row in await owner.fetch(query, *([person] if "$1" in rule else [])))
    everything = await owner.fetchval(f"select count(*) from {table}")
    assert (len(found) > 0) == (word != "none"), f"{table} has no row that is {word}"
    assert (len(found) < everything) == (word != "all"), f"{table} has no row that is not {word}"
    return found


def _amount(rows: Keys | None) -> str:
    return "refused" if rows is None else f"{len(rows)} rows"


async def test_everybody_reaches_the_rows_that_are_theirs_and_no_other(stage: Stage) -> None:
    assert await _deviations(*stage) == []


@pytest.mark.parametrize("everybody", ["nothing open by default"], indirect=True)
async def test_who_was_deactivated_reads_nothing_that_was_theirs(stage: Stage) -> None:
    """Their token is good for an hour, and the sign-in service gives them the next one."""
    owner, cast = stage
    await owner.execute("update users set deactivated_at = now()")
    for who, person in cast.items():
        for table in ("users", "chat_sessions", "chat_messages", "chat_references", "audit_log", "spend"):
            async with acting_as(owner, "authenticated", person):
                assert await owner.fetch(f"select 1 from {table}") == [], f"{table} by {who}"


@pytest.mark.parametrize("everybody", ["nothing open by default"], indirect=True)
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("create table reports (id int primary key)", "reports: not in the table of expectations"),
        ("alter table spend disable row level security", "spend: select by seeker is not none"),
        ("grant select on chat_reads to authenticated", "chat_reads: select by seeker is not error"),
        ("grant insert on jobs to authenticated", "jobs: insert by provider is not error"),
        ("grant delete on jobs to authenticated", "jobs: delete by provider is not error"),
        ("grant update on users to authenticated", "users: update by seeker is not error"),
        ("create policy more on users for select using (private.is_admin())", "users: select by admin is not own"),
        ("drop policy users_read on users", "users: select by seeker is not own"),
        ("alter policy chat_messages_read on chat_messages using (session_id in (select id from chat_sessions))",
         "chat_messages: select by seeker is not shown"),
        ("alter policy chat_sessions_read on chat_sessions using (user_id = auth.uid())",
         "chat_sessions: select by admin is not all"),
        ("alter policy seeker_view_active_jobs on jobs using (true)", "jobs: select by other seeker is not active"),
        ("alter policy provider_manage_own_jobs on jobs using (false)", "jobs: select by provider is not active"),
        ("revoke delete on jobs from service_role", "jobs: delete by service role is not all"),
    ],
    ids=lambda value: value[:60],
)  # fmt: skip
async def test_what_is_too_wide_or_too_narrow_is_seen(stage: Stage, change: str, seen: str) -> None:
    owner, cast = stage
    await owner.execute(change)
    assert [line for line in await _deviations(owner, cast) if line.startswith(seen)]
