-- What clients of the database itself may do: read, and only what is theirs. The server is the only writer.

alter table public.users enable row level security;
alter table public.jobs enable row level security;
alter table public.chat_sessions enable row level security;
alter table public.chat_messages enable row level security;
alter table public.chat_answers enable row level security;
alter table public.chat_references enable row level security;
alter table public.scraping_logs enable row level security;
alter table public.scraping_boards enable row level security;
alter table public.cron_locks enable row level security;
alter table public.embedding_models enable row level security;
alter table public.spend enable row level security;
alter table public.audit_log enable row level security;

-- Older Supabase projects grant everything on new tables and functions to clients; newer ones nothing to anybody.
revoke all on
  public.users, public.jobs, public.chat_sessions, public.chat_messages, public.chat_answers, public.chat_references,
  public.scraping_logs, public.scraping_boards, public.cron_locks, public.embedding_models, public.spend,
  public.audit_log
  from public, anon, authenticated;
grant all on
  public.users, public.jobs, public.chat_sessions, public.chat_messages, public.chat_answers, public.chat_references,
  public.scraping_logs, public.scraping_boards, public.cron_locks, public.embedding_models, public.spend,
  public.audit_log
  to service_role;

-- cron_locks, embedding_models and chat_answers are the server's own affair.
grant select on
  public.users, public.jobs, public.chat_messages, public.chat_references, public.scraping_logs, public.scraping_boards,
  public.spend, public.audit_log
  to authenticated;
-- Not conversation_log: it holds entries with "hidden": true, and a row's policy cannot leave out a part of a column.
grant select (id, user_id, status, created_at, seq, turn, admin_id, waiting_since, job_id, updated_at, closed_at)
  on public.chat_sessions to authenticated;

grant usage on schema public to authenticated, service_role;
grant usage on schema private to service_role;

do $$
declare
  one regprocedure;
begin
  -- Whoever may call these rewrites conversations, whatever the tables' grants say about the caller's own statements.
  for one in select p.oid::regprocedure from pg_catalog.pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.proname like 'chat\_%'
      and pg_catalog.pg_has_role(p.proowner, 'USAGE')
  loop
    execute format('revoke execute on function %s from public, anon, authenticated', one);
    execute format('grant execute on function %s to service_role', one);
  end loop;
end $$;
grant execute on function public.match_jobs(vector, integer) to authenticated, service_role;

-- A policy on users that reads users would recurse, so the question is asked with the owner's eyes.
create or replace function private.is_admin()
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.users u where u.id = (select auth.uid()) and u.role = 'admin' and u.deactivated_at is null)
$$;
revoke execute on function private.is_admin() from public;
grant execute on function private.is_admin() to authenticated, service_role;
revoke execute on function private.keep_vector_only_while_active() from public;

drop policy if exists users_read on public.users;
create policy users_read on public.users for select to authenticated
  using (id = (select auth.uid()) or (select private.is_admin()));

drop policy if exists chat_sessions_read on public.chat_sessions;
create policy chat_sessions_read on public.chat_sessions for select to authenticated
  using (user_id = (select auth.uid()) or (select private.is_admin()));

drop policy if exists chat_messages_read on public.chat_messages;
create policy chat_messages_read on public.chat_messages for select to authenticated
  using (
    (select private.is_admin())
    or (
      kind <> 'note'
      and meta -> 'hidden' is distinct from 'true'::jsonb
      and session_id in (select s.id from public.chat_sessions s where s.user_id = (select auth.uid()))
    )
  );

drop policy if exists chat_references_read on public.chat_references;
create policy chat_references_read on public.chat_references for select to authenticated
  using (
    (select private.is_admin())
    or session_id in (select s.id from public.chat_sessions s where s.user_id = (select auth.uid()))
  );

drop policy if exists scraping_logs_read on public.scraping_logs;
create policy scraping_logs_read on public.scraping_logs for select to authenticated
  using ((select private.is_admin()));

drop policy if exists scraping_boards_read on public.scraping_boards;
create policy scraping_boards_read on public.scraping_boards for select to authenticated
  using ((select private.is_admin()));

drop policy if exists spend_read on public.spend;
create policy spend_read on public.spend for select to authenticated
  using ((select private.is_admin()));

drop policy if exists audit_log_read on public.audit_log;
create policy audit_log_read on public.audit_log for select to authenticated
  using ((select private.is_admin()));
