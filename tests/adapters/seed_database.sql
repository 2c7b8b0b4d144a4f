-- A database as the schema document describes it, made by hand in an editor before there were migrations.
CREATE TYPE user_role AS ENUM ('seeker', 'provider', 'admin');
CREATE TYPE chat_status AS ENUM ('active_ai', 'active_human', 'closed');

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT auth.uid(),
  email text UNIQUE NOT NULL,
  role user_role DEFAULT 'seeker',
  full_name text,
  resume_text text,
  resume_embedding vector(384),
  resume_file_url text,
  resume_file_name text,
  created_at timestamptz DEFAULT now()
);
CREATE TABLE jobs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider_id uuid REFERENCES users(id),
  title text NOT NULL,
  description_raw text NOT NULL,
  skills_required jsonb,
  resume_guide_generated jsonb,
  prep_guide_generated jsonb,
  embedding vector(384),
  description_hash text,
  status text DEFAULT 'active',
  company_name text,
  external_id text,
  external_apply_url text,
  created_at timestamptz DEFAULT now()
);
CREATE TABLE chat_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid REFERENCES users(id),
  status chat_status DEFAULT 'active_ai',
  conversation_log jsonb DEFAULT '[]'::jsonb,
  created_at timestamptz DEFAULT now()
);
CREATE TABLE scraping_logs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  source_name text NOT NULL,
  status text DEFAULT 'running',
  jobs_fetched integer DEFAULT 0,
  jobs_new integer DEFAULT 0,
  jobs_skipped integer DEFAULT 0,
  errors integer DEFAULT 0,
  started_at timestamptz DEFAULT now(),
  completed_at timestamptz
);
CREATE TABLE cron_locks (
  lock_name text PRIMARY KEY,
  locked_by text NOT NULL,
  locked_at timestamptz DEFAULT now(),
  expires_at timestamptz NOT NULL
);
create or replace function match_jobs(query_embedding vector(384), match_count int default 10)
returns table (id uuid, similarity float) language plpgsql as $$
begin
  return query
    select jobs.id, 1 - (jobs.embedding <=> query_embedding) as similarity
    from jobs where jobs.embedding is not null order by jobs.embedding <=> query_embedding limit match_count;
end;
$$;
CREATE INDEX IF NOT EXISTS idx_jobs_embedding_hnsw
ON public.jobs USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY "seeker_view_active_jobs" ON jobs FOR SELECT USING (status = 'active');
CREATE POLICY "provider_manage_own_jobs" ON jobs FOR ALL USING (auth.uid() = provider_id);

INSERT INTO users (id, email, role, full_name, resume_text, resume_embedding) VALUES
  ('11111111-1111-4111-8111-111111111111', 'asha@example.com', 'seeker', 'Asha', 'Six years of audit.',
    array_fill(0.5, array[384])::vector),
  ('22222222-2222-4222-8222-222222222222', 'ben@example.com', 'admin', NULL, NULL, NULL),
  ('33333333-3333-4333-8333-333333333333', 'chitra@example.com', 'provider', 'Chitra', NULL, NULL),
  ('44444444-4444-4444-8444-444444444444', 'dev@example.com', NULL, NULL, '', NULL);

INSERT INTO jobs (id, provider_id, title, description_raw, embedding, status, company_name, external_id, created_at) VALUES
  ('a0000000-0000-4000-8000-000000000001', '33333333-3333-4333-8333-333333333333', 'Posted by hand', 'Text',
    array_fill(1, array[384])::vector, 'active', NULL, NULL, '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000002', NULL, 'Never enriched', 'Text', NULL, 'active', NULL, NULL, '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000003', NULL, 'Stuck with a vector', 'Text',
    array_fill(1, array[384])::vector, 'processing', 'EY', '9', '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000004', NULL, 'First copy', 'Text',
    array_fill(2, array[384])::vector, 'active', 'KPMG', '17', '2026-01-02Z'),
  ('a0000000-0000-4000-8000-000000000005', NULL, 'Second copy', 'Text',
    array_fill(2, array[384])::vector, 'active', 'KPMG', '17', '2026-01-03Z'),
  ('a0000000-0000-4000-8000-000000000006', NULL, 'Older, never finished', 'Text',
    NULL, 'processing', 'KPMG', '17', '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000007', NULL, 'Same id, other firm', 'Text', NULL, 'active', 'PwC', '17', '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000008', NULL, 'No id found', 'Text', NULL, 'active', 'PwC', '', '2026-01-01Z'),
  ('a0000000-0000-4000-8000-000000000009', NULL, 'No id found either', 'Text', NULL, 'active', 'PwC', '', '2026-01-01Z');

INSERT INTO chat_sessions (id, user_id, status, conversation_log, created_at) VALUES
  ('c0000000-0000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'active_ai', '[
    {"role": "system", "content": "Context for the model", "hidden": true, "timestamp": "2026-02-17T09:59:59Z"},
    {"role": "user", "content": "How do I improve my resume?", "timestamp": "2026-02-17T10:00:00Z"},
    {"role": "assistant", "content": "Based on your experience …", "timestamp": "2026-02-17T10:00:05Z", "tokens": 12},
    {"role": "user", "content": "Thanks"},
    {"role": "user", "content": "Thanks"},
    {"role": "admin", "content": "", "timestamp": "yesterday"}]', '2026-02-17T10:00:00Z'),
  ('c0000000-0000-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', 'closed', '[]', '2026-02-18T10:00:00Z'),
  ('c0000000-0000-4000-8000-000000000003', NULL, 'active_human', NULL, '2026-02-19T10:00:00Z');

INSERT INTO scraping_logs (source_name, status, jobs_fetched) VALUES ('kpmg', 'completed', 40);
INSERT INTO cron_locks (lock_name, locked_by, expires_at) VALUES ('daily_ingestion', 'dyno-1', now() + interval '1 hour');
