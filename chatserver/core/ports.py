"""What the middle asks of the outside world; each port has one real adapter or several under one suite."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
DIMENSIONS = 384

AssistantKind = Literal["anthropic", "offline"]


class Embedder(Protocol):
    """Texts to unit vectors."""

    model: str
    """Stored beside each vector: vectors of two models are not comparable."""

    def chunks(self, text: str) -> list[str]:
        """The text in pieces the model reads whole: at most six of about 256 tokens, 32 overlapping."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vector:
        """Float32 array of shape (len(texts), 384), each row of length 1. Raises `Unavailable`."""
        ...


class Embedders(Protocol):
    """Which embedder it is whose vectors are compared."""

    async def current(self, *, fresh: bool = False) -> Embedder:
        """One model's embedder, for one piece of work from beginning to end: the model may be another one after it.

        What is known of the choice may be seconds old, unless `fresh`. Raises `Unavailable`.
        """
        ...


class Unavailable(Exception):
    """Something outside did not answer in time; the sentence names it."""


class NotConfigured(Unavailable):
    """Waiting does not help: somebody has to set something, and the sentence says what."""


class Repinned(Unavailable):
    """A vector was to be stored that is not of the pinned model; nothing was. Make it anew, of the current one."""

    def __init__(self, model: str, pinned: str) -> None:
        super().__init__(f"The embedding model has changed from {model} to {pinned} just now; try again.")


@dataclass(slots=True)
class Usage:
    """Tokens of one answer so far; the assistant counts up while it streams, so a cancelled call is counted too."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One earlier message of the session as the assistant may read it: no notes, no hidden context."""

    role: Literal["user", "assistant", "admin", "system"]
    content: str
    author: str | None = None
    interrupted: bool = False
    may_quote_resume: bool = False
    """It was written by somebody who had the seeker's resume before them, or may have had."""


@dataclass(frozen=True, slots=True)
class Card:
    """A retrieved job under its number in this session (`[J3]` has ref 3). Texts are data, never instructions."""

    ref: int
    job: UUID
    title: str
    company: str
    location: str | None
    status: str
    description: str
    skills: tuple[str, ...] = ()
    matched_skills: tuple[str, ...] = ()
    missing_skills: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    """(passage of the resume, passage of the job), verbatim."""
    tips: tuple[str, ...] = ()
    questions: tuple[tuple[str, str], ...] = ()
    """(question, answer strategy)."""
    apply_url: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An admin who holds the session asks what to write; the seeker sees nothing of it."""

    admin_name: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """All that an assistant knows when it answers. `question` is the last entry of `history`, already in it."""

    seeker_name: str
    history: tuple[HistoryEntry, ...]
    cards: tuple[Card, ...]
    resume: str | None
    """Already without contact and identity data, or None."""
    about_job: int | None = None
    """The ref of the job the session is about."""
    proposal: Proposal | None = None
    """Not an answer to the seeker is wanted, but an admin's next message."""
    is_withheld: bool = False
    """There is a resume, and its owner did not agree that this assistant reads it: nothing here comes from it."""
    usage: Usage = field(default_factory=Usage)


class Toolbox(Protocol):
    """What an assistant may call. Reading only, but `ask_human`, a command like any other; effects are the caller's."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The tool's JSON result; {"error": sentence} for an unknown tool or bad arguments. Never raises for those."""
        ...


class AnswerFailed(Exception):
    """The assistant could not finish. `code` is refused, stalled, cut, overloaded, down, too_long, bad_key, empty or
    withdrawn.
    """

    def __init__(self, code: str, detail: str = "", *, keep_text: bool = True) -> None:
        super().__init__(detail or code)
        self.code = code
        self.keep_text = keep_text
        """False after a refusal: what was streamed must not stay."""


Say = Callable[[str], None]
"""Takes the next piece of an answer; what it raises ends the answer."""


class Assistant(Protocol):
    """Answers a seeker by saying piece by piece. Cancelling an answer closes the model's stream at once."""

    kind: AssistantKind
    model: str

    async def answer(self, request: AnswerRequest, toolbox: Toolbox, say: Say) -> None:
        """Calls `say` in the very step in which a piece comes, and not once more after the caller was cancelled.
        Raises `AnswerFailed`, and what `say` raises."""
        ...

    def ceiling_usd(self, request: AnswerRequest) -> float:
        """The most that this answer can cost, for the reservation before the call."""
        ...

    def cost_usd(self, usage: Usage) -> float: ...


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was read of a resume file."""

    kind: str
    text: str
    pages: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredResume:
    """A resume as stored; `file` is the path of the file in its store."""

    text: str
    file_name: str | None
    file: str | None
    embedding_model: str | None
