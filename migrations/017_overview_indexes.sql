-- What the admins' overview counts by day, so that a look at the last two weeks does not read years of messages.
create index if not exists chat_messages_status_at on public.chat_messages (created_at) where kind = 'status';
create index if not exists chat_messages_rated_at on public.chat_messages (created_at) where meta ? 'rating';
create index if not exists chat_answers_paid_at on public.chat_answers (created_at) where usage is not null;
create index if not exists chat_sessions_begun on public.chat_sessions (created_at, status);
create index if not exists audit_log_actor on public.audit_log (actor_id, id desc);
