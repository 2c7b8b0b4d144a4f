-- What was still open to clients of the database, and what makes deletions and replication slow or impossible.

-- An admin reads people and their resumes through the server, which writes down who looked. Read here, nobody would know.
drop policy if exists users_read on public.users;
create policy users_read on public.users for select to authenticated
  using (id = (select auth.uid()));

-- Not pending: an edit that nobody has published yet. Nor what the server notes for itself; a policy hides rows, not columns.
revoke select on public.jobs from authenticated;
grant select (id, provider_id, title, description_raw, skills_required, resume_guide_generated, prep_guide_generated,
    embedding, description_hash, status, company_name, external_id, external_apply_url, created_at, source_name, location,
    language, posted_at, closes_at, closed_at)
  on public.jobs to authenticated;

-- The replica of a table without a key cannot tell which row was changed: once published, it refuses every update.
alter table public.spend add column if not exists id bigint generated always as identity primary key;

-- Older Supabase projects give clients every new sequence: set back, it would make each entry of the trail a duplicate.
revoke all on sequence public.audit_log_id_seq, public.spend_id_seq from public, anon, authenticated;
grant all on sequence public.audit_log_id_seq, public.spend_id_seq to service_role;
revoke execute on function public.job_words(text, text, text, text) from anon, authenticated;
revoke execute on function public.match_jobs(vector, integer) from public, anon;

do $$
declare
  vector_in name;
begin
  -- The operator <=> is found where pgvector was put, and a caller's temporary table never stands for jobs.
  select n.nspname into strict vector_in from pg_catalog.pg_extension e
    join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'vector';
  if vector_in = 'public' then
    alter function public.match_jobs(vector, integer) set search_path = public, pg_temp;
  else
    execute pg_catalog.format(
      'alter function public.match_jobs(vector, integer) set search_path = public, %I, pg_temp', vector_in);
  end if;
  -- Databases that began before Postgres 15 let everybody create things in public.
  if pg_catalog.pg_has_role((select nspowner from pg_catalog.pg_namespace where nspname = 'public'), 'USAGE') then
    revoke create on schema public from public, anon, authenticated;
  end if;
end $$;

-- Erasing a person or a job follows these, and each would read the whole table.
create index if not exists chat_sessions_admin_id on public.chat_sessions (admin_id) where admin_id is not null;
create index if not exists chat_sessions_job_id on public.chat_sessions (job_id) where job_id is not null;
create index if not exists chat_messages_author_id on public.chat_messages (author_id) where author_id is not null;
create index if not exists chat_references_job_id on public.chat_references (job_id);
