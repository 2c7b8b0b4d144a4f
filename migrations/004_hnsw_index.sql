-- Nearest neighbours without reading every vector.

create index if not exists idx_jobs_embedding_hnsw
on public.jobs using hnsw (embedding vector_cosine_ops)
with (m = 16, ef_construction = 64);
