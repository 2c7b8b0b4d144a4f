-- What a provider said about skills, kept apart from what enrichment found, and how words and unfinished work are found.

alter table public.jobs add column if not exists skills_given jsonb;

-- `simple`: postings come in several languages, and names of tools and firms are nobody's stem.
create or replace function public.job_words(title text, company_name text, location text, description_raw text)
returns tsvector language sql immutable parallel safe set search_path = '' as $$
  select to_tsvector('pg_catalog.simple', coalesce(title, '') || ' ' || coalesce(company_name, '') || ' '
    || coalesce(location, '') || ' ' || left(coalesce(description_raw, ''), 100000))
$$;
revoke execute on function public.job_words(text, text, text, text) from public;
grant execute on function public.job_words(text, text, text, text) to service_role;

create index if not exists jobs_words on public.jobs
  using gin (public.job_words(title, company_name, location, description_raw));
create index if not exists jobs_pending on public.jobs (id) where pending is not null;
