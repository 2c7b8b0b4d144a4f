"""What every platform's adapter is given and what it gives back."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from workers.web import Web

COMPLETE_SHARE = 0.99
"""Of what a site advertises, to count as all of it; its number moves while it is read."""


@dataclass(frozen=True, slots=True)
class Board:
    """One entry of `boards.toml`: one list of postings of one firm on one platform."""

    name: str
    source: str
    company: str
    platform: str
    url: str
    """Where a person finds the board; the adapter derives every other address from it."""
    tenant: str
    """Ids are unique within it; it stands before them where the board is not the firm's first."""
    country: str | None = None
    """ISO 3166 alpha-2: only postings of that country are taken in."""
    on: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the platform's adapter understands beside the rest."""


@dataclass(frozen=True, slots=True)
class Found:
    """A posting with its text, as the site has it. Everything is plain text."""

    title: str
    description: str
    """May be empty where the site withholds it."""
    location: str | None = None
    """Places as people write them; several are joined by `; `."""
    company: str | None = None
    posted_at: datetime | None = None
    """None where the site says only something like "30+ days ago". With a zone."""
    closes_at: datetime | None = None
    url: str | None = None
    apply_url: str | None = None
    requisition: str | None = None
    language: str | None = None
    """ISO 639-1."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A whole posting inside a list. Most are known from the day before, and are not read again."""

    digest: str
    """Of the posting as it is written there: the same today, the same text."""
    read: Callable[[], Found]


@dataclass(frozen=True, slots=True)
class Stub:
    """A posting as a list shows it."""

    external_id: str
    """The platform's id, bare."""
    title: str
    url: str
    """Its page, absolute."""
    location: str | None = None
    posted_at: datetime | None = None
    handle: str = ""
    """What the adapter needs to ask for the whole."""
    carried: Carried | None = None
    """The whole, where the list carries it with its text."""
    incomplete: str | None = None
    """Why the whole is worth asking for though the list carries one; None where it is not."""


@dataclass(frozen=True, slots=True)
class Page:
    """One step through a list. The last one says how it ended."""

    stubs: tuple[Stub, ...]
    advertised: int | None = None
    """How many postings the site says there are; None where it does not say, or not exactly."""
    complete: bool = False
    """The site gave all that it has."""
    partial: str | None = None
    """Why some of it is missing."""
    short: bool = False
    """Complete but for very little, which the site counts and does not show."""


class BoardError(Exception):
    """Why a board cannot be read; one sentence. Nothing is closed because of it."""


class Blocked(BoardError):
    """The site does not let us in, or asks for a person."""


class Disallowed(BoardError):
    """Its robots.txt does not allow it."""


class ChangedShape(BoardError):
    """It answers, and not in a shape that we know."""


class Away(BoardError):
    """It does not answer, or only with errors, within the tries and the time that it has."""


class Resting(BoardError):
    """Its host is left alone for now: nobody was asked."""


class RestingAway(Resting, Away):
    """Because it did not answer."""


class RestingBlocked(Resting, Blocked):
    """Because it did not let us in, or asked us to stay away."""


class Gone(Exception):
    """The site says definitely that this posting is no more."""


class Withheld(Exception):
    """The list shows this posting and the site never shows the whole."""


class Adapter(Protocol):
    """Reads one board. Raises `BoardError`s; `detail` also `Gone` and `Withheld`."""

    platform: ClassVar[str]
    passes_to_close: int
    """How many complete lists in a row must lack a posting: one where the list is data, two where it is a page."""

    def __init__(self, board: Board, web: Web) -> None: ...

    def pages(self) -> AsyncIterator[Page]:
        """The list from its beginning. Ends after the page that is `complete` or `partial`."""
        ...

    async def detail(self, stub: Stub) -> Found: ...

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        """`url`, `tenant` and options of the board at this address; None where it is another platform's."""
        ...
