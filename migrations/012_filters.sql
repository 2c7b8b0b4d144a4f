-- Filters that are answered before any vector is looked at: how few rows they leave decides how the nearest are found.

create index if not exists jobs_source_name on public.jobs (source_name) where embedding is not null;
create index if not exists jobs_language on public.jobs (language) where embedding is not null;
-- By words, not by letters: Leh is not in Lehigh.
create index if not exists jobs_place on public.jobs
  using gin (to_tsvector('pg_catalog.simple'::regconfig, coalesce(location, ''))) where embedding is not null;
