"""BERT in plain numpy, as Devlin et al. describe it: what the graph is held against."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chatserver.adapters.minilm import LAYERS

HEADS = 12
EPSILON = 1e-12

Array = NDArray[np.float64]
_erf = np.vectorize(math.erf, otypes=[np.float64])


class Bert:
    def __init__(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        self._tensors = tensors

    def sentence(self, ids: Sequence[int]) -> Array:
        """The mean of the last states, of length 1."""
        states = self._embedded(ids)
        for layer in range(LAYERS):
            states = self._layer(f"encoder.layer.{layer}.", states)
        mean: Array = states.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _at(self, name: str) -> Array:
        return np.asarray(self._tensors[name], dtype=np.float64)

    def _embedded(self, ids: Sequence[int]) -> Array:
        words = self._at("embeddings.word_embeddings.weight")[list(ids)]
        positions = self._at("embeddings.position_embeddings.weight")[: len(ids)]
        segment = self._at("embeddings.token_type_embeddings.weight")[0]
        return self._normed("embeddings.LayerNorm", words + positions + segment)

    def _layer(self, of: str, states: Array) -> Array:
        query, key, value = (
            self._linear(f"{of}attention.self.{name}", states).reshape(len(states), HEADS, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[2])
        odds = np.exp(scores - scores.max(axis=2, keepdims=True))
        attended = (odds / odds.sum(axis=2, keepdims=True) @ value).swapaxes(0, 1).reshape(states.shape)
        states = self._normed(
            f"{of}attention.output.LayerNorm", states + self._linear(f"{of}attention.output.dense", attended)
        )
        raised = self._linear(f"{of}intermediate.dense", states)
        bent = raised * (1 + _erf(raised / math.sqrt(2))) / 2
        return self._normed(f"{of}output.LayerNorm", states + self._linear(f"{of}output.dense", bent))

    def _linear(self, name: str, states: Array) -> Array:
        product: Array = states @ self._at(f"{name}.weight").T + self._at(f"{name}.bias")
        return product

    def _normed(self, name: str, states: Array) -> Array:
        centred = states - states.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
        normed: Array = centred / spread * self._at(f"{name}.weight") + self._at(f"{name}.bias")
        return normed
