-- Who runs a scheduled task: a row that is there and has not expired.

create table if not exists public.cron_locks (
  lock_name text primary key,
  locked_by text not null,
  locked_at timestamptz default now(),
  expires_at timestamptz not null
);
