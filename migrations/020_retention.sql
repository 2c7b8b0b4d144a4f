-- When somebody was here last, so that what is kept of people who do not come back ends; and how the old is found.

-- Who was there before counts as seen now: nobody loses anything because a column is new.
alter table public.users add column if not exists seen_at timestamptz not null default now();
create index if not exists users_seen_at on public.users (seen_at);
create index if not exists chat_sessions_created_at on public.chat_sessions (created_at);
