"""What the protocol promises, judged on the rows of a state or once nothing more happens by itself.

P1 at most one final answer to a question, none under a person. P2 no text after a takeover, after the end of its
turn, or of an older turn after a newer one. P3 durable events dense, in order, once. P4 text shown is the beginning
of what one writer wrote. P5 when faults cease everybody is up to date, and no answer is left to nobody. P6 stored
interrupted text is the beginning of what its writer wrote. P7 what was acknowledged is in the log. P8 an id given
twice is one event with one seq. P9 a stop ends the answer it names and no later one, and nothing follows it but what
was asked for. P10 one retry is granted once. P11 every question has an answer or a word, and none is given up before
enough owners died of it. P12 conversation_log is the messages. P13 asking for a person changes no turn and is void
under one. P14 an admin keeps the session while the lease is renewed, and a message waits for no admin who is gone.

P2, P3 and P4 are judged in `receiving`, where something is shown.
"""

from tests.protocol_model.configuration import Configuration
from tests.protocol_model.state import (
    AI,
    HUMAN,
    LIVE,
    MESSAGES,
    STATUS_OF,
    Db,
    State,
    is_of_one_writer,
    turn_of,
)
from tests.protocol_model.transactions import is_unanswered, last_question, seq_of


def broken_in_every_state(before: State, state: State, config: Configuration) -> str:
    """The promise that `state` breaks, for good; '' where it keeps all. What did not change was judged before."""
    if state.db is not before.db:
        if state.db.turn > config.turns_max:
            return "P5: an answer is handed round for ever"
        wrong = _log(state.db) or _rows(state.db) or _given_up_too_early(before, state, config)
        if wrong:
            return wrong
    if state.replies is not before.replies:
        return _replies(state)
    return ""


def broken_at_rest(state: State, config: Configuration) -> str:
    """What must hold once faults have ceased and the servers have done whatever they do by themselves."""
    db = state.db
    if db.running is not None:
        return "P5: an answer that nobody writes is left running"
    for place in state.places:
        if place.seq != len(db.log) or place.turn != db.turn:
            return "P5: a connection is left behind"
        if any(screen.tokens for screen in place.screens):
            return "P5: a text is left on the screen that nobody writes"
        if any(screen.seq != len(db.log) for screen in place.screens):
            return "P5: a screen is left behind"
    asked = last_question(db)
    settled = {"answer", "admin", "stopped", "failed"}
    if db.status == AI and asked and not any(event.kind in settled for event in db.log[asked:]):
        return "P11: a question is left without an answer or a word"
    if db.status == HUMAN and db.admin_lease != LIVE and is_unanswered(db, config.rules):
        return "P14: a message waits for an admin who is gone"
    if config.flushes:
        messages = tuple(seq for seq, event in enumerate(db.log, 1) if event.kind in MESSAGES)
        if db.conversation_log != messages:
            return "P12: conversation_log is not the messages"
    return ""


def _log(db: Db) -> str:
    """The log from its beginning: who may speak when."""
    status, stopped, answered = AI, -1, False
    for place, event in enumerate(db.log):
        status = STATUS_OF.get(event.kind, status)
        if event.kind == "question":
            stopped, answered = -1, False
        elif event.kind == "stopped":
            stopped = place
            if any(one.kind == "question" and one.turn > event.said[0] for one in db.log[:place]):
                return "P9: a stop took the answer of a later question"
        elif event.kind == "answer":
            if status != AI:
                return "P1: an answer after a takeover"
            if answered:
                return "P1: two answers to one question"
            answered = True
            if stopped >= 0 and not any(stopped < at <= place for _, at in db.retried):
                return "P9: an answer after a stop"
        elif event.kind == "interrupted" and (not is_of_one_writer(event.said) or turn_of(event.said) != event.of_turn):
            return "P6: an interrupted text that no writer of its turn wrote"
        elif event.kind == "handed_back" and event.said:
            return "P14: a session was handed back over the head of its holder"
        elif event.kind == "taken_over" and event.said:
            return "P14: an admin took a session from one who holds it"
        elif event.kind == "waiting" and event.said[0] not in (0, event.said[1]):
            return "P13: a tool asked for a person after its turn"
    return ""


def _rows(db: Db) -> str:
    if db.waiting and db.status != AI:
        return "P13: a session waits in the queue though a person has it"
    if db.running is not None and db.status != AI:
        return "P1: an answer runs under a person"
    named = [turn for turn, _ in db.retried]
    if len(named) != len(set(named)):
        return "P10: two devices were granted the same retry"
    ids = [event.said for event in db.log if event.kind == "question"]
    if len(ids) != len(set(ids)):
        return "P8: one id is two events"
    return ""


def _given_up_too_early(before: State, state: State, config: Configuration) -> str:
    """An answer is given up for its owners' deaths alone, and not before the last of them."""
    for event in state.db.log[len(before.db.log) :]:
        deaths = config.struck(state, "crash", "lapse", "sleep", "forsake")
        if event.kind == "failed" and event.said and deaths < config.attempts_max:
            return "P11: an answer was given up that fewer owners died of than may"
    return ""


def _replies(state: State) -> str:
    for id, seq in state.replies:
        if not seq_of(state.db, id):
            return "P7: what was acknowledged is nowhere"
        if seq_of(state.db, id) != seq:
            return "P8: an id given twice has two answers"
    return ""
