-- Who is writing the guides of a description just now, the vectors of the next model until all of them are there, and
-- how many calls a day's money paid for.

alter table public.spend add column if not exists calls integer not null default 0 check (calls >= 0);

-- One description is paid for once, however many workers hold a job with it at the same moment.
create table if not exists public.enrichment_claims (
  description_hash text not null,
  kind text not null,
  claimed_by uuid not null,
  expires_at timestamptz not null,
  primary key (description_hash, kind)
);

-- Written while the old vectors serve. What an erased person or a deleted job had here goes with them.
create table if not exists public.next_embeddings (
  job_id uuid unique references public.jobs (id) on delete cascade,
  user_id uuid unique references public.users (id) on delete cascade,
  id uuid generated always as (coalesce(job_id, user_id)) stored primary key,
  model text not null,
  text_hash text not null,
  embedding vector(384) not null,
  check (num_nonnulls(job_id, user_id) = 1)
);

alter table public.enrichment_claims enable row level security;
alter table public.next_embeddings enable row level security;
revoke all on public.enrichment_claims, public.next_embeddings from public, anon, authenticated;
grant all on public.enrichment_claims, public.next_embeddings to service_role;

-- Whether a description's guides are there is asked before each call of a model.
create index if not exists jobs_description_hash on public.jobs (description_hash);
-- Vectors that are missing, or of another model than the pinned one, are looked for twice a minute.
create index if not exists jobs_embedding_model on public.jobs (embedding_model) where status = 'active';
create index if not exists users_embedding_model on public.users (embedding_model) where resume_text <> '';
