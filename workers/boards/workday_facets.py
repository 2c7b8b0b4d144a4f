"""How a Workday list can be narrowed: to one country, and to parts that are shown whole."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CAP = 2_000
"""A list of exactly this many is cut; what lies behind wraps to its beginning."""
IDS_AT_ONCE = 100

COUNTRIES: Mapping[str, tuple[str, str]] = {
    "IN": ("c4f78be1a8f14da0ab49ce1162348a5e", "India"),
    "US": ("bc33aa3152ec42d4995f4791a106ed09", "United States of America"),
}
"""The facet value's id, seen alike on several tenants, and what it is called."""

Applied = Mapping[str, Sequence[str]]
"""Ids of facet values by parameter: any of a parameter's, and of each parameter one."""


@dataclass(frozen=True, slots=True)
class Value:
    id: str
    descriptor: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    parameter: str
    values: tuple[Value, ...]

    @property
    def count(self) -> int:
        """More than there are postings where one has several values, fewer where one has none."""
        return sum(value.count for value in self.values)


def facets(told: Any) -> tuple[Facet, ...]:
    """All of them, those inside groups too."""
    found: list[Facet] = []
    waiting = list(told) if isinstance(told, list) else []
    while waiting:
        one = waiting.pop(0)
        entries = one.get("values") if isinstance(one, dict) else None
        if not isinstance(entries, list):
            continue
        waiting += [entry for entry in entries if isinstance(entry, dict) and "facetParameter" in entry]
        values = tuple(
            Value(str(entry["id"]), str(entry.get("descriptor") or ""), _count(entry.get("count")))
            for entry in entries
            if isinstance(entry, dict) and "id" in entry and "facetParameter" not in entry
        )
        if values and one.get("facetParameter"):
            found.append(Facet(str(one["facetParameter"]), values))
    return tuple(found)


def narrowed_to(country: str, found: Collection[Facet]) -> Applied | None:
    """What asks for one country's postings only; None where the site has no such facet.

    Its parameter's name varies, and a value without postings is left out: then another country's id tells the name.
    """
    id, name = COUNTRIES.get(country, (None, None))
    others = {id for id, _ in COUNTRIES.values()}
    for ids, names in (({id}, set()), (set(), {name}), (others if id else set(), set())):
        for facet in found:
            values = [value.id for value in facet.values if value.id in ids or value.descriptor in names]
            if values:
                return {facet.parameter: [id] if id and ids else values}
    return None


def divisions(found: Collection[Facet], applied: Applied) -> list[Facet]:
    """The facets that a cut list can be read by, the best first: without a value that is cut itself, and of many."""
    usable = [facet for facet in found if facet.parameter not in applied and len(facet.values) > 1]
    return sorted(usable, key=lambda facet: (any(value.count >= CAP for value in facet.values), -facet.count))


def groups(facet: Facet) -> list[list[Value]]:
    """Values that stay below the cut together; one that does not stands alone."""
    found: list[list[Value]] = []
    size = CAP
    for value in sorted(facet.values, key=lambda value: -value.count):
        if size + value.count >= CAP or len(found[-1]) >= IDS_AT_ONCE:
            found.append([])
            size = 0
        found[-1].append(value)
        size += value.count
    return found


def fewest(found: Collection[Facet], applied: Applied) -> int:
    """So many postings there are at least: a value counts each of its own once."""
    counts = (
        value.count
        for facet in found
        for value in facet.values
        if facet.parameter not in applied or value.id in applied[facet.parameter]
    )
    return max(counts, default=0)


def estimated(one: Collection[str], other: Collection[str]) -> float:
    """How many there are of what was looked at in two ways, by what both found; infinite where they share nothing.

    Of a facet that leaves out a tenth of the postings the direct list shows about a tenth more.
    """
    both = len(set(one) & set(other))
    return len(one) * len(other) / both if both else float("inf")


def _count(told: Any) -> int:
    return told if isinstance(told, int) and told > 0 else 0
