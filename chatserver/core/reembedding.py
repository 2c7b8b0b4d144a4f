"""What a change of the embedding model asks of the store."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from chatserver.core.ports import Vector

Kind = Literal["job", "resume"]
KINDS: tuple[Kind, ...] = ("job", "resume")


@dataclass(frozen=True, slots=True)
class Original:
    """What a vector is made of. `hash` changes with the text; a resume has no title."""

    kind: Kind
    id: UUID
    title: str
    text: str
    hash: str


@dataclass(frozen=True, slots=True)
class Remade:
    """The vector of what an `Original` said."""

    original: Original
    embedding: Vector


@dataclass(frozen=True, slots=True)
class Extent:
    """What has to be made anew. `characters` are those that a model reads of it at most."""

    pinned: str | None
    jobs: int
    resumes: int
    characters: int
    kept: int
    """Vectors of the model that an earlier run left beside the rows."""

    @property
    def texts(self) -> int:
        return self.jobs + self.resumes


class Switch(Protocol):
    """One transaction, which others see as a whole or not at all."""

    async def apply(self, kind: Kind, after: UUID | None, most: int) -> tuple[int, UUID | None]:
        """Looks at up to `most` vectors that were kept, in the order of ids, and puts those that fit into their rows.

        How many those were, and where to go on; None at the end. Rows that somebody has locked are passed over.
        """
        ...

    async def left(self) -> int:
        """How many rows have no vector of the new model yet."""
        ...

    async def lock(self) -> None:
        """From here on nobody stores a vector of any model."""
        ...

    async def rest(self, kind: Kind, most: int) -> list[Original]:
        """Rows without a vector of the new model, locked; those that somebody else has locked are not among them."""
        ...

    async def write(self, remade: Sequence[Remade]) -> None: ...

    async def pin(self) -> None:
        """The new model is the pinned one; nothing kept is needed any more."""
        ...


class Vectors(Protocol):
    """Every method raises `Unavailable` while the database does not answer."""

    async def extent(self, model: str) -> Extent:
        """What has neither a vector of the model nor a kept one that fits."""
        ...

    async def unmade(self, model: str, kind: Kind, after: UUID | None, most: int) -> list[Original]:
        """In the order of ids; each is in need of a vector of the model that nobody has kept."""
        ...

    async def keep(self, model: str, remade: Sequence[Remade]) -> None:
        """Keeps vectors beside the rows until the switch."""
        ...

    async def forget(self, besides: str) -> None:
        """Drops what was kept for other models."""
        ...

    def switch(self, model: str) -> AbstractAsyncContextManager[Switch]: ...

    async def strays(self, model: str, kind: Kind, most: int) -> list[Original]:
        """Rows whose vector is missing or not of the model."""
        ...

    async def mend(self, model: str, remade: Sequence[Remade]) -> None:
        """Writes vectors into rows that still say the same. Raises `Repinned`."""
        ...
