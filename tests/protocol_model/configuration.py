"""What one exploration lets happen: which commands at which nodes, which faults how often."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.protocol_model.rules import ALL, Rules
from tests.protocol_model.state import ELSEWHERE, Db, Node, Place, State

BOTH = (0, 1)


class Command(NamedTuple):
    """`who` is an admin's number, or the id of a post; `times` is how often it may be given."""

    name: str
    who: int = 0
    nodes: tuple[int, ...] = BOTH
    times: int = 1


FAULTS = (
    "crash", "restart", "drain", "lapse", "sleep", "forsake", "fail", "tool", "holder_gone", "wipe", "unsent", "lost",
    "doubled", "late", "sent_twice", "pad_unread", "reconnect", "moves", "second_joins", "uncounted", "flush_skipped",
)  # fmt: skip
"""crash, restart, drain: node 0 alone, for one node has to stay and the other may as well be number 1.
lapse: a lease runs out though its owner lives. sleep: as that, and the owner wakes up knowing for how long it was
stopped. forsake: an answer's task ends without a word (no database for its last word). holder_gone: the admin's lease
runs out, and another lease's time with it. unsent: a delta that Redis never took. sent_twice: a script whose reply was
lost, sent again. uncounted: what is shown near is not published, though others listen. pad_unread: Redis was too slow
for a command. moves: a client comes back at the other node.
"""

_PLACE = {name: place for place, name in enumerate(FAULTS)}


@dataclass(frozen=True, slots=True)
class Configuration:
    name: str
    commands: tuple[Command, ...]
    faults: dict[str, int] = field(default_factory=dict)
    rules: Rules = ALL
    tokens: int = 1
    attempts_max: int = 2
    """The product's is 3; what happens between the first and the last happens once with 2 already."""
    turns_max: int = 20
    """What goes beyond goes on for ever: so few commands and faults raise the turn less often."""
    fences: bool = False
    flushes: bool = False
    screens: int = 1
    near: bool = False
    """The first connection sits at node 0, the others where no answer is written."""

    def __post_init__(self) -> None:
        unknown = set(self.faults) - set(FAULTS)
        assert not unknown, unknown

    def start(self) -> State:
        places = (Place(home=0 if self.near else ELSEWHERE), *(Place(),) * (self.screens - 1))
        return State(
            Db(), None, (Node(), Node()), places, (),
            tuple(command.times for command in self.commands), tuple(self.faults.get(name, 0) for name in FAULTS),
        )  # fmt: skip

    def struck(self, state: State, *names: str) -> int:
        """How often these faults have struck."""
        return sum(self.faults.get(name, 0) - state.faults[_PLACE[name]] for name in names)


def may_strike(state: State, fault: str) -> bool:
    return state.faults[_PLACE[fault]] > 0


def struck(state: State, fault: str) -> State:
    """The state with one such fault less to come."""
    place = _PLACE[fault]
    return state._replace(faults=(*state.faults[:place], state.faults[place] - 1, *state.faults[place + 1 :]))
