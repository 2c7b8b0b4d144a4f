"""How much one person, and one address, may do in a while: the one table of it. `0` is no limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chatserver.core.protocol import CONTENT_MAX_CHARACTERS, FRAME_MAX_BYTES

MINUTE = 60.0
HOUR = 3_600.0

CONVERSATIONS_PER_HOUR = 60
LOOKUPS_PER_MINUTE = 120
"""Searches, matches and exports: each reads much, and most put a text through the embedding model."""
PUBLICATIONS_PER_HOUR = 120
"""Jobs posted, edited or enriched anew: each is written by a model."""
CONSENTS_PER_HOUR = 20
"""Agreements: with a withdrawal after each, which is never refused, they fill the trail."""
REQUESTS_PER_USER_PER_MINUTE = 600
REQUESTS_PER_ADDRESS_PER_MINUTE = 3_000
"""Many may stand behind one address, and nobody of them is known yet when it is counted."""

Deed = Literal["posts", "answers", "conversations", "uploads", "lookups", "publications", "consents"]


@dataclass(frozen=True, slots=True)
class Allowance:
    most: int
    seconds: float
    refusal: str
    """What is said to who has used it up, before when it may go on."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`…_per_user` and `…_per_address` are of one process, the others of all."""

    connections_per_user: int = 0
    connections_per_address: int = 0
    frames_per_minute: int = 0
    """Of a user, over all their connections to this process."""
    posts_per_minute: int = 0
    uploads_per_hour: int = 0
    requests_per_user: int = 0
    """A minute, as those of an address."""
    requests_per_address: int = 0
    entering: int = 8
    """So many hellos and joins are worked on at once, each with a connection to the database."""

    def told(self) -> dict[str, int]:
        """As `welcome` has them."""
        return {
            "content": CONTENT_MAX_CHARACTERS, "frame": FRAME_MAX_BYTES, "frames_per_minute": self.frames_per_minute,
            "posts_per_minute": self.posts_per_minute,
        }  # fmt: skip

    def allowances(self) -> Mapping[Deed, Allowance]:
        """What a person may do on all nodes together."""
        return {
            "posts": Allowance(self.posts_per_minute, MINUTE, "That is too fast"),
            "answers": Allowance(self.posts_per_minute, MINUTE, "So many answers at a time are not to be had"),
            "conversations": Allowance(CONVERSATIONS_PER_HOUR, HOUR, "Too many conversations were begun"),
            "uploads": Allowance(self.uploads_per_hour, HOUR, "Too many uploads"),
            "lookups": Allowance(LOOKUPS_PER_MINUTE, MINUTE, "That is too much to look for at once"),
            "publications": Allowance(PUBLICATIONS_PER_HOUR, HOUR, "Too many jobs were posted or changed"),
            "consents": Allowance(CONSENTS_PER_HOUR, HOUR, "You agreed and withdrew too often"),
        }
