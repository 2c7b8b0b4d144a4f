-- What was said and what fits whom is read through the server alone, which writes down which admin looked; read here,
-- nobody would know. And whoever is shut out is shut out here too, however long their token is good.

create or replace function private.is_shut_out()
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.users u where u.id = (select auth.uid()) and u.deactivated_at is not null)
$$;
revoke execute on function private.is_shut_out() from public, anon;
grant execute on function private.is_shut_out() to authenticated, service_role;

drop policy if exists users_read on public.users;
create policy users_read on public.users for select to authenticated
  using (id = (select auth.uid()) and not (select private.is_shut_out()));

drop policy if exists chat_sessions_read on public.chat_sessions;
create policy chat_sessions_read on public.chat_sessions for select to authenticated
  using ((user_id = (select auth.uid()) and not (select private.is_shut_out())) or (select private.is_admin()));

drop policy if exists chat_messages_read on public.chat_messages;
create policy chat_messages_read on public.chat_messages for select to authenticated
  using (
    kind <> 'note'
    and meta -> 'hidden' is distinct from 'true'::jsonb
    and session_id in (select s.id from public.chat_sessions s where s.user_id = (select auth.uid()))
    and not (select private.is_shut_out())
  );

drop policy if exists chat_references_read on public.chat_references;
create policy chat_references_read on public.chat_references for select to authenticated
  using (
    session_id in (select s.id from public.chat_sessions s where s.user_id = (select auth.uid()))
    and not (select private.is_shut_out())
  );
