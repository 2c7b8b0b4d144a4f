-- Who is told outside that a seeker waits: once for each wait, by whichever node comes first, again where nobody answered.
alter table public.chat_sessions
  add column if not exists notice_since timestamptz,
  add column if not exists notice_tries smallint not null default 0,
  add column if not exists notice_due_at timestamptz;
