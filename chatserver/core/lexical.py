"""How well the words of a text fit those of others: BM25, and whether the words can be trusted more than a vector."""

import math
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

K1, B = 1.2, 0.75
"""BM25's saturation and length normalisation, as Robertson and Zaragoza recommend (The Probabilistic Relevance
Framework: BM25 and Beyond, 2009)."""

QUERY_TERMS_MAX = 400
LANGUAGE_WORDS_MAX = 2_000
FOREIGN_WORDS_MIN = 3
COUNTED_KEPT = 1_000
"""So many documents are remembered by their words, in about 15 KB each: the jobs that are found are mostly the same."""

# `/` and `-` part words, as in the gazetteer: who asks for Python finds "Python/Java".
_TERM = re.compile(r"[^\W_](?:[\w+#]|[.&](?=\w))*")

STOP_WORDS = frozenset(
    """
    a about above across after all also am an and any are as at be been before being between both but by can could
    did do does doing each etc few for from further had has have having he her here hers him his how i if in into is
    it its itself just may me more most must my no nor not of off on once only or other our ours out over own per
    s same shall she should so some such t than that the their them then there these they this those through to too
    under until up upon us very via was we were what when where which while who whom why will with within without
    would you your yours
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is nobody's reading
)

# The commonest words that mean nothing in English; each language of the boards has several.
_FOREIGN = (
    frozenset(
        """
    und der die das mit für ein eine von zu ist sind auf bei sich nicht auch wir
    et les des du une dans pour avec sur est sont nous vous au aux
    el los las del y con para una por es en que su se
    il di della che con per una sono nel alla
    het een van voor met zijn niet op wij aan
    o os da do das dos em um uma com não ao
    och att det som för med av är på i oraz w na z do się jest
    """.split()  # noqa: SIM905 - see above
    )
    - STOP_WORDS
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """In how many of so many texts about work a word stands; those that are not named stand in one at most."""

    texts: int
    having: Mapping[str, int]

    def rarity(self, term: str) -> float:
        return _rarity(self.having.get(term, 1), self.texts)


def _rarity(having: int, texts: int) -> float:
    return math.log(1 + (texts - having + 0.5) / (having + 0.5))


def terms(text: str) -> list[str]:
    """Words in lower case without the commonest; `c++`, `c#`, `r&d` and `node.js` stay whole."""
    return [term for term in _TERM.findall(text.lower()) if term not in STOP_WORDS]


@lru_cache(maxsize=COUNTED_KEPT)
def _counted(document: str) -> Counter[str]:
    # One string for each word, in however many documents it stands.
    return Counter(map(sys.intern, terms(document)))


def is_foreign(text: str) -> bool:
    """Whether a text is in another language than English, as far as its commonest words and its script tell."""
    said = _TERM.findall(text.lower())[:LANGUAGE_WORDS_MAX]
    foreign = sum(1 for word in said if word in _FOREIGN or (not word.isascii() and word[0] > "\u0250"))
    return foreign >= FOREIGN_WORDS_MIN and foreign > sum(1 for word in said if word in STOP_WORDS)


def lexical_scores(query: str, documents: Sequence[str], corpus: Corpus | None = None) -> list[float]:
    """BM25 of each document for the query. How rare a word is, these documents say, and the corpus as much as they.

    Candidates alone know it badly: what they have in common is what they were chosen for.
    """
    if not documents:
        return []
    wanted = dict(Counter(terms(query)).most_common(QUERY_TERMS_MAX))
    counted = [_counted(document) for document in documents]
    lengths = [counts.total() for counts in counted]
    average = sum(lengths) / len(lengths) or 1.0
    weights = {}
    for term in wanted:
        if having := sum(1 for counts in counted if term in counts):
            here = _rarity(having, len(documents))
            weights[term] = (here + corpus.rarity(term)) / 2 if corpus else here
    return [
        sum(
            weight * counts[term] * (K1 + 1) / (counts[term] + K1 * (1 - B + B * length / average))
            for term, weight in weights.items()
            if term in counts
        )
        for counts, length in zip(counted, lengths, strict=True)
    ]
