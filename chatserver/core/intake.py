"""What becomes of a posting whose job may already be there; and what the use case asks of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chatserver.core.draft import Posting, description_hash
from chatserver.core.job import JobStatus
from chatserver.core.job_ports import Enrichment

PREFERRED_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done to the job."""

    reopen: bool = False
    rewrite: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A job that a posting may be."""

    id: UUID
    status: JobStatus
    title: str
    description_hash: str | None
    language: str | None
    board: str | None
    """None where another writer took it in."""
    gone: bool
    """Closed because it stood nowhere any more, not by a person."""


def verdict(known: Known, posting: Posting) -> Verdict:
    """A person's closing holds. Of two boards, and of two languages, one decides about the text."""
    if known.status == "closed" and not known.gone:
        return Verdict()
    return Verdict(reopen=known.status == "closed", rewrite=_rewrites(known, posting))


def _rewrites(known: Known, posting: Posting) -> bool:
    as_new = (posting.draft.title, description_hash(posting.draft.description_raw))
    if (known.title, known.description_hash) == as_new:
        return False
    better = posting.language == PREFERRED_LANGUAGE and known.language not in (None, PREFERRED_LANGUAGE)
    worse = known.language == PREFERRED_LANGUAGE and posting.language not in (None, PREFERRED_LANGUAGE)
    own = known.board == posting.board
    return better or (own and not worse)


class IntakeStore(Protocol):
    """Every method raises `Unavailable` while the database does not answer."""

    async def known(self, companies: Sequence[str], external_ids: Sequence[str]) -> Known | None:
        """The job of any of these ids, the first id's before the others'."""
        ...

    async def complete(self, job: UUID, posting: Posting) -> None:
        """Fills in what the row does not say, and the dates and places that the posting says."""
        ...

    async def reopen(self, job: UUID) -> Enrichment | None:
        """None where it is not closed as gone."""
        ...
