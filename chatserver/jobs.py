"""Publishing, editing, closing and finding jobs; the rows say what is left to do, the queue only hastens it."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from chatserver.consents import Consents
from chatserver.core.access import User, may_manage_job, may_publish_jobs
from chatserver.core.draft import JobChanges, JobDraft, Posting
from chatserver.core.errors import Refused
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.job import MATCHED_LEAST, SYSTEM_PROVIDER, Job, Match, Matched
from chatserver.core.job_ports import Catalogue, Enrichment, Filters, JobQueue, JobStore, Place
from chatserver.core.places import spellings
from chatserver.core.ports import Embedders, Unavailable
from chatserver.matches import Matcher, embed_job

__all__ = ["SYSTEM_PROVIDER", "JobChanges", "JobDraft", "Jobs", "Posting", "embed_job"]

log = logging.getLogger(__name__)

LIST_MAX = 100
MATCHES_MAX = 50
QUERY_MAX_CHARACTERS = 8_000
FILTER_MAX_CHARACTERS = 200
LANGUAGE_MAX_CHARACTERS = 8
OVERDUE_SECONDS = 300.0
OVERDUE_MOST = 100


class Jobs:
    """The use cases. Each raises `Refused`, or `Unavailable` while the database does not answer."""

    def __init__(
        self, store: JobStore, catalogue: Catalogue, queue: JobQueue, embedder: Embedders, gazetteer: Gazetteer,
        consents: Consents,
    ) -> None:  # fmt: skip
        self._store = store
        self._catalogue = catalogue
        self._queue = queue
        self._matcher = Matcher(store, catalogue, embedder, gazetteer, consents)

    # Writing

    async def publish(self, by: User, draft: JobDraft) -> Job:
        """A new job in `processing`; a worker makes it `active`."""
        if not may_publish_jobs(by):
            raise Refused("forbidden", "Only a provider or an admin publishes jobs; ask an admin for that role.")
        job, enrichment = await self._store.add(by.id, draft.checked())
        await self._hasten(enrichment)
        return job

    async def take_in(self, posting: Posting) -> Job | None:
        """A job of a career site, once; None where it is already there."""
        taken = await self._store.take_in(SYSTEM_PROVIDER, posting.checked())
        if taken is None:
            return None
        await self._hasten(taken[1])
        return taken[0]

    async def edit(self, by: User, id: UUID, changes: JobChanges) -> Job:
        """The job as it now stands: an active one keeps its old version until the new one is enriched."""
        await self._own(by, id)
        return await self._changed(id, changes.checked(), fresh=False)

    async def enrich(self, by: User, id: UUID) -> Job:
        """Asks for new guides, also where the last try failed."""
        await self._own(by, id)
        return await self._changed(id, {}, fresh=True)

    async def close(self, by: User, id: UUID) -> Job:
        """Takes the job off the market for good; it can still be read where it was cited."""
        job = await self._own(by, id)
        return job if job.status == "closed" else await self._store.close(id)

    async def requeue_overdue(self, seconds: float = OVERDUE_SECONDS) -> int:
        """Queues again what a lost queue, a dead worker or another writer left behind; how many."""
        found = await self._store.overdue(seconds, OVERDUE_MOST)
        for enrichment in found:
            await self._hasten(enrichment)
        return len(found)

    async def _own(self, by: User, id: UUID) -> Job:
        if not may_publish_jobs(by):
            raise Refused("forbidden", "Only its provider or an admin changes a job.")
        job = await self._store.job(id)
        if job is None or not may_manage_job(by, job.provider_id):
            raise _unknown()
        return job

    async def _changed(self, id: UUID, columns: dict[str, object], *, fresh: bool) -> Job:
        changed = await self._store.change(id, columns, fresh=fresh)
        if changed is None:
            raise Refused("conflict", "This job is closed for good; publish it again as a new one.")
        await self._hasten(changed[1])
        return changed[0]

    async def _hasten(self, enrichment: Enrichment) -> None:
        try:
            await self._queue.enrich(enrichment)
        except Unavailable as away:
            log.warning("job %s is not queued (%s); the sweep will find it", enrichment.job, away)

    # Reading

    async def get(self, viewer: User, id: UUID) -> Job:
        """Seekers see active and closed jobs, providers their own, admins all; else `not_found`."""
        job = await self._store.job(id)
        if job is None:
            raise _unknown()
        shown = (
            job.status in ("active", "closed") if viewer.role == "seeker" else may_manage_job(viewer, job.provider_id)
        )
        if not shown:
            raise _unknown()
        return job

    async def matched(self, viewer: User, id: UUID) -> Matched:
        """For how many seekers it was a match: a number from `MATCHED_LEAST` up, never who."""
        await self._own(viewer, id)
        seekers = await self._store.seekers_matched(id)
        return Matched(seekers if seekers >= MATCHED_LEAST else None)

    async def by_ids(self, ids: Sequence[UUID]) -> list[Job]:
        """Those that exist, in the order asked for. Nobody's access is checked."""
        return await self._store.jobs(ids)

    async def search(
        self, viewer: User, *, q: str | None = None, source: str | None = None, location: str | None = None,
        language: str | None = None, limit: int = 20, cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:  # fmt: skip
        """What the viewer may see: with `q` best first, without it newest first; and the cursor of the next page."""
        filters = _filters(source, location, language, viewer)
        limit = max(1, min(limit, LIST_MAX))
        words = _bounded("q", q, QUERY_MAX_CHARACTERS)
        if words is None:
            jobs = await self._catalogue.newest(filters, limit + 1, _place(cursor))
            last = jobs[limit - 1] if len(jobs) > limit else None
            return jobs[:limit], _cursor(last) if last else None
        start = _offset(cursor)
        ranked = await self._matcher.ranked(words, filters)
        page = await self._store.jobs(ranked[start : start + limit])
        return page, str(start + limit) if len(ranked) > start + limit else None

    async def matches(
        self, seeker: UUID, *, question: str | None = None, limit: int = 10, source: str | None = None,
        location: str | None = None, language: str | None = None, include: Sequence[UUID] = (),
    ) -> list[Match]:  # fmt: skip
        """The best active jobs by resume and question; those of `include` always among them.

        Without a resume the question alone decides, without either the newest come.
        """
        filters = _filters(source, location, language)
        question = question[:QUERY_MAX_CHARACTERS] if question else None
        return await self._matcher.best(seeker, question, filters, max(1, min(limit, MATCHES_MAX)), include)

    async def match_one(self, seeker: UUID, job: UUID) -> Match:
        found = await self._store.job(job)
        if found is None or found.status not in ("active", "closed"):
            raise _unknown()
        resume = await self._catalogue.resume(seeker)
        if resume is None:
            raise Refused("conflict", "There is no resume to hold this job against; upload one first.")
        return await self._matcher.one(resume, found)


def _unknown() -> Refused:
    return Refused("not_found", "There is no such job.")


def _filters(source: str | None, location: str | None, language: str | None, viewer: User | None = None) -> Filters:
    language = _bounded("language", language, LANGUAGE_MAX_CHARACTERS)
    source = _bounded("source", source, FILTER_MAX_CHARACTERS)
    location = _bounded("location", location, FILTER_MAX_CHARACTERS)
    everything = viewer is not None and viewer.role != "seeker"
    return Filters(
        source.casefold() if source else None,
        spellings(location) if location else (),
        viewer.id if viewer is not None and viewer.role == "provider" else None,
        active_only=not everything,
        language=language.casefold() if language else None,
    )


def _bounded(name: str, value: str | None, most: int) -> str | None:
    value = (value or "").replace("\x00", " ").strip()
    if len(value) > most:
        raise Refused("bad_content", f"{name} has {len(value):,} characters; shorten it to {most:,}.")
    return value or None


def _cursor(last: Job) -> str:
    """Without a plus sign: it would come back from an address as a space."""
    return f"{last.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z~{last.id}"


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    moment, _, id = cursor.partition("~")
    try:
        at = datetime.fromisoformat(moment)
        place = Place(at.astimezone(UTC), UUID(id))
    except (ValueError, OverflowError):
        raise _bad_cursor() from None
    if at.tzinfo is None:
        raise _bad_cursor()
    return place


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 6:
        raise _bad_cursor()
    return int(cursor)


def _bad_cursor() -> Refused:
    return Refused("bad_content", "This cursor belongs to another list; start again without one.")
