-- Since when the words of a seeker have said that they may be in danger; null once a person has dealt with it.
alter table public.chat_sessions add column if not exists urgent_since timestamptz;
create index if not exists chat_sessions_urgent on public.chat_sessions (urgent_since) where urgent_since is not null;
