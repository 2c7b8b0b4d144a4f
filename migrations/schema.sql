-- The documented schema. `chatserver migrate` sees to the extension, the roles and auth.uid() where they are missing.

create extension if not exists vector;

do $$
begin
  if to_regtype('public.user_role') is null then
    create type public.user_role as enum ('seeker', 'provider', 'admin');
  end if;
  if to_regtype('public.chat_status') is null then
    create type public.chat_status as enum ('active_ai', 'active_human', 'closed');
  end if;
end $$;

create table if not exists public.users (
  id uuid primary key default auth.uid(),
  email text unique not null,
  role public.user_role default 'seeker',
  full_name text,
  resume_text text,
  resume_embedding vector(384),
  resume_file_url text,
  resume_file_name text,
  created_at timestamptz default now()
);

create table if not exists public.jobs (
  id uuid primary key default gen_random_uuid(),
  provider_id uuid references public.users (id),
  title text not null,
  description_raw text not null,
  skills_required jsonb,
  resume_guide_generated jsonb,
  prep_guide_generated jsonb,
  embedding vector(384),
  description_hash text,
  status text default 'active',
  company_name text,
  external_id text,
  external_apply_url text,
  created_at timestamptz default now()
);

create table if not exists public.chat_sessions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references public.users (id),
  status public.chat_status default 'active_ai',
  conversation_log jsonb default '[]'::jsonb,
  created_at timestamptz default now()
);

create table if not exists public.scraping_logs (
  id uuid primary key default gen_random_uuid(),
  source_name text not null,
  status text default 'running',
  jobs_fetched integer default 0,
  jobs_new integer default 0,
  jobs_skipped integer default 0,
  errors integer default 0,
  started_at timestamptz default now(),
  completed_at timestamptz
);

create or replace function public.match_jobs(
  query_embedding vector(384),
  match_count int default 10
)
returns table (id uuid, similarity float)
language plpgsql as $$
begin
  return query
    select jobs.id, 1 - (jobs.embedding <=> query_embedding) as similarity
    from jobs
    where jobs.embedding is not null
    order by jobs.embedding <=> query_embedding
    limit match_count;
end;
$$;
