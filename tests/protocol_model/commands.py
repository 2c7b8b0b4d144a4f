"""What people ask of a session: some commands read the pad first, and all are judged in their transaction."""

from collections.abc import Iterator

from tests.protocol_model import transactions as sql
from tests.protocol_model.configuration import Command, Configuration, may_strike, struck
from tests.protocol_model.nodes import begin, commit, owner_of
from tests.protocol_model.state import CLOSED, DOWN, LEAVING, Db, Operation, State, Step

READ_FIRST = frozenset({"post", "take_over", "close", "stop", "retry"})
"""Between what these read and what they do others do something. A retry reads nothing, but its sender saw something."""


def asked(state: State, config: Configuration) -> Iterator[Step]:
    for number, command in enumerate(config.commands):
        if not state.commands[number]:
            continue
        left = (*state.commands[:number], state.commands[number] - 1, *state.commands[number + 1 :])
        after = state._replace(commands=left)
        for node in command.nodes:
            if state.nodes[node].life == DOWN:
                continue
            if command.name in READ_FIRST:
                yield from _begun(after, command, node, config)
            else:
                yield from _done(after, command, node, config)


def _begun(state: State, command: Command, node: int, config: Configuration) -> Iterator[Step]:
    db, seen = state.db, state.places[0]
    label = f"{command.name} {command.who or ''}@{node}".replace(" @", "@")
    operation = Operation(command.name, node, command.who)
    if command.name == "post":
        known = sql.seq_of(db, command.who)
        if known:
            yield Step(label, _replied(state, command.who, known), progress=False)
            return
        if not config.rules.ok_after_the_commit:
            state = _replied(state, command.who, len(db.log) + 1)
    elif command.name == "stop":
        if not seen.turn:
            return
        operation = operation._replace(turn=seen.turn)
    elif command.name == "retry":
        ended = [event.of_turn for event in db.log[: seen.seq] if event.kind in ("stopped", "failed")]
        if not ended:
            return
        operation = operation._replace(turn=ended[-1])
    elif db.status == CLOSED:
        return
    # A pad that is not of the running answer is kept too: that it is not used is a rule, not the order of things.
    pad = None if command.name == "retry" else state.pad
    yield Step(label, begin(state, operation._replace(pad=pad)), progress=False)
    if pad is not None and may_strike(state, "pad_unread"):
        yield Step(f"{label}, pad unread", begin(struck(state, "pad_unread"), operation), progress=False)


def _done(state: State, command: Command, node: int, config: Configuration) -> Iterator[Step]:
    """Commands of one transaction. Where one changes nothing it need not be tried: it can be given later as well."""
    db, rules = state.db, config.rules
    after: Db
    if command.name == "hand_back":
        leaving = state.nodes[node].life == LEAVING
        after = sql.hand_back(db, command.who, owner_of(state, node, config), leaving, rules)
    elif command.name == "ask_human":
        after = sql.ask_human(db, 0, rules)
    elif command.name == "admin_posts":
        after = sql.admin_posts(db, command.who)
    elif command.name == "renew":
        after = sql.renew_admin_lease(db, command.who, rules)
    else:
        raise AssertionError(command.name)
    if after != db:
        who = f" {command.who}" if command.who else ""
        yield Step(f"{command.name}{who}@{node}", commit(state, node, after, config), progress=False)


def committed(state: State, operation: Operation, config: Configuration) -> Step:
    db, node, who, pad, rules = state.db, operation.node, operation.who, operation.pad, config.rules
    owner, leaving = owner_of(state, node, config), state.nodes[node].life == LEAVING
    place = state.operations.index(operation)
    done = state._replace(operations=state.operations[:place] + state.operations[place + 1 :])
    label = f"commit {operation.name}@{node}"
    match operation.name:
        case "post":
            return Step(label, _posted(done, operation, config))
        case "take_over":
            after = sql.take_over(db, who, pad, rules)
        case "close":
            after = sql.close(db, pad, rules)
        case "stop":
            after = sql.stop(db, operation.turn, pad, rules)
            running = db.running
            if after is db and running is not None and running.first_turn <= operation.turn:
                return Step(label, done, "P9: what was stopped goes on")
        case "retry":
            after = sql.retry(db, operation.turn, owner, leaving, rules)
        case "reap":
            after = sql.reap(db, pad, owner, leaving, config.attempts_max, rules)
        case "hand_back":
            after = sql.hand_back(db, 0, owner, leaving, rules)
        case _:
            raise AssertionError(operation.name)
    return Step(label, commit(done, node, after, config))


def _posted(state: State, operation: Operation, config: Configuration) -> State:
    db, node, id, rules = state.db, operation.node, operation.who, config.rules
    if known := sql.seq_of(db, id):
        # Without the second look the row is refused by its key, and the poster hears of an error.
        return _replied(state, id, known if rules.post_looks_again_under_the_lock else 0)
    leaving = state.nodes[node].life == LEAVING
    after = sql.post(db, id, operation.pad, owner_of(state, node, config), leaving, rules)
    if after is db:
        return state
    return _replied(commit(state, node, after, config), id, sql.seq_of(after, id))


def _replied(state: State, id: int, seq: int) -> State:
    return state._replace(replies=tuple(sorted({*state.replies, (id, seq)})))
