"""What Supabase's linter looks for, asked of the catalog in our own words; each query names what it objects to.

Its rules about use over time (unused indexes, bloat) and about a project's settings say nothing about a schema.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    finds: str
    """The query; one column, a name a row."""
    broken_by: str
    """Statements that an administrator could run by mistake."""
    then: str
    """What the query names after them."""
    right: frozenset[str] = frozenset()
    """What it names in our schema, and why that is right is said beside it."""


_OURS = "in ('public'::regnamespace, 'private'::regnamespace)"
_POLICY = "concat_ws(' ', p.qual, p.with_check)"
# How the catalog writes a call that is made once a query instead of once a row.
_ASKED_ONCE = r"SELECT ((auth|private)\.\w+\([^()]*\)|current_setting\([^()]*\))"
_ASKS = r"(auth|private)\.\w+\(|current_setting\("
_ASKS_EACH_ROW = (
    f"select p.tablename || '.' || p.policyname from pg_policies p"
    f" where regexp_replace({_POLICY}, '{_ASKED_ONCE}', '', 'g') ~ '{_ASKS}'"
)
_FROM_AN_EXTENSION = "exists (select from pg_depend d where d.objid = {0}.oid and d.deptype = 'e')"

ACCESS = {
    "rls_disabled_in_public": Rule(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relrowsecurity",
        "create table public.reports (id int primary key)", "reports",
    ),
    "policy_exists_rls_disabled": Rule(
        "select c.relname from pg_class c where not c.relrowsecurity"
        " and exists (select from pg_policy p where p.polrelid = c.oid)",
        "alter table public.users disable row level security", "users",
    ),
    "rls_enabled_no_policy": Rule(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relrowsecurity"
        " and not exists (select from pg_policy p where p.polrelid = c.oid)",
        "drop policy spend_read on public.spend", "spend",
        # The server's own affair: no client has a grant on them either, and a policy would have nobody to let in.
        frozenset({
            "bought_guides", "chat_answers", "chat_reads", "cron_locks", "embedding_models", "enrichment_claims",
            "job_listings", "next_embeddings",
        }),
    ),
    "auth_rls_initplan": Rule(
        _ASKS_EACH_ROW,
        "alter policy users_read on public.users using (auth.uid() = id)", "users.users_read",
    ),
    "auth_rls_initplan_of_our_own_functions": Rule(
        _ASKS_EACH_ROW,
        "alter policy spend_read on public.spend using (private.is_admin())", "spend.spend_read",
    ),
    "multiple_permissive_policies": Rule(
        "select p.tablename || ' ' || r || ' ' || c from pg_policies p,"
        " unnest(array['anon', 'authenticated']) r, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) c"
        " where p.permissive = 'PERMISSIVE' and p.roles && array[r::name, 'public'] and p.cmd in ('ALL', c)"
        " group by p.tablename, r, c having count(*) > 1",
        "create policy more on public.spend for select to authenticated using (user_id = (select auth.uid()))",
        "spend authenticated SELECT",
        # The two documented policies keep their names and commands: active jobs, and one's own.
        frozenset({"jobs authenticated SELECT"}),
    ),
    "policy_of_all_commands": Rule(
        "select p.tablename || '.' || p.policyname from pg_policies p where p.cmd = 'ALL'",
        "create policy mine on public.chat_sessions to authenticated using (user_id = (select auth.uid()))",
        "chat_sessions.mine",
        # Documented so. Clients have no grant but SELECT, so that is all it ever lets in.
        frozenset({"jobs.provider_manage_own_jobs"}),
    ),
    "policy_not_for_the_signed_in_alone": Rule(
        "select p.tablename || '.' || p.policyname from pg_policies p where p.roles <> array['authenticated'::name]",
        "create policy anybody on public.jobs for select using (status = 'active')", "jobs.anybody",
    ),
    "rls_policy_always_true": Rule(
        r"select p.tablename || '.' || p.policyname from pg_policies p"
        r" where exists (select from unnest(array[p.qual, p.with_check]) one"
        r"   where one ~* '^\(*(true|(''?\w+''?)(::\w+)? = \2(::\w+)?)\)*$') or (p.cmd <> 'INSERT' and p.qual is null)",
        "alter policy users_read on public.users using (1 = 1)", "users.users_read",
    ),
    "rls_policy_null_auth_disjunct": Rule(
        rf"select p.tablename || '.' || p.policyname from pg_policies p"
        rf" where {_POLICY} ~ '((auth\.\w+|current_setting)\([^()]*\)( AS \w+)?\)*) IS NULL'",
        "alter policy users_read on public.users using ((select auth.uid()) is null or id = (select auth.uid()))",
        "users.users_read",
    ),
    "rls_references_user_metadata": Rule(
        f"select p.tablename || '.' || p.policyname from pg_policies p where {_POLICY} ~ 'user_meta_?data'",
        "create policy boasting on public.spend for select to authenticated using"
        " (current_setting('request.jwt.claims')::jsonb -> 'user_metadata' ->> 'role' = 'admin')",
        "spend.boasting",
    ),
    "anon_table_exposed": Rule(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm', 'f') and has_any_column_privilege('anon', oid, 'select')",
        "grant select (title) on public.jobs to anon", "jobs",
    ),
}  # fmt: skip

CODE = {
    "function_search_path_mutable": Rule(
        f"select p.proname from pg_proc p where p.pronamespace {_OURS} and not {_FROM_AN_EXTENSION.format('p')}"
        " and not exists (select from unnest(p.proconfig) one where one like 'search\\_path=%')",
        "alter function public.match_jobs reset search_path", "match_jobs",
    ),
    "function_search_path_of_a_definer_not_empty": Rule(
        f"select p.proname from pg_proc p where p.pronamespace {_OURS} and p.prosecdef"
        " and 'search_path=\"\"' <> all (coalesce(p.proconfig, '{}'))",
        "alter function private.is_admin() set search_path = public", "is_admin",
    ),
    "security_definer_function_executable": Rule(
        "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef"
        " and (has_function_privilege('anon', p.oid, 'execute')"
        "   or has_function_privilege('authenticated', p.oid, 'execute'))",
        "alter function public.match_jobs security definer", "match_jobs",
    ),
    "security_definer_view": Rule(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'v'"
        " and coalesce(reloptions::text, '') !~ 'security_invoker=(true|on|1)'",
        "create view public.people as select id, email from public.users", "people",
    ),
    "auth_users_exposed": Rule(
        "select distinct v.relname from pg_class v join pg_rewrite r on r.ev_class = v.oid"
        " join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid"
        " where v.relnamespace = 'public'::regnamespace and d.refobjid = to_regclass('auth.users')",
        "create table auth.users (id uuid primary key);"
        " create view public.people with (security_invoker = on) as select id from auth.users",
        "people",
    ),
    "materialized_view_in_api": Rule(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'm'",
        "create materialized view public.totals as select count(*) from public.users", "totals",
    ),
    "foreign_table_in_api": Rule(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'f'",
        "create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;"
        " create foreign table public.elsewhere (id int) server nowhere",
        "elsewhere",
    ),
    "extension_in_public": Rule(
        "select extname from pg_extension where extnamespace = 'public'::regnamespace",
        "update pg_extension set extnamespace = 'public'::regnamespace where extname = 'plpgsql'", "plpgsql",
        # Only where nobody put pgvector elsewhere before: the documented schema says `vector`, and writers of before
        # have no other schema on their path. What it brings only calculates.
        frozenset({"vector"}),
    ),
    "fkey_to_auth": Rule(
        "select conrelid::regclass::text from pg_constraint where contype = 'f' and confrelid in"
        " (select oid from pg_class where relnamespace = to_regnamespace('auth'))",
        "create table auth.users (id uuid primary key);"
        " create table public.profiles (id uuid primary key references auth.users)",
        "profiles",
    ),
}  # fmt: skip

SHAPE = {
    "no_primary_key": Rule(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)",
        "alter table public.spend drop column id", "spend",
    ),
    # An index that leaves rows out serves where the rows left out have no such key.
    "unindexed_foreign_keys": Rule(
        f"select k.conrelid::regclass || '.' || a.attname from pg_constraint k"
        f" join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]"
        f" where k.contype = 'f' and k.connamespace {_OURS} and not exists (select from pg_index i"
        f"   where i.indrelid = k.conrelid and i.indisvalid"
        f"   and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey"
        f"   and (i.indpred is null"
        f"     or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))",
        "drop index public.chat_messages_author_id", "chat_messages.author_id",
    ),
    "duplicate_index": Rule(
        "select min(c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid"
        f" where c.relnamespace {_OURS} group by i.indrelid, c.relam, i.indkey::text, i.indclass::text,"
        "   i.indoption::text, i.indcollation::text, pg_get_expr(i.indpred, i.indrelid),"
        "   pg_get_expr(i.indexprs, i.indrelid) having count(*) > 1",
        "create index jobs_a_second_one on public.jobs (provider_id)", "jobs_a_second_one",
    ),
    "invalid_index": Rule(
        "select indexrelid::regclass::text from pg_index where not indisvalid",
        "update pg_index set indisvalid = false where indexrelid = 'public.jobs_provider_id'::regclass",
        "jobs_provider_id",
    ),
    "unsupported_reg_types": Rule(
        f"select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        f" where c.relnamespace {_OURS} and c.relkind in ('r', 'p') and a.atttypid in ('regcollation'::regtype,"
        f"   'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype, 'regoper'::regtype,"
        f"   'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)",
        "alter table public.jobs add column words_of regconfig", "jobs.words_of",
    ),
    "autovacuum_disabled": Rule(
        f"select relname from pg_class where relnamespace {_OURS}"
        f" and reloptions::text ~ 'autovacuum_enabled=(false|off|0)'",
        "alter table public.chat_messages set (autovacuum_enabled = false)", "chat_messages",
    ),
}  # fmt: skip

RULES = ACCESS | CODE | SHAPE
