"""What a provider or a career site says about a job, checked before anybody stores it."""

import hashlib
import re
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from chatserver.core.errors import Refused
from chatserver.core.job import DESCRIPTION_MAX_CHARACTERS, SKILLS_MAX, TITLE_MAX_CHARACTERS

SKILL_MAX_CHARACTERS = 100
COMPANY_MAX_CHARACTERS = 200
LOCATION_MAX_CHARACTERS = 200
URL_MAX_CHARACTERS = 2_000
EXTERNAL_ID_MAX_CHARACTERS = 200

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job as a provider writes it. Empty `skills_required` means: find them in the text."""

    title: str
    description_raw: str
    skills_required: tuple[str, ...] = ()
    company_name: str | None = None
    location: str | None = None
    external_apply_url: str | None = None

    def checked(self) -> "JobDraft":
        """The draft as it may be stored. Raises `Refused` (`bad_content`) with the first thing that is wrong."""
        return JobDraft(
            _text("title", self.title, TITLE_MAX_CHARACTERS, needed=True).strip(),
            _text("description_raw", self.description_raw, DESCRIPTION_MAX_CHARACTERS, needed=True),
            _skills(self.skills_required),
            _line("company_name", self.company_name, COMPANY_MAX_CHARACTERS),
            _line("location", self.location, LOCATION_MAX_CHARACTERS),
            _url(self.external_apply_url),
        )


@dataclass(frozen=True, slots=True)
class JobChanges:
    """An edit: what is None stays as it is. An empty string takes a company, a location or a link away."""

    title: str | None = None
    description_raw: str | None = None
    skills_required: tuple[str, ...] | None = None
    company_name: str | None = None
    location: str | None = None
    external_apply_url: str | None = None

    def checked(self) -> dict[str, Any]:
        """The changed columns alone, as they may be stored. Raises `Refused` (`bad_content`)."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        named = {name: value for name, value in named.items() if value is not None}
        if not named:
            raise Refused("bad_content", "Nothing to change was named; send at least one field of the job.")
        filler = JobDraft("title", "description")
        whole = replace(filler, **named).checked()
        return {name: getattr(whole, name) for name in named}


@dataclass(frozen=True, slots=True)
class Posting:
    """A job as a career site shows it, known by `(company_name, external_id)`."""

    draft: JobDraft
    source_name: str
    board: str
    external_id: str
    language: str | None = None
    posted_at: datetime | None = None
    closes_at: datetime | None = None

    def checked(self) -> "Posting":
        """The posting as it may be stored. Raises `Refused` (`bad_content`)."""
        _text("external_id", self.external_id, EXTERNAL_ID_MAX_CHARACTERS, needed=True)
        return replace(self, draft=self.draft.checked())


def description_hash(description_raw: str) -> str:
    """Hex SHA-256 of the description in UTF-8, as other readers of the table compute it."""
    return hashlib.sha256(description_raw.encode()).hexdigest()


def _text(name: str, value: Any, most: int, *, needed: bool = False) -> str:
    if not isinstance(value, str) or (needed and not value.strip()):
        raise Refused("bad_content", f"{name} is missing; a job needs one of 1 to {most:,} characters.")
    if len(value) > most:
        raise Refused("bad_content", f"{name} has {len(value):,} characters; shorten it to {most:,}.")
    if "\x00" in value or _SURROGATE.search(value):
        raise Refused("bad_content", f"{name} bears a character that cannot be stored (U+0000); remove it.")
    return value


def _line(name: str, value: str | None, most: int) -> str | None:
    if value is None:
        return None
    return " ".join(_text(name, value, most).split()) or None


def _skills(skills: Any) -> tuple[str, ...]:
    if not isinstance(skills, tuple | list):
        raise Refused("bad_content", "skills_required is not a list of strings; send one string a skill.")
    if len(skills) > SKILLS_MAX:
        raise Refused(
            "bad_content", f"skills_required has {len(skills)} entries; name the {SKILLS_MAX} that matter most."
        )
    kept: dict[str, str] = {}
    for skill in skills:
        clean = " ".join(_text("A skill", skill, SKILL_MAX_CHARACTERS).split())
        if clean:
            kept.setdefault(clean.casefold(), clean)
    return tuple(kept.values())


def _url(value: str | None) -> str | None:
    if value is None or not _text("external_apply_url", value, URL_MAX_CHARACTERS).strip():
        return None
    value = value.strip()
    try:
        parts = urlsplit(value)
        # What stands before an @ is read as the host by people, and by nobody else.
        is_plain = "@" not in parts.netloc and not re.search(r"\s", value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain
    except ValueError:
        usable = False
    if not usable:
        raise Refused("bad_content", "external_apply_url is not a web address; write it whole, as https://….")
    return value
