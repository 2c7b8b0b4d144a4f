"""The transactions on one session, each of them atomic because each locks the session's row first.

A transaction returns the rows as they are afterwards; what it leaves as it was is void.
"""

from tests.protocol_model.rules import Rules
from tests.protocol_model.state import (
    AI,
    CLOSED,
    GIVEN_UP,
    HUMAN,
    KEPT,
    LIVE,
    MESSAGES,
    OVER,
    Db,
    Event,
    Pad,
    Running,
    Tokens,
)

Owner = tuple[int, int]
Said = tuple[str, int, Tokens]


def _write(db: Db, said: tuple[Said, ...], *, raises: bool = True) -> Db:
    turn = db.turn + raises
    return db._replace(turn=turn, log=db.log + tuple(Event(kind, turn, of_turn, what) for kind, of_turn, what in said))


def _cut(db: Db, pad: Pad | None, rules: Rules) -> tuple[Said, ...]:
    """What stays of the running answer: the pad's text, if the pad is of exactly its turn."""
    if db.running is None or pad is None or not pad.tokens:
        return ()
    if rules.cut_takes_the_pad_of_the_running_turn and pad.turn != db.running.turn:
        return ()
    return (("interrupted", db.running.turn, pad.tokens),)


def _claim(db: Db, owner: Owner, leaving: bool, rules: Rules) -> Db:
    lease = GIVEN_UP if leaving and rules.leaving_claims_for_others else LIVE
    return db._replace(running=Running(db.turn, db.turn, owner, lease))


def seq_of(db: Db, id: int) -> int:
    """Where the message of this id stands, 0 where it does not."""
    return next((seq for seq, event in enumerate(db.log, 1) if event.kind == "question" and event.said[0] == id), 0)


def last_question(db: Db) -> int:
    """Its seq, 0 where nobody asked."""
    return next((seq for seq in range(len(db.log), 0, -1) if db.log[seq - 1].kind == "question"), 0)


def is_unanswered(db: Db, rules: Rules) -> bool:
    asked = last_question(db)
    settles = {"answer", "admin"}
    if rules.stopped_is_settled:
        settles.add("stopped")
    if not rules.an_interrupted_text_is_no_answer:
        settles.add("interrupted")
    return asked > 0 and not any(event.kind in settles for event in db.log[asked:])


def holder_is_gone(db: Db) -> bool:
    return db.admin == 0 or db.admin_lease == OVER


def post(db: Db, id: int, pad: Pad | None, owner: Owner, leaving: bool, rules: Rules) -> Db:
    if db.status == CLOSED:
        return db
    question: Said = ("question", 0, (id,))
    if db.status == HUMAN and rules.only_the_assistants_session_claims:
        return _write(db, (question,), raises=False)
    return _claim(_write(db, (*_cut(db, pad, rules), question)), owner, leaving, rules)


def admin_posts(db: Db, admin: int) -> Db:
    if db.status != HUMAN or db.admin != admin:
        return db
    return _write(db, (("admin", 0, ()),), raises=False)


def take_over(db: Db, admin: int, pad: Pad | None, rules: Rules) -> Db:
    if db.status == CLOSED:
        return db
    held = db.status == HUMAN and not holder_is_gone(db)
    if held and (db.admin == admin or rules.take_over_respects_the_holder):
        return db
    of_turn = db.running.turn if db.running else 0
    said = (*_cut(db, pad, rules), ("taken_over", of_turn, (1,) if held else ()))
    taken = _write(db, said, raises=rules.take_over_raises_the_turn)._replace(
        status=HUMAN, admin=admin, admin_lease=LIVE, running=None,
        waiting=db.waiting and not rules.take_over_leaves_the_queue,
    )  # fmt: skip
    return write_log(taken, taken.logged_seq)


def hand_back(db: Db, admin: int, owner: Owner, leaving: bool, rules: Rules) -> Db:
    """By an admin, or by the system (0), which leaves a word and judges lease and waiting message once more."""
    if db.status != HUMAN:
        return db
    gone = holder_is_gone(db)
    unanswered = is_unanswered(db, rules)
    if admin == 0:
        if rules.system_judges_again_under_the_lock and not (gone and unanswered):
            return db
        said: tuple[Said, ...] = (("handed_back", 0, () if gone else (1,)), ("word", 0, ()))
    else:
        another = not gone and db.admin != admin
        if another and rules.hand_back_respects_the_holder:
            return db
        said = (("handed_back", 0, (1,) if another else ()),)
    back = _write(db, said)._replace(status=AI, admin=0, admin_lease="")
    back = write_log(back, back.logged_seq)
    return _claim(back, owner, leaving, rules) if unanswered else back


def close(db: Db, pad: Pad | None, rules: Rules) -> Db:
    if db.status == CLOSED:
        return db
    of_turn = db.running.turn if db.running else 0
    closed = _write(db, (*_cut(db, pad, rules), ("closed", of_turn, ())))._replace(
        status=CLOSED, admin=0, admin_lease="", running=None, waiting=False
    )
    return write_log(closed, closed.logged_seq)


def stop(db: Db, turn: int, pad: Pad | None, rules: Rules) -> Db:
    running = db.running
    if running is None:
        return db
    first = running.first_turn if rules.stop_knows_the_first_turn else running.turn
    if rules.stop_checks_the_turn and not first <= turn <= running.turn:
        return db
    return _write(db, (*_cut(db, pad, rules), ("stopped", running.turn, (turn,))))._replace(running=None)


def retry(db: Db, turn: int, owner: Owner, leaving: bool, rules: Rules) -> Db:
    if db.status != AI or db.running is not None:
        return db
    ended = (event.of_turn for event in db.log if event.kind in ("stopped", "failed") and event.turn == db.turn)
    if rules.retry_checks_what_last_raised_the_turn and turn not in ended:
        return db
    again = _write(db, ())._replace(retried=(*db.retried, (turn, len(db.log))))
    return _claim(again, owner, leaving, rules)


def finish(db: Db, turn: int, tokens: Tokens, rules: Rules) -> Db:
    if rules.finish_checks_that_it_runs and db.running is None:
        return db
    if rules.finish_checks_the_turn and not (db.turn == turn and db.running and db.running.turn == turn):
        return db
    return _write(db, (("answer", turn, tokens),), raises=rules.finish_raises_the_turn)._replace(running=None)


def fail(db: Db, turn: int, tokens: Tokens, rules: Rules, *, gave_up: bool = False) -> Db:
    """A word that the answer failed; what was written so far stays before it."""
    running = db.running
    if running is None or (rules.fail_checks_the_turn and not (db.turn == turn and running.turn == turn)):
        return db
    kept: tuple[Said, ...] = (("interrupted", running.turn, tokens),) if tokens else ()
    word: tuple[Said, ...] = (("failed", turn, (1,) if gave_up else ()),) if rules.fail_leaves_a_word else ()
    return _write(db, (*kept, *word))._replace(running=None)


def reap(db: Db, pad: Pad | None, owner: Owner, leaving: bool, attempts_max: int, rules: Rules) -> Db:
    running = db.running
    if running is None or (rules.reap_judges_again_under_the_lock and running.lease == LIVE):
        return db
    counts = running.lease != GIVEN_UP or not rules.handing_over_is_no_attempt
    if running.attempt >= attempts_max and counts:
        kept = pad.tokens if pad is not None and pad.turn == running.turn else ()
        return fail(db, running.turn, kept, rules, gave_up=True)
    turn = db.turn + rules.reap_raises_the_turn
    lease = GIVEN_UP if leaving and rules.leaving_reaps_for_others else LIVE
    return db._replace(turn=turn, running=Running(turn, running.first_turn, owner, lease, running.attempt + counts))


def ask_human(db: Db, tool_turn: int, rules: Rules) -> Db:
    """By the seeker (0) or by a tool of the answer of `tool_turn`."""
    if tool_turn and rules.a_tool_names_its_turn and db.turn != tool_turn:
        return db
    if (db.status != AI and rules.asking_is_void_under_a_person) or db.waiting:
        return db
    raises = not rules.asking_keeps_the_turn
    return _write(db, (("waiting", 0, (tool_turn, db.turn)),), raises=raises)._replace(waiting=True)


def renew_admin_lease(db: Db, admin: int, rules: Rules) -> Db:
    if db.status != HUMAN or (db.admin != admin and rules.only_the_holder_renews):
        return db
    return db._replace(admin_lease=LIVE if db.admin == admin else KEPT)


def write_log(db: Db, after: int) -> Db:
    """Appends the messages above `after` to conversation_log."""
    new = tuple(seq for seq in range(after + 1, len(db.log) + 1) if db.log[seq - 1].kind in MESSAGES)
    return db._replace(conversation_log=db.conversation_log + new, logged_seq=len(db.log))
