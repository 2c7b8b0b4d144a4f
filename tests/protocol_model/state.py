"""The states of one session: rows in Postgres, the scratch pad, two nodes, screens, commands under way.

Everything is a tuple, so a state is its own key. Fields of a tuple are in the order in which a trace reads best.
"""

from typing import Literal, NamedTuple

AI, HUMAN, CLOSED = "active_ai", "active_human", "closed"
LIVE, OVER, GIVEN_UP = "live", "over", "given up"
KEPT = "kept by another"
"""An admin's lease that somebody else renewed."""
DOWN, UP, LEAVING = "down", "up", "leaving"

MESSAGES = frozenset({"question", "answer", "interrupted", "admin", "word"})
STATUS_OF = {"taken_over": HUMAN, "handed_back": AI, "closed": CLOSED}

Tokens = tuple[int, ...]
"""Text. A token says who wrote it and where it stands, so text of two writers never passes for one."""

WRITERS, PLACES = 8, 4


def text(turn: int, attempt: int, end: int, at: int = 0) -> Tokens:
    """What the writer of this attempt wrote from `at` to `end`."""
    first = (turn * WRITERS + attempt) * PLACES
    return tuple(range(first + at, first + end))


def is_of_one_writer(tokens: Tokens) -> bool:
    """Whether the text is a prefix of what one writer writes."""
    return not tokens or (tokens[0] % PLACES == 0 and tokens == tuple(range(tokens[0], tokens[0] + len(tokens))))


def turn_of(tokens: Tokens) -> int:
    return tokens[0] // (WRITERS * PLACES)


class Event(NamedTuple):
    """A row of chat_messages; its seq is its place in the log. `said` is a text, an id, or what a promise asks for.

    question: its id. answer, interrupted: the text. stopped: the turn that its sender named. waiting: the turn of the
    tool that asked and that of the session. taken_over, handed_back: 1 where another admin held the session. failed: 1
    where the answer was given up for its owners' deaths.
    """

    kind: str
    turn: int
    of_turn: int = 0
    said: Tokens = ()


class Running(NamedTuple):
    """The row of chat_answers that is `running`. `owner` is a process: a node and how often it was started."""

    turn: int
    first_turn: int
    owner: tuple[int, int]
    lease: str = LIVE
    attempt: int = 1


class Db(NamedTuple):
    status: str = AI
    turn: int = 0
    log: tuple[Event, ...] = ()
    running: Running | None = None
    admin: int = 0
    admin_lease: str = ""
    waiting: bool = False
    logged_seq: int = 0
    conversation_log: tuple[int, ...] = ()
    retried: tuple[tuple[int, int], ...] = ()
    """Of each retry that was granted the turn it named and where the log stood; only promises read it."""


class Pad(NamedTuple):
    turn: int
    tokens: Tokens


class Task(NamedTuple):
    """An answer being written: `end` tokens of it so far."""

    turn: int
    attempt: int
    end: int = 0


class Item(NamedTuple):
    """What waits in a node's publisher or on the way to a connection.

    `event`: `at` is its seq. `delta`: `tokens` from `at`. `whole`: all tokens. `fence`: the turn alone.
    """

    kind: Literal["event", "delta", "whole", "fence"]
    turn: int
    at: int = 0
    tokens: Tokens = ()
    near: bool = False
    """A delta that the connections of its writer's own node were shown already."""

    @property
    def name(self) -> str:
        """As a trace tells it: a delta of turn 2 that adds one token to three is `delta 2:3+1`."""
        if self.kind in ("event", "fence"):
            return f"{self.kind} {self.at or self.turn}"
        return f"{self.kind} {self.turn}:{self.at}+{len(self.tokens)}"


class Front(NamedTuple):
    """How far a node's own connections are shown an answer without waiting for the pad."""

    turn: int
    at: int


class Node(NamedTuple):
    life: str = UP
    started: int = 0
    tasks: tuple[Task, ...] = ()
    queue: tuple[Item, ...] = ()
    touched: int = 0
    """From which seq on this node has to bring conversation_log up to date; 0 where it has not."""
    front: Front | None = None


class Screen(NamedTuple):
    """What a client shows: events up to `seq`, and the partial text of `text_turn`."""

    seq: int = 0
    turn: int = 0
    text_turn: int = 0
    tokens: Tokens = ()


ELSEWHERE = -1
IDLE, READ_LOG, READ_PAD, JOIN, JOIN_PAD = "idle", "log", "pad", "join", "join pad"


class Place(NamedTuple):
    """A connection's (seq, turn, at), what it has to read before it takes more, and what is on its way to it."""

    seq: int = 0
    turn: int = 0
    at: int = 0
    mode: str = IDLE
    inbox: tuple[Item, ...] = ()
    screens: tuple[Screen, ...] = (Screen(),)
    home: int = ELSEWHERE
    """The node at which it sits, where that matters."""


class Operation(NamedTuple):
    """A command between what it read first and its transaction."""

    name: str
    node: int
    who: int = 0
    turn: int = 0
    pad: Pad | None = None


class State(NamedTuple):
    db: Db
    pad: Pad | None
    nodes: tuple[Node, ...]
    places: tuple[Place, ...]
    operations: tuple[Operation, ...]
    commands: tuple[int, ...]
    faults: tuple[int, ...]
    replies: tuple[tuple[int, int], ...] = ()
    """Ids and the seq their poster was told; 0 is an error of ours."""


class Step(NamedTuple):
    """`progress` is what the servers do by themselves sooner or later; the rest are commands and faults."""

    label: str
    state: State
    wrong: str = ""
    progress: bool = True
