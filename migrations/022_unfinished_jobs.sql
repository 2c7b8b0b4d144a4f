-- What is counted at each scrape: jobs that are not done, without a look at the many that are.
create index if not exists jobs_unfinished on public.jobs (status, source_name, created_at)
  where status in ('processing', 'failed');
