-- What jobs and users know beyond the documented columns; money, runs per board, the trail of what people did.

do $$
begin
  if to_regnamespace('private') is null then
    create schema private;
  end if;
end $$;

alter table public.jobs
  add column if not exists source_name text,
  add column if not exists board text,
  add column if not exists location text,
  add column if not exists language text,
  add column if not exists posted_at timestamptz,
  add column if not exists closes_at timestamptz,
  add column if not exists closed_at timestamptz,
  add column if not exists last_seen_at timestamptz,
  add column if not exists embedding_model text,
  add column if not exists enriched_by text,
  add column if not exists failure text,
  add column if not exists pending jsonb;

alter table public.users
  add column if not exists embedding_model text,
  add column if not exists deactivated_at timestamptz,
  add column if not exists consent jsonb;

-- One row: the model whose vectors are compared. None until the first vector is made.
create table if not exists public.embedding_models (
  singleton boolean primary key default true check (singleton),
  model text not null,
  pinned_at timestamptz not null default now()
);

-- Per day and purpose what somebody costs; user_id null is what nobody in particular asked for. No foreign key: what an
-- erased person's answers cost that day is still spent.
create table if not exists public.spend (
  day date not null,
  user_id uuid,
  purpose text not null,
  reserved_usd numeric(14, 6) not null default 0 check (reserved_usd >= 0),
  settled_usd numeric(14, 6) not null default 0 check (settled_usd >= 0),
  unique nulls not distinct (day, user_id, purpose)
);

-- No foreign keys: an entry outlives the people and things it names.
create table if not exists public.audit_log (
  id bigint generated always as identity primary key,
  created_at timestamptz not null default now(),
  actor_id uuid,
  action text not null,
  subject_type text,
  subject_id uuid,
  detail jsonb not null default '{}'::jsonb
);
create index if not exists audit_log_created_at on public.audit_log (created_at desc);
create index if not exists audit_log_subject on public.audit_log (subject_id, created_at desc);

create table if not exists public.scraping_boards (
  run_id uuid not null references public.scraping_logs (id) on delete cascade,
  board text not null,
  status text not null default 'running' check (status in
    ('running', 'ok', 'partial', 'blocked', 'disallowed', 'changed_shape', 'empty', 'failed')),
  jobs_fetched integer not null default 0,
  jobs_new integer not null default 0,
  jobs_skipped integer not null default 0,
  jobs_closed integer not null default 0,
  errors integer not null default 0,
  detail text,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  primary key (run_id, board)
);
create index if not exists scraping_logs_started_at on public.scraping_logs (source_name, started_at desc);

insert into public.users (id, email, role, full_name)
values ('00000000-0000-4000-a000-000000000001', '00000000-0000-4000-a000-000000000001@users.invalid', 'provider',
  'Ottobon Jobs')
on conflict (id) do update set role = 'provider' where users.role is distinct from 'provider';

update public.jobs set embedding_model = 'text-embedding-3-small'
  where embedding is not null and embedding_model is null;
update public.users set embedding_model = 'text-embedding-3-small'
  where resume_embedding is not null and embedding_model is null;
insert into public.embedding_models (model)
  select 'text-embedding-3-small'
  where exists (select 1 from public.jobs where embedding_model = 'text-embedding-3-small')
     or exists (select 1 from public.users where embedding_model = 'text-embedding-3-small')
on conflict do nothing;

-- Two rows for one posting: the oldest that seekers can find stays what it is. The others are closed and give up their
-- external_id rather than being deleted, so that whatever names them still finds a job, and says that it is closed.
do $$
declare
  touched bigint;
begin
  -- A scraper that found no id may have written an empty one: those are different postings.
  update public.jobs set external_id = null where btrim(external_id) = '';
  get diagnostics touched = row_count;
  if touched > 0 then
    raise warning 'jobs: % rows had an empty external_id; they have none now', touched;
  end if;
  with ranked as (
    select id, first_value(id) over same_posting as kept
      from public.jobs where external_id is not null and company_name is not null
      window same_posting as (partition by company_name, external_id
        order by (status = 'active' and embedding is not null) desc nulls last, created_at nulls last, id)
  )
  update public.jobs j
     set status = 'closed', closed_at = coalesce(j.closed_at, now()), embedding = null, embedding_model = null,
         failure = format('the same posting as job %s, external_id %s', r.kept, j.external_id), external_id = null
    from ranked r where r.id = j.id and r.kept <> j.id;
  get diagnostics touched = row_count;
  if touched > 0 then
    raise warning 'jobs: % rows were a second copy of a posting; they are closed, the oldest copy stays, and '
      'jobs.failure of each names it', touched;
  end if;
end $$;
create unique index if not exists jobs_external_id on public.jobs (company_name, external_id)
  where external_id is not null;

create index if not exists jobs_provider_id on public.jobs (provider_id);
create index if not exists jobs_board on public.jobs (source_name, board) where board is not null;

-- match_jobs() looks at the vector alone, so a job that is not active must not have one. This also makes the documented
-- index hold active jobs only: a partial one beside it would cost a second graph and find nothing more.
-- The other half (an active job has a vector) is not enforced: status defaults to 'active', for writers that know no better.
create or replace function private.keep_vector_only_while_active()
returns trigger language plpgsql set search_path = '' as $$
begin
  if new.status is distinct from 'active' then
    new.embedding := null;
  end if;
  if new.embedding is null then
    new.embedding_model := null;
  end if;
  return new;
end $$;

create or replace trigger jobs_keep_vector_only_while_active
  before insert or update of status, embedding, embedding_model on public.jobs
  for each row execute function private.keep_vector_only_while_active();

do $$
declare
  touched bigint;
  strange text;
begin
  update public.jobs set embedding = null where embedding is not null and status is distinct from 'active';
  get diagnostics touched = row_count;
  if touched > 0 then
    raise warning 'jobs: % rows had a vector without being active; the vector is gone until they are enriched again', touched;
  end if;
  select string_agg(distinct status, ', ') into strange
    from public.jobs where status not in ('processing', 'active', 'failed', 'closed');
  if strange is not null then
    raise warning 'jobs: rows with a status that this server does not know (%) stay as they are and are shown to nobody; '
      'set one of processing, active, failed, closed', strange;
  elsif not exists (select 1 from pg_catalog.pg_constraint
      where conrelid = 'public.jobs'::regclass and conname = 'jobs_status_known') then
    alter table public.jobs add constraint jobs_status_known
      check (status in ('processing', 'active', 'failed', 'closed'));
  end if;
end $$;
