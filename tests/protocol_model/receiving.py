"""What a connection does with what reaches it, and what its client then shows.

While a connection reads the log, what comes waits: here it stays in the inbox. Reading and applying are one step,
because nothing else moves the connection's place meanwhile.
"""

from tests.protocol_model.rules import Rules
from tests.protocol_model.state import (
    AI,
    IDLE,
    JOIN,
    JOIN_PAD,
    READ_LOG,
    READ_PAD,
    STATUS_OF,
    Db,
    Event,
    Item,
    Pad,
    Place,
    Screen,
    Tokens,
    is_of_one_writer,
    turn_of,
)

Log = tuple[Event, ...]


def _show_event(screen: Screen, seq: int, event: Event) -> tuple[Screen, str]:
    wrong = ""
    if seq != screen.seq + 1:
        wrong = "P3: an event out of order or twice"
    elif event.kind == "answer" and event.of_turn < screen.turn:
        wrong = "P2: an answer of an older turn after a newer one"
    turn = max(screen.turn, event.turn)
    replaced = event.turn > screen.turn or (event.of_turn and event.of_turn == screen.text_turn)
    if replaced:
        return Screen(seq, turn), wrong
    return Screen(seq, turn, screen.text_turn, screen.tokens), wrong


def _show_text(screen: Screen, turn: int, at: int, tokens: Tokens, whole: bool, log: Log) -> tuple[Screen, str]:
    seen = log[: screen.seq]
    status = next((STATUS_OF[event.kind] for event in reversed(seen) if event.kind in STATUS_OF), AI)
    shown = screen.tokens if screen.text_turn == turn else ()
    new = tokens if whole else shown + tokens
    wrong = ""
    if turn < screen.turn:
        wrong = "P2: text of an older turn after a newer one"
    elif status != AI:
        wrong = "P2: text after a takeover"
    elif any(event.of_turn == turn for event in seen):
        wrong = "P2: text of a turn that is over"
    elif (not whole and at != len(shown)) or not is_of_one_writer(new) or (shown and new and shown[0] != new[0]):
        wrong = "P4: the text is not the beginning of what one writer wrote"
    elif new and turn_of(new) != turn:
        wrong = "P4: the text is that of another turn"
    return Screen(screen.seq, max(turn, screen.turn), turn, new), wrong


def _deliver(place: Place, seq: int, log: Log, rules: Rules) -> tuple[Place, str]:
    event = log[seq - 1]
    shown = [_show_event(screen, seq, event) for screen in place.screens]
    grows = event.turn > place.turn
    at = 0 if grows and rules.growing_turn_empties_the_text else place.at
    place = place._replace(
        seq=seq, turn=event.turn if grows else place.turn, at=at, screens=tuple(screen for screen, _ in shown)
    )
    return place, next((wrong for _, wrong in shown if wrong), "")


def _text(place: Place, item: Item, log: Log) -> tuple[Place, str]:
    whole = item.kind == "whole"
    shown = [_show_text(screen, item.turn, item.at, item.tokens, whole, log) for screen in place.screens]
    at = len(item.tokens) + (0 if whole else place.at)
    place = place._replace(turn=max(place.turn, item.turn), at=at, screens=tuple(screen for screen, _ in shown))
    return place, next((wrong for _, wrong in shown if wrong), "")


def show_unjudged(place: Place, item: Item, log: Log) -> tuple[Place, str]:
    return _text(place, item, log)


def is_stale(place: Place, item: Item) -> bool:
    """Whether the item will be dropped whenever it is received.

    `seq` and `turn` only grow, and `at` within its turn, until a join empties the inbox: so what is stale now stays so
    and may leave the state at once, wherever it stands in the inbox.
    """
    if item.kind == "event":
        return item.at <= place.seq
    if item.turn != place.turn:
        return item.turn < place.turn
    return (len(item.tokens) <= place.at) if item.kind == "whole" else item.at < place.at


def tidy(place: Place, rules: Rules) -> Place:
    if not place.inbox or not rules.whatever_is_stale_is_dropped:
        return place
    left = tuple(item for item in place.inbox if not is_stale(place, item))
    return place if len(left) == len(place.inbox) else place._replace(inbox=left)


def receive(place: Place, item: Item, db: Db, rules: Rules) -> tuple[Place, str]:
    """`item` is the head of the inbox. Where the log is to be read first, it is read and the item stays."""
    taken = place._replace(inbox=place.inbox[1:])
    if item.kind == "event":
        if item.at <= place.seq:
            return (taken, "") if rules.seen_events_are_dropped else _deliver(taken, item.at, db.log, rules)
        if item.at > place.seq + 1 and rules.gap_is_filled_from_the_log:
            return read_log(place, db, rules)
        return _deliver(taken, item.at, db.log, rules)
    if item.turn < place.turn and rules.older_turns_are_dropped:
        return taken, ""
    if item.turn > place.turn:
        if rules.higher_turn_reads_the_log:
            return read_log(place, db, rules)
        return _text(taken._replace(turn=item.turn, at=0), item, db.log)
    if item.kind == "whole":
        if len(item.tokens) < place.at and rules.shorter_rebase_is_dropped:
            return taken, ""
        return _text(taken, item, db.log)
    if rules.offsets_are_checked and item.at > place.at:
        return read_log(taken, db, rules) if rules.gap_in_the_text_reads_the_pad else (taken, "")
    if rules.offsets_are_checked and item.at < place.at:
        return taken, ""
    return _text(taken, item, db.log)


def read_log(place: Place, db: Db, rules: Rules) -> tuple[Place, str]:
    """The rows after the place and the turn, in one step: what is read up to a position never changes."""
    wrong = ""
    for seq in range(place.seq + 1, len(db.log) + 1):
        place, now_wrong = _deliver(place, seq, db.log, rules)
        wrong = wrong or now_wrong
    if db.turn > place.turn:
        place = place._replace(turn=db.turn)
        if rules.growing_turn_empties_the_text:
            screens = tuple(Screen(screen.seq, db.turn) for screen in place.screens)
            place = place._replace(at=0, screens=screens)
    return place._replace(mode=READ_PAD), wrong


def read_pad(place: Place, pad: Pad | None, log: Log, rules: Rules) -> tuple[Place, str]:
    place = place._replace(mode=IDLE)
    if pad is None:
        return place, ""
    if rules.pad_is_judged_when_read and (pad.turn != place.turn or len(pad.tokens) <= place.at):
        return place, ""
    return _text(place, Item("whole", pad.turn, 0, pad.tokens), log) if pad.tokens else (place, "")


def rejoin(place: Place, *, again: bool = True) -> Place:
    """A client comes back with what it has; nothing reaches it until it has been told where it is.

    What is published between the subscription and that word is lost to this connection, so it reads once more.
    """
    screens = tuple(Screen(screen.seq, screen.turn) for screen in place.screens) if again else (Screen(),)
    seq = place.seq if again else 0
    return Place(seq, place.turn if again else 0, 0, JOIN, (), screens, place.home)


def join(place: Place, db: Db, rules: Rules) -> tuple[Place, str]:
    joined, wrong = read_log(place, db, rules)
    if db.running is not None and (db.running.turn == db.turn or not rules.join_compares_the_pads_turn):
        return joined._replace(mode=JOIN_PAD), wrong
    return _joined(joined, rules), wrong


def join_pad(place: Place, pad: Pad | None, log: Log, rules: Rules) -> tuple[Place, str]:
    joined = _joined(place, rules)
    if pad is None or not pad.tokens or (rules.join_compares_the_pads_turn and pad.turn != place.turn):
        return joined, ""
    # The answer that is shown is said to be of the session's turn, whatever the pad says.
    return _text(joined, Item("whole", place.turn, 0, pad.tokens), log)


def _joined(place: Place, rules: Rules) -> Place:
    return place._replace(mode=READ_LOG if rules.join_reads_again_once_it_listens else IDLE)
