"""Applying the migrations: in order, once, together or not at all, and saying what is pending or differs."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatserver.adapters import blueprint
from chatserver.adapters.migrate import MigrationError, check, migrate, pending
from chatserver.adapters.preparation import see_types
from tests.adapters.migration_databases import MIGRATIONS, FreshDatabase, connected, fresh_database

NAMES = ["schema.sql", *sorted(path.name for path in MIGRATIONS.glob("0*.sql"))]


@pytest.fixture
async def empty(postgres_server: SimpleNamespace) -> AsyncIterator[FreshDatabase]:
    async with fresh_database(postgres_server.admin_url) as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


async def _tables(url: str) -> set[str]:
    async with connected(url) as database:
        rows = await database.fetch("select tablename from pg_tables where schemaname in ('public', 'private', 'auth')")
    return {row["tablename"] for row in rows}


async def test_a_plain_database_is_migrated_in_order_by_its_owner(empty: FreshDatabase) -> None:
    said: list[str] = []
    assert await pending(empty.url, MIGRATIONS) == NAMES
    assert await migrate(empty.url, MIGRATIONS, progress=said.append) == NAMES
    assert NAMES[:4] == ["schema.sql", "003_cron_locks.sql", "004_hnsw_index.sql", "005_rls_policies.sql"]
    assert said == [*(f"Applying {name}." for name in NAMES), f"Applied {len(NAMES)} migrations."]
    assert await pending(empty.url, MIGRATIONS) == []
    assert await check(empty.url, MIGRATIONS) == []


async def test_a_second_time_there_is_nothing_to_do(empty: FreshDatabase) -> None:
    await migrate(empty.url, MIGRATIONS)
    said: list[str] = []
    assert await migrate(empty.url, MIGRATIONS, progress=said.append) == []
    assert said == [f"Nothing to do: {len(NAMES)} migrations are applied."]


async def test_each_file_may_be_run_again_by_hand(empty: FreshDatabase) -> None:
    """The document has operators paste files into an editor; the ledger then knows nothing of it."""
    await migrate(empty.url, MIGRATIONS)
    async with connected(empty.url) as owner:
        await owner.execute("delete from private.schema_migrations")
    assert await migrate(empty.url, MIGRATIONS) == NAMES
    assert await check(empty.url, MIGRATIONS) == []


async def test_of_two_at_once_one_applies_and_the_other_finds_it_done(empty: FreshDatabase) -> None:
    both = await asyncio.gather(migrate(empty.url, MIGRATIONS), migrate(empty.url, MIGRATIONS))
    assert sorted(both) == [[], NAMES]
    assert await check(empty.url, MIGRATIONS) == []


async def test_a_migration_waits_no_longer_than_it_says(empty: FreshDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatserver.adapters.migrate.WAIT_FOR_ANOTHER_SECONDS", 0.05)
    async with connected(empty.url) as other:
        await other.execute("select pg_advisory_lock($1)", 0x6F74746F_6D696772)
        with pytest.raises(MigrationError, match="Another migration has been running"):
            await migrate(empty.url, MIGRATIONS)
    assert await _tables(empty.url) == set()


async def test_a_table_in_use_is_not_waited_for_for_ever(
    empty: FreshDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty.url, MIGRATIONS)
    (folder / "900_more.sql").write_text("alter table public.jobs add column more text;")
    async with connected(empty.url) as busy, busy.transaction():
        await busy.execute("select from jobs")
        with monkeypatch.context() as hurried:
            hurried.setattr("chatserver.adapters.migrate.WAIT_FOR_A_TABLE_SECONDS", 0.05)
            with pytest.raises(MigrationError, match=r"900_more\.sql: a table was in use"):
                await migrate(empty.url, folder)
    assert await migrate(empty.url, folder) == ["900_more.sql"]


async def test_a_file_that_fails_leaves_nothing_of_the_others(empty: FreshDatabase, folder: Path) -> None:
    (folder / "900_broken.sql").write_text("create table public.half_done (id int); select 1 / 0;")
    with pytest.raises(MigrationError, match=r"900_broken\.sql cannot be applied \(division by zero\)"):
        await migrate(empty.url, folder)
    assert await _tables(empty.url) == set()


async def test_a_changed_file_is_named_and_nothing_changes(empty: FreshDatabase, folder: Path) -> None:
    await migrate(empty.url, MIGRATIONS)
    (folder / "900_more.sql").write_text("create table public.more (id int);")
    with (folder / "004_hnsw_index.sql").open("a") as file:
        file.write("-- a second thought\n")
    with pytest.raises(MigrationError, match=r"^004_hnsw_index\.sql: changed after being applied"):
        await migrate(empty.url, folder)
    assert "more" not in await _tables(empty.url)
    assert await check(empty.url, folder) == [
        "004_hnsw_index.sql was changed after it was applied; restore it and put the change into a new file.",
        "900_more.sql is pending; run chatserver migrate.",
    ]


async def test_an_older_checkout_leaves_a_newer_database_alone(empty: FreshDatabase, folder: Path) -> None:
    """Rolling a release back must not fail in its release phase."""
    (folder / "900_more.sql").write_text("alter table public.jobs drop column pending cascade;")
    (folder / blueprint.EXPECTED).write_text("")
    await migrate(empty.url, folder)
    said: list[str] = []
    assert await migrate(empty.url, MIGRATIONS, progress=said.append) == []
    assert "The database is newer than this checkout: it has 900_more.sql as well." in said
    assert await check(empty.url, MIGRATIONS) == [
        "900_more.sql is applied and not in this checkout, which is older than the database."
    ]


INCOMPATIBLE = {
    "create table public.jobs (id uuid primary key)": "the table jobs is there without its column provider_id",
    "create table public.users (id bigint primary key)": "users.id is bigint where uuid is needed",
    "create view public.cron_locks as select 1": "cron_locks is there and is no table",
    "create type public.user_role as enum ('seeker', 'boss')": "the type user_role has seeker, boss where",
    "create table public.cron_locks (lock_name text, locked_by text, locked_at timestamptz, expires_at timestamptz)": (
        "the table cron_locks is there without its primary key"
    ),
    "create table public.spend (day date)": "the table spend is there without its column",
    "create table public.audit_log (id text)": "audit_log.id is text where bigint is needed",
}


@pytest.mark.parametrize(("there", "sentence"), INCOMPATIBLE.items(), ids=lambda text: text[:40])
async def test_something_else_under_our_name_is_named_and_nothing_changes(
    empty: FreshDatabase, there: str, sentence: str
) -> None:
    async with connected(empty.url) as owner:
        await owner.execute(there)
    before = await _tables(empty.url)
    with pytest.raises(MigrationError) as caught:
        await migrate(empty.url, MIGRATIONS)
    assert sentence in caught.value.sentence
    assert "nothing was changed" in caught.value.sentence
    assert await _tables(empty.url) == before
    assert await pending(empty.url, MIGRATIONS) == NAMES


async def test_an_embedding_of_another_size_is_incompatible(empty: FreshDatabase, folder: Path) -> None:
    schema = (folder / "schema.sql").read_text()
    async with connected(empty.admin_url) as admin:
        await admin.execute(
            "create schema auth; create function auth.uid() returns uuid language sql as 'select null::uuid'"
        )
        await admin.execute(f"grant usage on schema auth to {empty.owner}")
    async with connected(empty.url) as owner:
        await owner.execute(schema.replace("vector(384)", "vector(1536)"))
    with pytest.raises(MigrationError) as caught:
        await migrate(empty.url, MIGRATIONS)
    assert "jobs.embedding is vector(1536) where vector(384) is needed" in caught.value.sentence
    assert "users.resume_embedding is vector(1536) where vector(384) is needed" in caught.value.sentence


DRIFT = {
    "alter table jobs disable row level security": "row level security of jobs is 'off', expected 'on'",
    "drop index idx_jobs_embedding_hnsw": "missing: index jobs.idx_jobs_embedding_hnsw: hnsw",
    "drop policy chat_messages_read on chat_messages": "missing: policy chat_messages.chat_messages_read",
    "create policy open on users for select to anon using (true)": "not ours, and it lets others in: policy users.open",
    "grant update on users to authenticated": "grant on users to authenticated is 'select, update', expected 'select'",
    "grant select on jobs to anon": "not ours, and it lets others in: grant on jobs to anon: select",
    "alter table users alter email drop not null": "missing: required column users.email",
    "alter table users drop constraint users_email_key": "missing: constraint on users: UNIQUE (email)",
    "alter table jobs alter status set default 'processing'": "default jobs.status is \"'processing'::text\", expected",
    "alter table chat_messages drop column meta cascade": "missing: column chat_messages.meta: jsonb",
    "create or replace function private.is_admin() returns boolean language sql as 'select true'": (
        "function private.is_admin() is"
    ),
    "alter table jobs disable trigger user": "missing: trigger jobs.jobs_keep_vector_only_while_active",
}


@pytest.mark.parametrize(("change", "sentence"), DRIFT.items(), ids=lambda text: text[:40])
async def test_check_sees_what_somebody_changed_by_hand(database_url: str, change: str, sentence: str) -> None:
    async with connected(database_url) as owner:
        await owner.execute(change)
    found = await check(database_url, MIGRATIONS)
    assert any(line.startswith(sentence) for line in found), found


async def test_what_an_operator_adds_is_no_difference(database_url: str) -> None:
    async with connected(database_url) as owner:
        await owner.execute("create table reports (id int); alter table jobs add column internal_note text")
        await owner.execute("create index on jobs (title); grant select on reports to anon")
    assert await check(database_url, MIGRATIONS) == []


async def test_check_of_an_untouched_database_names_all_and_changes_nothing(empty: FreshDatabase) -> None:
    found = await check(empty.url, MIGRATIONS)
    assert [line for line in found if "pending" in line] == [
        f"{name} is pending; run chatserver migrate." for name in NAMES
    ]
    assert await _tables(empty.url) == set()


async def test_the_blueprint_is_what_the_migrations_leave(empty: FreshDatabase, folder: Path, tmp_path: Path) -> None:
    (folder / blueprint.EXPECTED).write_text("")
    await migrate(empty.url, folder)
    async with connected(empty.url) as owner, owner.transaction():
        await see_types(owner)
        text = blueprint.written(await blueprint.facts(owner))
    made = tmp_path / blueprint.EXPECTED
    made.write_text(text)
    committed = (MIGRATIONS / blueprint.EXPECTED).read_text()
    assert committed == text, (
        f"the migrations changed: read the difference, then cp {made} migrations/{blueprint.EXPECTED}"
    )


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (["003_locks.sql", "blueprint.txt"], "There is no schema.sql"),
        (["schema.sql", "3_locks.sql", "blueprint.txt"], "3_locks.sql: a migration's name is three digits"),
        (["schema.sql", "003_a.sql", "003_b.sql", "blueprint.txt"], "003_b.sql: a migration's name is three digits"),
        (["schema.sql"], "There is no blueprint.txt"),
    ],
)
async def test_a_folder_that_is_not_one_of_migrations(
    empty: FreshDatabase, tmp_path: Path, files: list[str], sentence: str
) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(MigrationError, match=sentence):
        await migrate(empty.url, tmp_path)


async def test_a_database_that_does_not_answer_costs_one_sentence(empty: FreshDatabase) -> None:
    wrong = [
        empty.url.replace("ordinary", "a-wrong-secret"),
        empty.url.replace(f"/{empty.owner}", "/nowhere"),
        "postgresql://nobody@127.0.0.1:1/nothing",
        "http://example.com/",
    ]
    for url in wrong:
        for command in (migrate, check, pending):
            with pytest.raises(MigrationError, match="does not answer") as caught:
                await command(url, MIGRATIONS)
            assert "\n" not in str(caught.value)
            assert "a-wrong-secret" not in str(caught.value)


async def test_a_database_that_goes_away_in_the_middle(empty: FreshDatabase, folder: Path) -> None:
    (folder / "900_end.sql").write_text("select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(MigrationError, match="all of it is applied or nothing, so migrate again"):
        await migrate(empty.url, folder)
    assert await _tables(empty.url) == set()


async def test_what_the_database_refuses_is_said(empty: FreshDatabase) -> None:
    async with connected(empty.admin_url) as admin:
        await admin.execute(f"alter role {empty.owner} set default_transaction_read_only = on")
    with pytest.raises(MigrationError, match=r"The database refuses \(cannot execute .* in a read-only transaction\)"):
        await migrate(empty.url, MIGRATIONS)


async def test_another_role_is_told_to_be_the_one_that_migrated(
    postgres_server: SimpleNamespace, empty: FreshDatabase
) -> None:
    await migrate(empty.url, MIGRATIONS)
    async with fresh_database(postgres_server.admin_url) as other:
        url = other.url.rpartition("/")[0] + f"/{empty.owner}"
        with pytest.raises(MigrationError, match="as the role that migrated before"):
            await migrate(url, MIGRATIONS)
