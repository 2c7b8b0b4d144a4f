"""What the migrations leave in the catalog, one fact a line, and where a live database differs from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

EXPECTED = "blueprint.txt"
"""Beside the migrations: the facts of a database to which all of them were applied."""

DOCUMENTED: Mapping[str, tuple[str, ...]] = {
    "users": (
        "id", "email", "role", "full_name", "resume_text", "resume_embedding", "resume_file_url", "resume_file_name",
        "created_at",
    ),
    "jobs": (
        "id", "provider_id", "title", "description_raw", "skills_required", "resume_guide_generated",
        "prep_guide_generated", "embedding", "description_hash", "status", "company_name", "external_id",
        "external_apply_url", "created_at",
    ),
    "chat_sessions": ("id", "user_id", "status", "conversation_log", "created_at"),
    "scraping_logs": (
        "id", "source_name", "status", "jobs_fetched", "jobs_new", "jobs_skipped", "errors", "started_at",
        "completed_at",
    ),
    "cron_locks": ("lock_name", "locked_by", "locked_at", "expires_at"),
}  # fmt: skip
"""The columns that a table must have if it is there before the first migration."""

# Names of constraints are left out: an adopted database may have others for the same thing.
_FACTS = r"""
with tables as (
  select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relacl
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
), columns as (
  select t.relname, a.*, format_type(a.atttypid, a.atttypmod) as type
  from tables t join pg_attribute a on a.attrelid = t.oid where a.attnum > 0 and not a.attisdropped
), readers as (
  select oid, rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  union all select 0, 'public'
), elsewhere as (
  select coalesce(', ' || quote_ident(max(n.nspname)), '') as vector_in
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace
  where e.extname = 'vector' and n.nspname <> 'public'
)
select format('table %s: %s', relname, case when relkind in ('r', 'p') then 'table' else 'not a table' end) from tables
union all
select format('column %s.%s: %s', relname, attname, type) from columns
union all
select format('required column %s.%s', relname, attname) from columns where attnotnull
union all
select format('default %s.%s: %s', c.relname, c.attname, pg_get_expr(d.adbin, d.adrelid))
  from columns c join pg_attrdef d on d.adrelid = c.attrelid and d.adnum = c.attnum
union all
select format('constraint on %s: %s', t.relname, pg_get_constraintdef(k.oid))
  from pg_constraint k join tables t on t.oid = k.conrelid where k.contype in ('p', 'u', 'f', 'c')
union all
select format('index %s.%s: %s%s', t.relname, c.relname, case when i.indisunique then 'unique ' else '' end,
    regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', ''))
  from pg_index i join tables t on t.oid = i.indrelid join pg_class c on c.oid = i.indexrelid
  where i.indisvalid and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
union all
select format('trigger %s.%s: %s', t.relname, g.tgname,
    regexp_replace(pg_get_triggerdef(g.oid), '^.*? (?=BEFORE|AFTER)', ''))
  from pg_trigger g join tables t on t.oid = g.tgrelid where not g.tgisinternal and g.tgenabled = 'O'
union all
select format('row level security of %s: %s', relname, case when relrowsecurity then 'on' else 'off' end)
  from tables where relkind in ('r', 'p')
union all
select format('policy %s.%s: %s %s to %s%s%s', p.tablename, p.policyname, lower(p.permissive), p.cmd,
    array_to_string(p.roles, ', '), ' using ' || p.qual, ' with check ' || p.with_check)
  from pg_policies p where p.schemaname = 'public'
union all
select format('grant on %s to %s: %s', t.relname, r.rolname,
    string_agg(lower(x.privilege_type), ', ' order by x.privilege_type))
  from tables t cross join aclexplode(t.relacl) x join readers r on r.oid = x.grantee
  where x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') group by t.relname, r.rolname
union all
select format('grant on %s to %s by column: %s', c.relname, r.rolname,
    string_agg(lower(x.privilege_type) || ' ' || c.attname, ', ' order by x.privilege_type, c.attname))
  from columns c cross join aclexplode(c.attacl) x join readers r on r.oid = x.grantee group by c.relname, r.rolname
union all
select format('function %s.%s(%s): returns %s, source md5 %s, %s%s, %s', n.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), md5(p.prosrc),
    case when p.prosecdef then 'definer' else 'invoker' end,
    -- Where pgvector was put is no difference.
    ', ' || replace(array_to_string(p.proconfig, ', '), (select vector_in from elsewhere), ''),
    -- An immutable function neither reads nor writes; where everybody may call, it does not matter who may besides.
    case when p.provolatile <> 'i' then (
       select ', callable by ' || coalesce(
           case when bool_or(r.oid = 0) then 'everybody' else string_agg(r.rolname, ', ' order by r.rolname) end,
           'its owner')
       from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x join readers r on r.oid = x.grantee) end)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname in ('public', 'private')
    and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')
union all
select format('enum %s: %s', t.typname, string_agg(e.enumlabel, ', ' order by e.enumsortorder))
  from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = 'public'::regnamespace group by t.typname
"""

_WIDER = ("grant on ", "policy ")
"""Facts that let somebody in: more of them than expected is a difference too. Other additions are the operator's."""


async def facts(connection: asyncpg.Connection) -> set[str]:
    """What is there, of ours and of others, as `see_types` lets this transaction see it."""
    return {" ".join(row[0].split()) for row in await connection.fetch(_FACTS)}


def expected(folder: Path) -> set[str]:
    """The facts written down beside the migrations. Raises `OSError` where there are none."""
    return set((folder / EXPECTED).read_text(encoding="utf-8").splitlines())


def written(live: Iterable[str]) -> str:
    """The text of the file `blueprint.txt` for these facts."""
    return "".join(f"{line}\n" for line in sorted(live))


def tables(wanted: Iterable[str]) -> list[str]:
    """The names of the tables among these facts, sorted."""
    return sorted(line.split()[1].removesuffix(":") for line in wanted if line.startswith("table "))


def incompatible(wanted: set[str], live: set[str], *, complete: bool) -> list[str]:
    """What no migration can repair, a sentence each: tables that are something else, columns of another type.

    With `complete`, after the migrations, every column must be there; before them only those of the document.
    """
    wanted_facts, live_facts = _by_key(wanted), _by_key(live)
    found = []
    for table in tables(wanted):
        kind = live_facts.get(f"table {table}")
        if kind is None:
            continue
        if kind != "table":
            found.append(f"{table} is there and is no table")
            continue
        for key in sorted(key for key in wanted_facts if key.startswith(f"column {table}.")):
            column = key.removeprefix("column ")
            if key in live_facts and live_facts[key] != wanted_facts[key]:
                found.append(f"{column} is {live_facts[key]} where {wanted_facts[key]} is needed")
            elif key not in live_facts and (complete or column.partition(".")[2] in DOCUMENTED.get(table, ())):
                found.append(f"the table {table} is there without its column {column.partition('.')[2]}")
        primary = f"constraint on {table}: PRIMARY KEY "
        if table in DOCUMENTED and not {f for f in wanted if f.startswith(primary)} <= live:
            found.append(f"the table {table} is there without its primary key")
    found += [
        f"the type {key.removeprefix('enum ')} has {live_facts[key]} where {wanted_facts[key]} are needed"
        for key in sorted(key for key in wanted_facts if key.startswith("enum "))
        if key in live_facts and not _listed(wanted_facts[key]) <= _listed(live_facts[key])
    ]
    return found


def differences(wanted: set[str], live: set[str]) -> list[str]:
    """Where a migrated database is not as the migrations leave it, a sentence each; [] where it is."""
    live_facts = _by_key(live)
    names = set(tables(wanted))
    found = []
    for fact in sorted(wanted - live):
        key, _, value = fact.partition(": ")
        if key in live_facts and not key.startswith("constraint on "):
            found.append(f"{key} is {live_facts[key]!r}, expected {value!r}")
        else:
            found.append(f"missing: {fact}")
    wanted_keys = _by_key(wanted)
    for fact in sorted(live - wanted):
        key = fact.partition(": ")[0]
        table = key.removeprefix("grant on ").removeprefix("policy ").split()[0].partition(".")[0]
        if fact.startswith(_WIDER) and table in names and key not in wanted_keys:
            found.append(f"not ours, and it lets others in: {fact}")
    return found


def _by_key(lines: Iterable[str]) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}


def _listed(text: str) -> set[str]:
    return set(text.split(", "))
