-- Guides that were paid for and are not in a job's row yet: what a worker that dies, or a database that does not answer
-- at the end, must not make anybody pay for again. `version` is that of the job that they were bought for.
create table if not exists public.bought_guides (
  description_hash text not null,
  kind text not null,
  version uuid not null,
  guides jsonb not null,
  bought_at timestamptz not null default clock_timestamp(),
  primary key (description_hash, kind, version)
);

alter table public.bought_guides enable row level security;
revoke all on public.bought_guides from public, anon, authenticated;
grant all on public.bought_guides to service_role;
