-- Numbers the retrieved jobs of a session in one journey: a job keeps the number that it has, others get the next ones;
-- what is stored of the match is as of the latest retrieval. The session's row is locked first, so that two answers
-- never give one number twice. Returns the numbers in the order of `jobs`, which are distinct.
create or replace function public.chat_number(session uuid, jobs uuid[], matches jsonb[])
returns integer[] language plpgsql set search_path = '' set lock_timeout = '3s' as $$
begin
  perform from public.chat_sessions s where s.id = chat_number.session for no key update;
  insert into public.chat_references (session_id, ref, job_id, match)
    select chat_number.session,
           coalesce(known.ref, last.ref + row_number() over (partition by known.ref is null order by wanted.nth)),
           wanted.job, wanted.match
      from unnest(jobs, matches) with ordinality as wanted (job, match, nth)
      left join public.chat_references known on known.session_id = chat_number.session and known.job_id = wanted.job,
      (select coalesce(max(r.ref), 0) as ref from public.chat_references r where r.session_id = chat_number.session) last
    on conflict (session_id, ref) do update set match = excluded.match;
  return array(
    select r.ref from unnest(jobs) with ordinality as wanted (job, nth)
      join public.chat_references r on r.session_id = chat_number.session and r.job_id = wanted.job order by wanted.nth);
end $$;
revoke all on function public.chat_number(uuid, uuid[], jsonb[]) from public, anon, authenticated;
grant execute on function public.chat_number(uuid, uuid[], jsonb[]) to service_role;
