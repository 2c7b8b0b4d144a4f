"""To whom outside this server something of a resume may go: what people are told, and what they agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from chatserver.core.errors import Refused

VERSION = 1
"""Raised with every change of the words that everybody reads: who agreed to other words did not agree to these."""
_EMBEDDINGS_WORDS = 2
"""Raised with every change of what an embedding service is said to get. It is another recipient then, so that nobody is
asked anew where there is none. The first words were of the resume, and questions went along unsaid."""

PURPOSE = (
    "Your resume is kept on this server, to find jobs that fit you and to answer your questions about them. "
    "People of the team may read it when they help you; who looked is written down."
)
NOBODY = "Nobody outside this server gets anything of it."
WITHOUT = (
    "Without your consent you can still use everything: questions are answered without your resume, and jobs are "
    "compared with it by its words alone, on this server."
)
WITHDRAWAL = (
    "You can withdraw at any time under “Your data”. From the next answer on nothing more is sent; what was sent "
    "before stays with the recipient for as long as its terms say."
)
_LEFT_OUT = "E-mail addresses, phone numbers, postal addresses, birth dates and ID numbers are taken out first."


class Recipient(msgspec.Struct, frozen=True):
    """Somebody outside this server, what they would get of a resume, and what for."""

    id: str
    """With the address, so that another server is another recipient; so are other words about the same, by a number."""
    name: str
    gets: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Recipients:
    """As this installation is configured; None and nothing where it all stays here."""

    model: Recipient | None = None
    embeddings: Mapping[str, Recipient] = field(default_factory=dict)
    """By the name of the embedding model."""
    files: Recipient | None = None

    @property
    def all(self) -> tuple[Recipient, ...]:
        asked = (self.model, *self.embeddings.values(), self.files)
        return tuple(one for one in asked if one is not None)


def sent_to(recipients: Recipients) -> str | None:
    """Who keeps what was sent to them, whatever is erased here; files are taken back."""
    return " and ".join(one.name for one in recipients.all if one is not recipients.files) or None


def model_recipient(model: str, base_url: str | None) -> Recipient:
    """Who answers: Anthropic, or whichever server stands in its place, for all that we know of it."""
    host = _host(base_url) if base_url else "api.anthropic.com"
    name = "Anthropic" if host == "api.anthropic.com" else f"the model's server at {host}"
    return Recipient(
        f"model:{host}", name,
        f"The text of your resume, your first and last name and the conversation. {_LEFT_OUT}",
        f"The language model {model} reads it to answer you, and to propose answers to a person who helps you.",
    )  # fmt: skip


def embeddings_recipient(model: str, base_url: str) -> Recipient:
    host = _host(base_url)
    return Recipient(
        f"embeddings:{host}:{_EMBEDDINGS_WORDS}",
        "OpenAI" if host == "api.openai.com" else f"the embedding service at {host}",
        f"The text of your resume, and your questions. {_LEFT_OUT}",
        f"The model {model} makes numbers of them that are compared with jobs.",
    )  # fmt: skip


def files_recipient(url: str) -> Recipient:
    host = _host(url)
    return Recipient(
        f"files:{host}", f"Supabase Storage ({host})", "The file of your resume, as it is.",
        "It is kept there, so that you and the team can open it again.",
    )  # fmt: skip


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class Consent(msgspec.Struct, frozen=True):
    """What somebody said last, as `users.consent` keeps it; the trail has what they said before."""

    version: int
    recipients: tuple[str, ...]
    """The ids of those whom they agreed to."""
    asked: tuple[str, ...]
    """The ids of those whom they were asked about."""
    given_at: str | None = None
    withdrawn_at: str | None = None


class ConsentTerms(msgspec.Struct, frozen=True):
    """What somebody is asked, and what they said so far."""

    version: int
    purpose: str
    recipients: tuple[Recipient, ...]
    notes: tuple[str, ...]
    agreed: tuple[str, ...]
    """The ids of the recipients to whom something may go now."""
    ask: bool
    """There is somebody among the recipients about whom they were not asked in these words."""
    given_at: str | None = None
    withdrawn_at: str | None = None


def consent_of(stored: Any) -> Consent | None:
    """The consent in a row; what another writer left there and we do not understand is none."""
    try:
        return msgspec.convert(stored, Consent) if stored is not None else None
    except msgspec.ValidationError:
        return None


def says_the_same(before: Consent, now: Consent) -> bool:
    """Whether it was said already, about the same words and recipients: it stands then as of when it was first said."""
    return _said(before) == _said(now)


def _said(consent: Consent) -> tuple[object, ...]:
    return consent.version, consent.recipients, consent.asked, consent.withdrawn_at is None


def covers(consent: Consent | None, recipient: Recipient | None) -> bool:
    """Whether something of a resume may go to the recipient; None is this server itself."""
    if recipient is None:
        return True
    return consent is not None and consent.version == VERSION and recipient.id in consent.recipients


def terms(recipients: Recipients, consent: Consent | None) -> ConsentTerms:
    asked = consent.asked if consent is not None and consent.version == VERSION else ()
    return ConsentTerms(
        VERSION, PURPOSE, recipients.all, (WITHOUT, WITHDRAWAL) if recipients.all else (NOBODY,),
        tuple(one.id for one in recipients.all if covers(consent, one)),
        any(one.id not in asked for one in recipients.all),
        consent.given_at if consent else None, consent.withdrawn_at if consent else None,
    )  # fmt: skip


def given(recipients: Recipients, version: int, agreed: Sequence[str], at: str) -> Consent:
    """Consent to what was shown. Raises `Refused` where that is not what holds here: nobody agrees to what they did
    not read.
    """
    shown = tuple(one.id for one in recipients.all)
    if version != VERSION or set(agreed) != set(shown):
        raise Refused("conflict", "What you are asked has changed meanwhile; read it again.")
    return Consent(VERSION, shown, shown, given_at=at)


def withdrawn(recipients: Recipients, before: Consent | None, at: str) -> Consent:
    """No consent, asked and answered."""
    shown = tuple(one.id for one in recipients.all)
    return Consent(VERSION, (), shown, before.given_at if before else None, withdrawn_at=at)
