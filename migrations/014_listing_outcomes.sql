-- What a run learned of a posting's own page: which requisition it is, so that two languages are one job; how it went, so that a run that is gone on with does not ask again and a list does not
-- undo what the page said; and whether the next list is measured by this one.

alter table public.job_listings
  add column if not exists gone_run uuid,
  add column if not exists tried_run uuid,
  add column if not exists requisition text;
create index if not exists job_listings_requisition on public.job_listings (board, requisition)
  where requisition is not null;

-- Null in rows from before, where the status says it.
alter table public.scraping_boards add column if not exists measures boolean;

-- Those that failed least often are asked for first.
drop index if exists public.job_listings_wanted;
create index job_listings_wanted on public.job_listings (board, tries, external_id) where wanted;
