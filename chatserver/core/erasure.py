"""The receipt of an erasure: what went, and in plain sentences what remains elsewhere and why."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from chatserver.core.events import instant

REMAINS = (
    "Your sign-in itself is kept by the sign-in service, not here; coming back with it opens a new, empty account.",
    "What models cost on each day stays as a sum under an identifier that names nobody any more, and so does the trail"
    " of which admin looked at what.",
    "Backups of the database keep what was in it until they are replaced; the operator says when.",
)
POSTED = "The jobs that you posted are closed; their texts can still be read by whoever was shown them."
WRITTEN = "What you wrote in other people's conversations stays with them, without your name."
SENT = ("What was sent to {sent_to} to answer you is kept there for as long as their terms say.",)


@dataclass(frozen=True, slots=True)
class Erased:
    """How much there was."""

    at: datetime
    sessions: int
    messages: int
    jobs: int
    elsewhere: int = 0
    """Messages that they wrote, as an admin, in other people's conversations."""


class Receipt(msgspec.Struct, frozen=True):
    """What was erased, and in plain sentences what remains elsewhere."""

    erased_at: str
    sessions: int
    messages: int
    resume: bool
    jobs_closed: int
    remains: tuple[str, ...]


def receipt(erased: Erased, *, resume: bool, sent_to: str | None) -> Receipt:
    """`sent_to` names those who were sent questions; None where nothing left the house."""
    sent = tuple(sentence.format(sent_to=sent_to) for sentence in SENT) if sent_to else ()
    here = ((POSTED,) if erased.jobs else ()) + ((WRITTEN,) if erased.elsewhere else ())
    return Receipt(instant(erased.at), erased.sessions, erased.messages, resume, erased.jobs, (*REMAINS, *here, *sent))
