-- How far each person has read in each conversation, so that what is unread is the same on every device.
create table if not exists public.chat_reads (
  session_id uuid not null references public.chat_sessions (id) on delete cascade,
  user_id uuid not null references public.users (id) on delete cascade,
  seq bigint not null,
  primary key (session_id, user_id)
);
create index if not exists chat_reads_user_id on public.chat_reads (user_id);

-- Nobody comes back to a hundred unread conversations that they read long ago.
insert into public.chat_reads (session_id, user_id, seq)
  select id, user_id, seq from public.chat_sessions where user_id is not null on conflict do nothing;

alter table public.chat_reads enable row level security;
revoke all on public.chat_reads from public, anon, authenticated;
grant all on public.chat_reads to service_role;
