"""Taking postings in: the same posting twice is one job, whoever took it in first."""

import logging
from collections.abc import Sequence
from uuid import UUID

from chatserver.core.draft import Posting
from chatserver.core.intake import IntakeStore, verdict
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.job_ports import Enrichment, JobQueue, JobStore
from chatserver.core.ports import Unavailable

log = logging.getLogger(__name__)


class Intake:
    """Each method raises `Unavailable`; `take_in` also `Refused` for a posting that cannot be stored."""

    def __init__(self, jobs: JobStore, store: IntakeStore, queue: JobQueue) -> None:
        self._jobs = jobs
        self._store = store
        self._queue = queue

    async def take_in(
        self, posting: Posting, *, companies: Sequence[str] = (), also_known_as: Sequence[str] = ()
    ) -> UUID:
        """The posting's job. `companies` and `also_known_as` are names others gave it."""
        posting = posting.checked()
        names = (str(posting.draft.company_name), *companies)
        ids = (posting.external_id, *also_known_as)
        known = await self._store.known(names, ids)
        if known is None:
            taken = await self._jobs.take_in(SYSTEM_PROVIDER, posting)
            if taken is not None:
                await self._hasten(taken[1])
                return taken[0].id
            known = await self._store.known(names, ids)
            if known is None:
                raise Unavailable(f"The posting {posting.external_id} came and went; it is asked for again.")
        decided = verdict(known, posting)
        await self._store.complete(known.id, posting)
        if decided.reopen:
            await self.reopen(known.id)
        if decided.rewrite:
            text = {"title": posting.draft.title, "description_raw": posting.draft.description_raw}
            changed = await self._jobs.change(known.id, text, fresh=False, bulk=True)
            if changed is not None:
                await self._hasten(changed[1])
        return known.id

    async def complete(self, job: UUID, posting: Posting) -> None:
        """Dates and places that the posting's own page says; the text stays."""
        await self._store.complete(job, posting.checked())

    async def reopen(self, job: UUID) -> None:
        """A job that was gone stands on a board again."""
        enrichment = await self._store.reopen(job)
        if enrichment is not None:
            await self._hasten(enrichment)

    async def _hasten(self, enrichment: Enrichment) -> None:
        try:
            await self._queue.enrich(enrichment)
        except Unavailable as away:
            log.warning("job %s is not queued (%s); the sweep will find it", enrichment.job, away)
