"""Changing the embedding model: each vector made beside the old one, all switched at once; and finding lost ones."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Literal

from chatserver.core.gazetteer import Gazetteer
from chatserver.core.ports import Embedder, Embedders, Unavailable
from chatserver.core.reembedding import KINDS, Extent, Original, Remade, Switch, Vectors
from chatserver.matches import embed_job
from chatserver.resumes import embed_resume

log = logging.getLogger(__name__)

BATCH = 16
"""Texts read, embedded and kept at a time; what a killed run loses."""
SWITCH_BATCH = 500
PASSES_MAX = 10
LOCKED_MAX = 16
"""Texts that may be left to be embedded while nobody can store a vector."""
PAUSES_SECONDS = (2.0, 10.0, 30.0)
"""After the first, second, … time that the model does not answer; then the run ends, and another goes on with it."""

Step = Literal["embedding", "switching"]
Progress = Callable[[Step, int], None]


async def remade(embedder: Embedder, gazetteer: Gazetteer, originals: Sequence[Original]) -> list[Remade]:
    """The vectors of these texts, in their order. Raises `Unavailable`."""

    async def one(original: Original) -> Remade:
        if original.kind == "job":
            return Remade(original, await embed_job(embedder, gazetteer, original.title, original.text))
        return Remade(original, await embed_resume(embedder, gazetteer, original.text))

    return list(await asyncio.gather(*map(one, originals)))


class Reembedding:
    """One run. A run that was killed is gone on with by the next one of the same model."""

    def __init__(
        self, vectors: Vectors, embedder: Embedder, gazetteer: Gazetteer, progress: Progress = lambda step, done: None,
        *, pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    ) -> None:  # fmt: skip
        self._vectors = vectors
        self._embedder = embedder
        self._gazetteer = gazetteer
        self._progress = progress
        self._pauses_seconds = pauses_seconds

    async def extent(self) -> Extent:
        return await self._vectors.extent(self._embedder.model)

    async def run(self) -> None:
        """Raises `Unavailable`; what was kept by then stays, and the old vectors serve on."""
        await self._vectors.forget(besides=self._embedder.model)
        for _ in range(PASSES_MAX):
            if not await self._fill():
                break
        async with self._vectors.switch(self._embedder.model) as switch:
            await self._apply(switch)
            # What was edited, published or uploaded while the rows were written.
            for _ in range(PASSES_MAX):
                if await switch.left() <= LOCKED_MAX:
                    break
                await self._fill()
                await self._apply(switch)
            await switch.lock()
            for kind in KINDS:
                while originals := await switch.rest(kind, BATCH):
                    await switch.write(await self._insistently(originals))
            await switch.pin()
        # Those that somebody had locked.
        for _ in range(PASSES_MAX):
            if not await _mended(self._vectors, self._embedder, self._gazetteer, BATCH):
                break

    async def _fill(self) -> int:
        """Makes what is missing, as far as it can be seen; how many."""
        model, made = self._embedder.model, 0
        for kind in KINDS:
            after = None
            while originals := await self._vectors.unmade(model, kind, after, BATCH):
                await self._vectors.keep(model, await self._insistently(originals))
                after = originals[-1].id
                made += len(originals)
                self._progress("embedding", len(originals))
        return made

    async def _apply(self, switch: Switch) -> None:
        for kind in KINDS:
            done, after = await switch.apply(kind, None, SWITCH_BATCH)
            while after is not None:
                self._progress("switching", done)
                done, after = await switch.apply(kind, after, SWITCH_BATCH)

    async def _insistently(self, originals: Sequence[Original]) -> list[Remade]:
        for pause in self._pauses_seconds:
            try:
                return await remade(self._embedder, self._gazetteer, originals)
            except Unavailable as away:
                log.warning("%s Another try follows in %g seconds.", away, pause)
                await asyncio.sleep(pause)
        return await remade(self._embedder, self._gazetteer, originals)


async def _mended(vectors: Vectors, embedder: Embedder, gazetteer: Gazetteer, most: int) -> int:
    mended = 0
    for kind in KINDS:
        if originals := await vectors.strays(embedder.model, kind, most - mended):
            await vectors.mend(embedder.model, await remade(embedder, gazetteer, originals))
            mended += len(originals)
    return mended


class Mending:
    """Finds rows whose vector is missing or not of the pinned model, as other writers leave them, and makes theirs."""

    def __init__(self, vectors: Vectors, embedders: Embedders, gazetteer: Gazetteer) -> None:
        self._vectors = vectors
        self._embedders = embedders
        self._gazetteer = gazetteer

    async def mend(self, most: int) -> int:
        """How many were made. Raises `Unavailable`."""
        return await _mended(self._vectors, await self._embedders.current(), self._gazetteer, most)
