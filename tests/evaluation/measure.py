"""nDCG@10, Hit@10, and how sure a difference is."""

import math
from collections.abc import Collection, Sequence

import numpy as np

TOP = 10
RESAMPLES = 5_000


def ndcg(ranking: Sequence[int], fitting: Collection[int]) -> float:
    """Järvelin and Kekäläinen's, of the first ten; each fitting job gains the same."""
    gained = sum(1 / math.log2(place + 2) for place, job in enumerate(ranking[:TOP]) if job in fitting)
    return gained / sum(1 / math.log2(place + 2) for place in range(min(TOP, len(fitting))))


def hit(ranking: Sequence[int], fitting: Collection[int]) -> float:
    return float(any(job in fitting for job in ranking[:TOP]))


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """Of the mean, in 95 of 100 resamples with replacement; paired, as each difference is one query's."""
    values = np.asarray(differences)
    chosen = np.random.default_rng(1).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[chosen].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)
