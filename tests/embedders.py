"""Embedders whose vectors come from the text's hash, and which let a test step in while they work."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from chatserver.core.ports import DIMENSIONS, Vector


def vector_of(model: str, text: str) -> Vector:
    """A unit vector that no other text and no other model has."""
    seed = int.from_bytes(hashlib.sha256(f"{model}\n{text}".encode()).digest()[:8])
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS).astype(np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


class HashedEmbedder:
    """`before` is awaited once for each call, with its texts; what it raises is raised."""

    def __init__(self, model: str, before: Callable[[Sequence[str]], Awaitable[None]] | None = None) -> None:
        self.model = model
        self.before = before
        self.embedded: list[str] = []

    async def current(self, *, fresh: bool = False) -> "HashedEmbedder":
        return self

    def chunks(self, text: str) -> list[str]:
        return [text]

    async def embed(self, texts: Sequence[str]) -> Vector:
        if self.before is not None:
            await self.before(texts)
        self.embedded += texts
        return np.stack([vector_of(self.model, text) for text in texts])
