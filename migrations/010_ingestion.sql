-- What ingestion remembers: which posting stands on which board, which run saw it last, and whose turn a run is.

alter table public.jobs add column if not exists closed_because text;

-- `attempts` is null in rows of other writers: those are nobody's to go on with.
alter table public.scraping_logs
  add column if not exists attempts integer,
  add column if not exists requested_by uuid,
  add column if not exists jobs_closed integer not null default 0,
  add column if not exists detail text;
create unique index if not exists scraping_logs_one_running on public.scraping_logs (source_name)
  where status = 'running' and attempts is not null;

alter table public.scraping_boards add column if not exists advertised integer;

-- One row per board and posting. A job that stands on two boards is closed when it stands on none. What is seen every
-- day is noted here and not in jobs: an update there would write the vector, and its place in the graph, anew.
create table if not exists public.job_listings (
  board text not null,
  external_id text not null,
  job_id uuid references public.jobs (id) on delete cascade,
  title text not null,
  url text not null,
  location text,
  posted_at timestamptz,
  handle text not null default '',
  wanted boolean not null default false,
  tries integer not null default 0,
  content_hash text,
  made_job boolean not null default false,
  first_run uuid not null,
  last_run uuid not null,
  last_seen_at timestamptz not null default now(),
  missed integer not null default 0,
  missed_run uuid,
  primary key (board, external_id)
);
create index if not exists job_listings_job_id on public.job_listings (job_id);
create index if not exists job_listings_wanted on public.job_listings (board, external_id) where wanted;

alter table public.job_listings enable row level security;
revoke all on public.job_listings from public, anon, authenticated;
grant all on public.job_listings to service_role;
