-- Of an expression, the planner uses the statistics of a whole index, never those of a partial one: without them every
-- place was taken for rare, and ten thousand vectors were compared where the graph gives the nearest sooner.

drop index if exists jobs_place;
create index jobs_place on public.jobs using gin (to_tsvector('pg_catalog.simple'::regconfig, coalesce(location, '')));
