-- What a decision reads of a session, in one journey: its row under the lock, then, read after the wait for the lock,
-- its people and its running answer. No row where there is no such session.
create or replace function public.chat_lock(session uuid, lock_wait text, idle_wait text)
returns table (
  id uuid, user_id uuid, seeker_name text, status text, seq bigint, turn bigint, admin_id uuid, admin_name text,
  lease_over boolean, waiting boolean, urgent boolean, waited_seconds double precision, running_turn bigint,
  first_turn bigint, attempt integer, running_lease_over boolean, handed_over boolean)
language plpgsql set search_path = '' as $$
begin
  perform set_config('lock_timeout', lock_wait, true),
          set_config('idle_in_transaction_session_timeout', idle_wait, true);
  perform from public.chat_sessions s where s.id = chat_lock.session for no key update;
  return query
    select s.id, s.user_id, coalesce(u.full_name, split_part(u.email, '@', 1), 'Seeker'),
           coalesce(s.status, 'active_ai')::text, s.seq, s.turn, s.admin_id,
           coalesce(a.full_name, split_part(a.email, '@', 1)),
           coalesce(s.admin_lease_until < clock_timestamp(), true), s.waiting_since is not null,
           s.urgent_since is not null, extract(epoch from clock_timestamp() - s.waiting_since)::double precision,
           r.turn, r.first_turn, r.attempt, r.lease_until < clock_timestamp(), r.lease_until = '-infinity'
      from public.chat_sessions s
      left join public.users u on u.id = s.user_id
      left join public.users a on a.id = s.admin_id
      left join public.chat_answers r on r.session_id = s.id and r.state = 'running'
     where s.id = chat_lock.session;
end $$;
revoke all on function public.chat_lock(uuid, text, text) from public, anon, authenticated;
grant execute on function public.chat_lock(uuid, text, text) to service_role;

-- Sets money aside for one call, if today's limits leave room for it. One caller after the other: the lock is taken
-- before the sums are read. `user_limit` null where nobody has a limit of their own. Days are UTC's.
create or replace function public.spend_reserve(
  lock bigint, purpose text, user_id uuid, usd double precision, day_limit double precision,
  user_limit double precision, out day date, out reserved boolean, out is_theirs boolean)
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  everybody double precision;
  theirs double precision;
begin
  perform pg_advisory_xact_lock(lock);
  day := (now() at time zone 'UTC')::date;
  select coalesce(sum(s.reserved_usd + s.settled_usd), 0),
         coalesce(sum(s.reserved_usd + s.settled_usd) filter (where s.user_id = spend_reserve.user_id), 0)
    into everybody, theirs
    from public.spend s where s.day = spend_reserve.day and s.purpose = spend_reserve.purpose;
  is_theirs := coalesce(theirs + usd > user_limit, false);
  reserved := not is_theirs and everybody + usd <= day_limit;
  if reserved then
    insert into public.spend as s (day, user_id, purpose, reserved_usd)
      values (spend_reserve.day, spend_reserve.user_id, spend_reserve.purpose, usd::numeric(14, 6))
    on conflict (day, user_id, purpose) do update set reserved_usd = s.reserved_usd + excluded.reserved_usd;
  end if;
end $$;
revoke all on function
  public.spend_reserve(bigint, text, uuid, double precision, double precision, double precision)
  from public, anon, authenticated;
grant execute on function
  public.spend_reserve(bigint, text, uuid, double precision, double precision, double precision) to service_role;
