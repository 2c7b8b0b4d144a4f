-- The log of a session, its running answer, and how conversation_log follows the log.

alter table public.chat_sessions
  add column if not exists seq bigint not null default 0,
  add column if not exists turn bigint not null default 0,
  add column if not exists admin_id uuid references public.users (id) on delete set null,
  add column if not exists admin_lease_until timestamptz,
  add column if not exists waiting_since timestamptz,
  add column if not exists waiting_reason text,
  add column if not exists job_id uuid references public.jobs (id) on delete set null,
  add column if not exists opened_as uuid,
  add column if not exists logged_seq bigint not null default 0,
  add column if not exists logged_hash text,
  add column if not exists updated_at timestamptz not null default now(),
  add column if not exists closed_at timestamptz;

create unique index if not exists chat_sessions_opened_as on public.chat_sessions (user_id, opened_as);
create index if not exists chat_sessions_updated_at on public.chat_sessions (updated_at desc);
create index if not exists chat_sessions_user_id on public.chat_sessions (user_id, updated_at desc);
create index if not exists chat_sessions_waiting on public.chat_sessions (waiting_since) where waiting_since is not null;
create index if not exists chat_sessions_held on public.chat_sessions (admin_lease_until) where status = 'active_human';

create table if not exists public.chat_messages (
  session_id uuid not null references public.chat_sessions (id) on delete cascade,
  seq bigint not null,
  id uuid not null,
  turn bigint not null,
  of_turn bigint,
  kind text not null check (kind in ('message', 'status', 'note')),
  role text check (role in ('user', 'assistant', 'admin', 'system')),
  author_id uuid references public.users (id) on delete set null,
  content text not null,
  meta jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (session_id, seq),
  unique (session_id, id),
  check ((kind = 'status') = (role is null))
);

create table if not exists public.chat_answers (
  session_id uuid not null references public.chat_sessions (id) on delete cascade,
  turn bigint not null,
  first_turn bigint not null,
  owner uuid not null,
  lease_until timestamptz not null,
  attempt integer not null default 1,
  state text not null default 'running' check (state in ('running', 'done', 'cut', 'failed')),
  usage jsonb,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (session_id, turn)
);
create unique index if not exists chat_answers_running on public.chat_answers (session_id) where state = 'running';
create index if not exists chat_answers_lease on public.chat_answers (lease_until) where state = 'running';

create table if not exists public.chat_references (
  session_id uuid not null references public.chat_sessions (id) on delete cascade,
  ref integer not null,
  job_id uuid not null references public.jobs (id) on delete cascade,
  match jsonb not null default '{}'::jsonb,
  primary key (session_id, ref),
  unique (session_id, job_id)
);

-- One entry of conversation_log for a row of the log. What another writer put there is kept as it was, unknown keys and all.
create or replace function public.chat_log_entry(role text, content text, meta jsonb, created_at timestamptz)
returns jsonb language sql stable set search_path = '' as $$
  select coalesce(
    meta -> 'entry',
    jsonb_build_object('role', role, 'content', content, 'timestamp',
      to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
$$;

-- Takes the entries of conversation_log that the log does not have into the log. They claim no answer.
create or replace function public.chat_take_in(session uuid, entries jsonb)
returns void language plpgsql set search_path = '' as $$
declare
  found_entry jsonb;
  known jsonb;
  next_seq bigint;
  current_turn bigint;
  fallback timestamptz;
  stamped timestamptz;
  said_by text;
begin
  select s.seq, s.turn, s.created_at into next_seq, current_turn, fallback
    from public.chat_sessions s where s.id = session;
  fallback := coalesce(fallback, now());
  select coalesce(jsonb_object_agg(e.entry_text, e.times), '{}'::jsonb) into known from (
    select public.chat_log_entry(m.role, m.content, m.meta, m.created_at)::text as entry_text, count(*) as times
      from public.chat_messages m where m.session_id = session and m.kind = 'message' group by 1) e;
  for found_entry in select value from jsonb_array_elements(entries) loop
    if coalesce((known ->> found_entry::text)::int, 0) > 0 then
      known := jsonb_set(known, array[found_entry::text], to_jsonb((known ->> found_entry::text)::int - 1));
      continue;
    end if;
    begin
      stamped := coalesce((found_entry ->> 'timestamp')::timestamptz, fallback);
    exception when others then
      stamped := fallback;
    end;
    said_by := found_entry ->> 'role';
    next_seq := next_seq + 1;
    insert into public.chat_messages (session_id, seq, id, turn, kind, role, content, meta, created_at)
    values (session, next_seq, gen_random_uuid(), current_turn, 'message',
      case when said_by in ('user', 'assistant', 'admin', 'system') then said_by else 'system' end,
      coalesce(found_entry ->> 'content', case when jsonb_typeof(found_entry) = 'string' then found_entry #>> '{}' end, ''),
      jsonb_build_object('entry', found_entry, 'taken_in', true)
        || case when found_entry -> 'hidden' = 'true'::jsonb then '{"hidden": true}'::jsonb else '{}'::jsonb end,
      stamped);
    fallback := stamped;
  end loop;
  update public.chat_sessions s set seq = next_seq where s.id = session and s.seq <> next_seq;
end $$;

-- Brings conversation_log up to date for one session whose row the caller has locked.
create or replace function public.chat_write_log(session uuid)
returns void language plpgsql set search_path = '' as $$
declare
  current_log jsonb;
  left_hash text;
  done_seq bigint;
  missing jsonb;
begin
  select case when jsonb_typeof(s.conversation_log) = 'array' then s.conversation_log
              when s.conversation_log is null or jsonb_typeof(s.conversation_log) = 'null' then '[]'::jsonb
              else jsonb_build_array(s.conversation_log) end, s.logged_hash, s.logged_seq
    into current_log, left_hash, done_seq from public.chat_sessions s where s.id = session;
  if left_hash is distinct from md5(current_log::text) and not (left_hash is null and current_log = '[]'::jsonb) then
    perform public.chat_take_in(session, current_log);
    -- Another writer was here: what of ours it dropped is appended again, what is there stays as it is.
    with there as (
      select value::text as entry_text, row_number() over (partition by value::text order by ordinality) as nth
        from jsonb_array_elements(current_log) with ordinality
    ), ours as (
      select m.seq, e.entry, row_number() over (partition by e.entry::text order by m.seq) as nth
        from public.chat_messages m,
             lateral (select public.chat_log_entry(m.role, m.content, m.meta, m.created_at) as entry) e
        where m.session_id = session and m.kind = 'message'
    )
    select jsonb_agg(o.entry order by o.seq) into missing
      from ours o left join there t on t.entry_text = o.entry::text and t.nth = o.nth where t.entry_text is null;
  else
    select jsonb_agg(public.chat_log_entry(m.role, m.content, m.meta, m.created_at) order by m.seq) into missing
      from public.chat_messages m where m.session_id = session and m.seq > done_seq and m.kind = 'message';
  end if;
  current_log := current_log || coalesce(missing, '[]'::jsonb);
  update public.chat_sessions s
    set conversation_log = case when missing is null then s.conversation_log else current_log end,
        logged_seq = s.seq,
        logged_hash = md5((case when missing is null then coalesce(s.conversation_log, '[]'::jsonb) else current_log end)::text)
    where s.id = session;
end $$;

-- Brings conversation_log up to date for those of the sessions that nobody else holds just now; returns how many.
create or replace function public.chat_flush(sessions uuid[])
returns integer language plpgsql set search_path = '' as $$
declare
  one uuid;
  written integer := 0;
begin
  for one in select s.id from public.chat_sessions s where s.id = any (sessions) order by s.id for update skip locked loop
    perform public.chat_write_log(one);
    written := written + 1;
  end loop;
  return written;
end $$;

-- What a dead node left: sessions whose log has more than conversation_log.
create or replace function public.chat_flush_left(since timestamptz, most integer)
returns integer language sql set search_path = '' as $$
  select public.chat_flush(array(
    select s.id from public.chat_sessions s
     where s.updated_at > since and s.seq > s.logged_seq order by s.updated_at limit most))
$$;

revoke execute on function public.chat_log_entry(text, text, jsonb, timestamptz), public.chat_take_in(uuid, jsonb),
  public.chat_write_log(uuid), public.chat_flush(uuid[]), public.chat_flush_left(timestamptz, integer) from public;

update public.chat_sessions set updated_at = created_at where logged_hash is null and created_at is not null;

-- Conversations from before are taken in once; from then on the functions above follow what other writers do.
do $$
declare
  one uuid;
begin
  for one in select s.id from public.chat_sessions s
    where s.logged_hash is null and s.conversation_log is not null and s.conversation_log <> '[]'::jsonb order by s.id
  loop
    perform public.chat_write_log(one);
  end loop;
end $$;
