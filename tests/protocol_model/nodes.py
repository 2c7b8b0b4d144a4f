"""What happens on a node without waiting: after a commit, in its publisher, and in the scripts that this runs."""

from tests.protocol_model.configuration import Configuration, may_strike, struck
from tests.protocol_model.receiving import is_stale
from tests.protocol_model.rules import Rules
from tests.protocol_model.state import (
    JOIN,
    JOIN_PAD,
    LEAVING,
    LIVE,
    UP,
    Db,
    Front,
    Item,
    Node,
    Operation,
    Pad,
    Place,
    Running,
    State,
    Task,
    text,
)

Owner = tuple[int, int]


def owner_of(state: State, node: int, config: Configuration) -> Owner:
    return node, state.nodes[node].started if config.rules.an_owner_is_one_process else 0


def with_node(state: State, node: int, changed: Node) -> State:
    nodes = (changed, state.nodes[1]) if node == 0 else (state.nodes[0], changed)
    # Most steps pass here; `_replace` takes three times as long.
    return State(
        state.db, state.pad, nodes, state.places, state.operations, state.commands, state.faults, state.replies
    )


def _task_of(running: Running) -> Task:
    return Task(running.turn, running.attempt)


def commit(state: State, node: int, db: Db, config: Configuration) -> State:
    """The rows are written; what the node then does at once, without waiting: it cuts, publishes and begins."""
    if db is state.db:
        return state
    before, here = state.db, state.nodes[node]
    queue, tasks = here.queue, here.tasks
    if db.turn > before.turn:
        if config.fences:
            queue += (Item("fence", db.turn),)
        if config.rules.a_change_cuts_its_nodes_own_tasks:
            tasks = tuple(task for task in tasks if task.turn >= db.turn)
    queue += tuple(Item("event", 0, seq) for seq in range(len(before.log) + 1, len(db.log) + 1))
    running = db.running
    if (
        running is not None
        and running != before.running
        and running.owner == owner_of(state, node, config)
        and running.lease == LIVE
        and here.life == UP
        and (before.running is None or Task(running.turn, running.attempt) != _task_of(before.running))
    ):
        tasks = (*tasks, _task_of(running))
    touched = here.touched
    if config.flushes and len(db.log) > len(before.log):
        touched = touched or len(before.log) + 1
        if config.rules.flush_goes_on_from_logged_seq:
            touched = 1
    changed = with_tasks(here, tasks)._replace(queue=queue, touched=touched)
    return with_node(state._replace(db=db), node, changed)


def is_renewed(state: State, config: Configuration) -> bool:
    """Whether the owner of the running answer renews its lease."""
    running = state.db.running
    if running is None:
        return False
    node, started = running.owner
    here = state.nodes[node]
    if here.life not in (UP, LEAVING) or (here.started != started and config.rules.an_owner_is_one_process):
        return False
    return not config.rules.renews_only_what_it_runs or any(task.turn == running.turn for task in here.tasks)


def publish(state: State, item: Item, rules: Rules) -> State:
    """To every connection that listens; what it would drop anyway is not kept for it."""
    places = tuple(
        place
        if place.mode in (JOIN, JOIN_PAD) or (rules.whatever_is_stale_is_dropped and is_stale(place, item))
        else place._replace(inbox=(*place.inbox, item))
        for place in state.places
    )
    return state if places == state.places else state._replace(places=places)


def agreed(state: State, node: int, item: Item, config: Configuration) -> State:
    """The pad took a delta: what is written from its end on may be shown here at once."""
    here = state.nodes[node]
    if not config.near or item.near or not any(task.turn == item.turn for task in here.tasks):
        return state
    end = item.at + len(item.tokens)
    if here.front is not None and here.front.turn == item.turn:
        end = max(end, here.front.at)
    return with_node(state, node, here._replace(front=Front(item.turn, end)))


def without_front(state: State, node: int) -> State:
    here = state.nodes[node]
    return state if here.front is None else with_node(state, node, here._replace(front=None))


def with_tasks(here: Node, tasks: tuple[Task, ...]) -> Node:
    front = here.front if here.front and any(task.turn == here.front.turn for task in tasks) else None
    return here._replace(tasks=tasks, front=front)


def run_script(state: State, node: int, item: Item, config: Configuration) -> tuple[State, ...]:
    """What the script makes of a delta, or of the whole text that an earlier one asked for.

    The script takes a batch at once. Its entries are steps of their own here, which allows more than can happen.
    """
    rules, pad = config.rules, state.pad
    held, there = (pad.turn, len(pad.tokens)) if pad is not None else (-1, 0)
    if held > item.turn and rules.script_compares_turns:
        return (_refused(state, node, item.turn, config),)
    if held != item.turn and (rules.script_compares_turns or held < item.turn):
        there = 0
    end = item.at + len(item.tokens)
    if item.kind == "whole":
        if held == item.turn and there >= end and rules.replace_never_shrinks:
            return (state,)
        return (publish(state._replace(pad=Pad(item.turn, item.tokens)), item, rules),)
    if there != item.at and rules.script_compares_offsets:
        if there >= end:
            return (agreed(state, node, item, config),)
        first = item.tokens[0] - item.at
        if rules.a_wish_for_the_whole_ends_the_front:
            state = without_front(state, node)
        return _wants(state, node, Item("whole", item.turn, 0, tuple(range(first, first + end))))
    kept = pad.tokens if pad is not None and there else ()
    state = agreed(state._replace(pad=Pad(item.turn, kept + item.tokens)), node, item, config)
    plain = item._replace(near=False)
    if not item.near:
        return (publish(state, plain, rules),)
    if not rules.near_text_goes_to_others_too or all(place.home == node for place in state.places):
        return (state,)
    if may_strike(state, "uncounted"):
        return publish(state, plain, rules), struck(state, "uncounted")
    return (publish(state, plain, rules),)


def _wants(state: State, node: int, whole: Item) -> tuple[State, ...]:
    """The whole text follows the rest of its batch, however long that is; of several that a batch wants, the last."""
    here = state.nodes[node]
    queue = here.queue
    waits = next((place for place, item in enumerate(queue) if item.kind == "whole"), None)
    if waits is not None:
        queues = [(*queue[:waits], whole, *queue[waits + 1 :])]
    else:
        queues = [(*queue[:place], whole, *queue[place:]) for place in range(len(queue) + 1)]
    return tuple(with_node(state, node, here._replace(queue=changed)) for changed in queues)


def _refused(state: State, node: int, turn: int, config: Configuration) -> State:
    if not config.rules.refusal_stops_the_owner:
        return state
    here = state.nodes[node]
    return with_node(state, node, with_tasks(here, tuple(task for task in here.tasks if task.turn != turn)))


def fence(state: State, turn: int) -> State:
    if state.pad is not None and state.pad.turn >= turn:
        return state
    return state._replace(pad=Pad(turn, ()))


def write_token(here: Node, task: Task, *, near: bool = False, merged: bool = True) -> Node:
    """The next token goes to the publisher, merged with what of the same answer waits last."""
    tasks = tuple(task._replace(end=task.end + 1) if one == task else one for one in here.tasks)
    last = here.queue[-1] if here.queue else None
    written = text(task.turn, task.attempt, task.end + 1, task.end)
    if merged and last is not None and last.kind == "delta" and last.turn == task.turn:
        longer = last._replace(tokens=last.tokens + written, near=last.near and near)
        return here._replace(tasks=tasks, queue=(*here.queue[:-1], longer))
    item = Item("delta", task.turn, task.end, written, near)
    return here._replace(tasks=tasks, queue=(*here.queue, item))


def with_place(state: State, number: int, place: Place) -> State:
    places = (*state.places[:number], place, *state.places[number + 1 :])
    return State(
        state.db, state.pad, state.nodes, places, state.operations, state.commands, state.faults, state.replies
    )


def begin(state: State, operation: Operation) -> State:
    """In no order: whichever of those under way gets the lock first."""
    return state._replace(operations=tuple(sorted((*state.operations, operation), key=repr)))


def looks(state: State, name: str, number: int) -> bool:
    """Whether the node is at it already: its looks come one after the other."""
    return any(one.name == name and one.node == number for one in state.operations)
