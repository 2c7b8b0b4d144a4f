"""Every step that may be taken from a state: what the servers do by themselves, what people ask, what goes wrong."""

from collections.abc import Iterator

from tests.protocol_model import transactions as sql
from tests.protocol_model.commands import asked, committed
from tests.protocol_model.configuration import Configuration, may_strike, struck
from tests.protocol_model.near import write
from tests.protocol_model.nodes import (
    begin,
    commit,
    fence,
    is_renewed,
    looks,
    owner_of,
    publish,
    run_script,
    with_node,
    with_place,
    with_tasks,
    without_front,
)
from tests.protocol_model.receiving import join, join_pad, read_log, read_pad, receive, rejoin, tidy
from tests.protocol_model.state import (
    DOWN,
    GIVEN_UP,
    HUMAN,
    IDLE,
    JOIN,
    JOIN_PAD,
    LEAVING,
    LIVE,
    OVER,
    READ_LOG,
    READ_PAD,
    UP,
    Node,
    Operation,
    Place,
    Running,
    State,
    Step,
    text,
)


def steps(state: State, config: Configuration) -> Iterator[Step]:
    yield from asked(state, config)
    for operation in state.operations:
        yield committed(state, operation, config)
    for number in range(len(state.nodes)):
        if state.nodes[number].life != DOWN:
            yield from _writes(state, number, config)
            yield from _publishes(state, number, config)
            yield from _looks(state, number, config)
    yield from _leases(state, config)
    for number, place in enumerate(state.places):
        yield from _receives(state, number, place, config)
    yield from _strikes(state, config)


def _writes(state: State, number: int, config: Configuration) -> Iterator[Step]:
    """An answer's task: its text, its last word, a tool's call, the failure of a model."""
    here = state.nodes[number]
    for task in here.tasks:
        written = text(task.turn, task.attempt, task.end)
        if task.end < config.tokens:
            for after, wrong in write(state, number, task, config):
                yield Step(f"write {task.turn}@{number}", after, wrong)
            if not any(may_strike(state, fault) for fault in ("fail", "tool", "forsake")):
                continue
        ended = with_node(state, number, with_tasks(here, tuple(one for one in here.tasks if one != task)))
        if task.end == config.tokens:
            done = sql.finish(state.db, task.turn, written, config.rules)
            yield Step(f"finish {task.turn}@{number}", commit(ended, number, done, config))
        if may_strike(state, "fail"):
            failed = sql.fail(state.db, task.turn, written, config.rules)
            after = commit(struck(ended, "fail"), number, failed, config)
            yield Step(f"fail {task.turn}@{number}", after, progress=False)
        if may_strike(state, "tool"):
            calls = commit(struck(state, "tool"), number, sql.ask_human(state.db, task.turn, config.rules), config)
            yield Step(f"tool asks for a person {task.turn}@{number}", calls, progress=False)
        if may_strike(state, "forsake"):
            yield Step(f"forsake {task.turn}@{number}", struck(ended, "forsake"), progress=False)


def _publishes(state: State, number: int, config: Configuration) -> Iterator[Step]:
    here = state.nodes[number]
    if not here.queue:
        return
    head = here.queue[0]
    sent = with_node(state, number, here._replace(queue=here.queue[1:]))
    if head.kind == "event":
        yield Step(f"publish {head.name}@{number}", publish(without_front(sent, number), head, config.rules))
        return
    if head.kind == "fence":
        yield Step(f"{head.name}@{number}", fence(sent, head.turn))
        return
    label = f"send {head.name}@{number}"
    for after in run_script(sent, number, head, config):
        yield Step(label, after)
    drop_ends_it = config.rules.a_drop_ends_the_front
    if may_strike(state, "unsent"):
        after = without_front(sent, number) if drop_ends_it else sent
        yield Step(f"unsent: {label}", struck(after, "unsent"), progress=False)
    if may_strike(state, "sent_twice"):
        for after in run_script(state, number, head, config):
            after = without_front(after, number) if drop_ends_it else after
            yield Step(f"reply lost: {label}", struck(after, "sent_twice"), progress=False)


def _looks(state: State, number: int, config: Configuration) -> Iterator[Step]:
    """What a node looks for every second or two: answers without an owner, admins who are gone, what to flush."""
    here, db, rules = state.nodes[number], state.db, config.rules
    reaps = rules.somebody_reaps and (here.life == UP or not rules.leaving_reaps_nothing)
    running = db.running
    if reaps and running is not None and running.lease != LIVE and not looks(state, "reap", number):
        # Only an attempt that may be the last one keeps what the pad holds.
        pad = state.pad if running.attempt >= config.attempts_max else None
        yield Step(f"look for ownerless@{number}", begin(state, Operation("reap", number, pad=pad)))
    if rules.system_hands_back and _is_overdue(state, config) and not looks(state, "hand_back", number):
        yield Step(f"look for overdue@{number}", begin(state, Operation("hand_back", number)))
    if here.touched:
        after = db.logged_seq if rules.flush_goes_on_from_logged_seq else here.touched - 1
        flushed = with_node(state, number, here._replace(touched=0))
        yield Step(f"flush@{number}", flushed._replace(db=sql.write_log(db, after)))
        if may_strike(state, "flush_skipped"):
            yield Step(f"flush skipped@{number}", struck(flushed, "flush_skipped"), progress=False)
    if config.flushes and rules.others_sweep_what_a_dead_node_left and db.logged_seq < len(db.log):
        yield Step(f"sweep@{number}", state._replace(db=sql.write_log(db, db.logged_seq)))


def _is_overdue(state: State, config: Configuration) -> bool:
    """The question that lists overdue sessions; it may be coarser than the judgement under the lock, never finer."""
    db = state.db
    if db.status != HUMAN or not sql.holder_is_gone(db) or not sql.is_unanswered(db, config.rules):
        return False
    after = db.log[sql.last_question(db) :]
    return config.rules.overdue_sees_past_an_interrupted_text or all(event.kind != "interrupted" for event in after)


def _leases(state: State, config: Configuration) -> Iterator[Step]:
    running = state.db.running
    if running is None:
        return
    renewing = is_renewed(state, config)
    if running.lease == LIVE:
        if not renewing:
            yield Step("the lease runs out", _leased(state, running, OVER))
        elif may_strike(state, "lapse"):
            yield Step("the lease lapses", struck(_leased(state, running, OVER), "lapse"), progress=False)
        elif may_strike(state, "sleep"):
            woken = _leased(state, running, OVER)
            if config.rules.near_only_while_fresh:
                woken = without_front(woken, running.owner[0])
            yield Step("the owner sleeps past its lease", struck(woken, "sleep"), progress=False)
    elif renewing and (running.lease == OVER or not config.rules.what_was_given_up_is_not_renewed):
        yield Step("renew", _leased(state, running, LIVE))


def _leased(state: State, running: Running, lease: str) -> State:
    return state._replace(db=state.db._replace(running=running._replace(lease=lease)))


def _receives(state: State, number: int, place: Place, config: Configuration) -> Iterator[Step]:
    db, rules = state.db, config.rules
    who = f"#{number}" if number else ""

    def step(label: str, result: tuple[Place, str]) -> Step:
        return Step(label + who, with_place(state, number, tidy(result[0], rules)), result[1])

    if place.mode == READ_LOG:
        yield step("read the log", read_log(place, db, rules))
    elif place.mode == READ_PAD:
        yield step("read the pad", read_pad(place, state.pad, db.log, rules))
    elif place.mode == JOIN:
        yield step("join", join(place, db, rules))
    elif place.mode == JOIN_PAD:
        yield step("join: read the pad", join_pad(place, state.pad, db.log, rules))
    else:
        if rules.positions_are_checked and (place.seq < len(db.log) or place.turn < db.turn):
            # Looking and reading are one step: a look that waits for its reading only stops the inbox meanwhile.
            yield step("position check", read_log(place, db, rules))
        if place.inbox:
            head = place.inbox[0]
            yield step(f"deliver {head.name}", receive(place, head, db, rules))
            yield from _strays(state, number, place, config)


def _strays(state: State, number: int, place: Place, config: Configuration) -> Iterator[Step]:
    """Messages of the wire lost, doubled, late."""
    rules, inbox = config.rules, place.inbox
    if may_strike(state, "lost"):
        after = with_place(struck(state, "lost"), number, place._replace(inbox=inbox[1:]))
        yield Step(f"lost: {inbox[0].name}", after, progress=False)
    if may_strike(state, "doubled"):
        doubled = place._replace(inbox=(inbox[0], *inbox))
        taken, wrong = receive(doubled, inbox[0], state.db, rules)
        if taken.inbox == inbox and taken.mode == IDLE:
            after = with_place(struck(state, "doubled"), number, tidy(taken, rules))
            yield Step(f"doubled: {inbox[0].name}", after, wrong, progress=False)
    if may_strike(state, "late") and len(inbox) > 1:
        after = with_place(struck(state, "late"), number, place._replace(inbox=(inbox[1], inbox[0], *inbox[2:])))
        yield Step(f"late: {inbox[0].name}", after, progress=False)


def _strikes(state: State, config: Configuration) -> Iterator[Step]:
    """What befalls nodes, Redis, an admin, a client. Node 1 stays, for somebody has to; which one is only a name."""
    first, db = state.nodes[0], state.db
    if first.life != DOWN and may_strike(state, "crash"):
        yield Step("crash@0", _sent_away(_without(struck(state, "crash"), first)), progress=False)
    if first.life == DOWN and may_strike(state, "restart"):
        back = Node(UP, first.started + 1)
        yield Step("restart@0", with_node(struck(state, "restart"), 0, back), progress=False)
    if first.life == UP and may_strike(state, "drain"):
        leaving = with_node(struck(state, "drain"), 0, first._replace(life=LEAVING))
        yield Step("drain@0", _sent_away(leaving), progress=False)
    if first.life == LEAVING:
        given_up = _gives_up(state, config)
        yield Step("drain ends@0", _without(given_up, first), progress=False)
        if not config.rules.leaving_ends_its_tasks_first and given_up != state:
            yield Step("gives up its leases@0", given_up, progress=False)
    if db.status == HUMAN and not sql.holder_is_gone(db) and may_strike(state, "holder_gone"):
        gone = state._replace(db=db._replace(admin_lease=OVER))
        yield Step("the holder is gone", struck(gone, "holder_gone"), progress=False)
    if state.pad is not None and may_strike(state, "wipe"):
        yield Step("wipe", struck(state._replace(pad=None), "wipe"), progress=False)
    place = state.places[0]
    if place.mode == IDLE and may_strike(state, "reconnect"):
        yield Step("reconnect", with_place(struck(state, "reconnect"), 0, rejoin(place)), progress=False)
    if place.mode == IDLE and may_strike(state, "moves") and state.nodes[1 - place.home].life == UP:
        moved = rejoin(place)._replace(home=1 - place.home)
        yield Step("moves to the other node", with_place(struck(state, "moves"), 0, moved), progress=False)
    if place.mode == IDLE and may_strike(state, "second_joins"):
        yield _second_joins(state, place, config)


def _sent_away(state: State) -> State:
    """Whoever sits at node 0 comes back at the other one."""
    for number, place in enumerate(state.places):
        if place.home == 0:
            state = with_place(state, number, rejoin(place)._replace(home=1))
    return state


def _without(state: State, node: Node) -> State:
    """The process is gone, and with it what it was about to do."""
    state = state._replace(operations=tuple(one for one in state.operations if one.node != 0))
    return with_node(state, 0, Node(DOWN, node.started))


def _gives_up(state: State, config: Configuration) -> State:
    running = state.db.running
    if running is None or running.owner != owner_of(state, 0, config) or not config.rules.leaving_gives_up_its_leases:
        return state
    return _leased(state, running, GIVEN_UP)


def _second_joins(state: State, place: Place, config: Configuration) -> Step:
    """Another device of the seeker joins at the same node."""
    joined, _ = join(rejoin(place, again=False), state.db, config.rules)
    after = struck(state, "second_joins")
    if config.rules.each_connection_has_its_own_place:
        after = after._replace(places=(*after.places, joined))
    else:
        shared = place._replace(screens=(*place.screens, *joined.screens))
        after = with_place(after, 0, shared)
    return Step("a second device joins", after, progress=False)
