"""What a board's pass amounts to, and whether it says anything about postings that it lacks."""

from dataclasses import dataclass

from chatserver.core.run import BoardStatus
from workers.boards.board import COMPLETE_SHARE, Blocked, BoardError, ChangedShape, Disallowed

SHORT_PASSES = 2
"""So often must be lacking what a list lacks that was not quite all."""
REMEMBERED_MIN = 20
"""A board that had more than this has not been emptied between two days: it has changed."""
SHRUNK_SHARE = 0.5
"""A list that has lost more than this is believed when it says so twice."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What was seen of a list."""

    fetched: int
    advertised: int | None
    complete: bool
    partial: str | None
    short: bool
    error: BoardError | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`conclusive`: what was not in this list counts as missing from it."""

    status: BoardStatus
    detail: str | None
    conclusive: bool = False
    short: bool = False
    """Believed, and yet not all that was advertised: one such list proves nothing."""
    shrunk: bool = False
    """Not believed for its length alone; the next one that says so is."""

    @property
    def measures(self) -> bool:
        """Whether the next list is judged by the length of this one: what broke off says nothing of a board's."""
        return self.conclusive or self.shrunk

    def passes(self, least: int) -> int | None:
        """How many lists in a row must lack a posting, `least` where the list is whole; None where it says nothing."""
        if not self.conclusive:
            return None
        return max(least, SHORT_PASSES) if self.short else least


def judge(seen: Pass, held: int) -> Verdict:
    """`held` is how many postings the board is believed to have."""
    if seen.error is not None:
        return Verdict(_status_of(seen.error, seen.fetched), str(seen.error))
    if seen.fetched == 0:
        return _nothing(seen, held)
    if seen.partial is not None or not seen.complete:
        return Verdict("partial", seen.partial or "The list broke off; the next run reads it again.")
    if seen.advertised is not None and seen.fetched < COMPLETE_SHARE * seen.advertised:
        return Verdict("partial", f"{seen.fetched:,} of {seen.advertised:,} advertised postings were shown.")
    if held > REMEMBERED_MIN and seen.fetched < SHRUNK_SHARE * held:
        return Verdict(
            "partial",
            f"{seen.fetched:,} postings where there were {held:,}; believed if the next run says so too.",
            shrunk=True,
        )
    return Verdict("ok", None, conclusive=True, short=seen.short or seen.fetched < (seen.advertised or 0))


def _status_of(error: BoardError, fetched: int) -> BoardStatus:
    if isinstance(error, Disallowed):
        return "disallowed"
    if fetched:
        return "partial"
    if isinstance(error, Blocked):
        return "blocked"
    return "changed_shape" if isinstance(error, ChangedShape) else "failed"


def _nothing(seen: Pass, held: int) -> Verdict:
    if held > REMEMBERED_MIN:
        return Verdict(
            "changed_shape",
            f"No postings where there were {held:,}: look at the site, its pages may have changed.",
        )
    if seen.complete and seen.partial is None and seen.advertised in (0, None):
        return Verdict("empty", "The site itself says that it has no postings.", conclusive=True)
    return Verdict("changed_shape", seen.partial or "The list has no rows, and does not say that there are none.")
