"""The embedder of the model that the database has pinned, and the check that a stored vector is of that model."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import asyncpg

from chatserver.adapters import minilm, openai
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.adapters.postgres import answering
from chatserver.core.ports import Embedder, NotConfigured, Repinned, Vector

log = logging.getLogger(__name__)

KNOWN_SECONDS = 2.0
"""How long a process may not know of a switch: until then its questions find words, never a wrong vector's jobs."""

_PINNED = "select model from public.embedding_models"
_PIN = "insert into public.embedding_models (model) values ($1) on conflict do nothing"

Makers = Mapping[str, Callable[[], Embedder]]


def makers(
    openai_api_key: str | None, *, threads: int = 0, proxy: str | None = None
) -> dict[str, Callable[[], Embedder]]:
    """What can be made here, by model; the configured one first. `threads` as `MiniLM` has them."""
    local: dict[str, Callable[[], Embedder]] = {minilm.MODEL: lambda: MiniLM(threads)}
    if openai_api_key is None:
        return local
    return {openai.MODEL: lambda: OpenAIEmbedder(openai_api_key, proxy=proxy), **local}


async def keep_pinned(connection: asyncpg.Connection, model: str) -> None:
    """Pins the first model, and keeps whichever is pinned until the transaction ends. Raises `Repinned`.

    Last in a transaction, after its rows are locked: the switch to another model locks in that order too.
    """
    await connection.execute(_PIN, model)
    pinned = await connection.fetchval(f"{_PINNED} for share")
    if pinned != model:
        raise Repinned(model, pinned)


class _Unmade:
    """Stands for a model that cannot be asked here: what is stored of it can still be compared."""

    def __init__(self, model: str, configured: str) -> None:
        self.model = model
        set_key = "set OPENAI_API_KEY again, or " if model == openai.MODEL else ""
        self.sentence = (
            f"The vectors in the database are of {model}, which cannot be asked here: "
            f"{set_key}change to {configured} with `chatserver reembed`."
        )

    def chunks(self, text: str) -> list[str]:
        return [text]

    async def embed(self, texts: Sequence[str]) -> Vector:
        raise NotConfigured(self.sentence)


class PinnedEmbedder:
    """The `Embedders` of a process: what is pinned decides, and where nothing is, the first of `made_by`.

    An embedder is made when its model is first asked for, and closed with this.
    """

    def __init__(self, pool: asyncpg.Pool, made_by: Makers, *, clock: Callable[[], float] = monotonic) -> None:
        self._pool = pool
        self._made_by = made_by
        self._clock = clock
        self.configured = next(iter(made_by))
        self._made: dict[str, Embedder] = {}
        self._making = asyncio.Lock()
        self._pinned: str | None = None
        self._asked_at = -KNOWN_SECONDS

    async def current(self, *, fresh: bool = False) -> Embedder:
        """Raises `Unavailable`. The embedder of a model that cannot be asked here raises `NotConfigured` by itself."""
        if fresh or self._clock() - self._asked_at >= KNOWN_SECONDS:
            await self._look()
        model = self._pinned or self.configured
        async with self._making:
            if model not in self._made:
                make = self._made_by.get(model)
                self._made[model] = await asyncio.to_thread(make) if make else _Unmade(model, self.configured)
        return self._made[model]

    async def lacking(self) -> str | None:
        """Why nothing can be embedded here just now, in a sentence. Raises `Unavailable`."""
        embedder = await self.current()
        return embedder.sentence if isinstance(embedder, _Unmade) else None

    async def warm(self) -> None:
        """Makes the first run of a model on this machine, the slowest one, before somebody waits for it."""
        embedder = await self.current()
        if isinstance(embedder, MiniLM):
            await embedder.warm()

    async def aclose(self) -> None:
        for embedder in self._made.values():
            if isinstance(embedder, OpenAIEmbedder):
                await embedder.aclose()

    async def _look(self) -> None:
        asked_at = self._clock()
        try:
            async with answering():
                pinned = await self._pool.fetchval(_PINNED)
        except asyncpg.UndefinedTableError:
            # Whoever starts before the migrations is told of them elsewhere.
            pinned = None
        if pinned != self._pinned and pinned not in (None, self.configured):
            log.warning(
                "the vectors in the database are of %s; `chatserver reembed` changes them to %s, which is configured",
                pinned, self.configured,
            )  # fmt: skip
        self._pinned, self._asked_at = pinned, asked_at
