-- Who may read jobs from the database itself: the two documented policies.
-- Made anew each time: one of the same name that was there before may have had another command, role or rule.

alter table public.jobs enable row level security;

drop policy if exists seeker_view_active_jobs on public.jobs;
create policy seeker_view_active_jobs on public.jobs
  for select to authenticated
  using (status = 'active');

drop policy if exists provider_manage_own_jobs on public.jobs;
create policy provider_manage_own_jobs on public.jobs
  for all to authenticated
  using ((select auth.uid()) = provider_id);
