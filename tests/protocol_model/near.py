"""What a node shows its own connections of an answer that it writes, before the pad has it.

The first delta goes to everybody by way of the pad. Once the pad has taken it there is a front: what is written where
the front stands is shown at once here, and goes to the pad and to other nodes later.
"""

from collections.abc import Iterator

from tests.protocol_model.configuration import Configuration
from tests.protocol_model.nodes import with_node, with_place, write_token
from tests.protocol_model.receiving import receive, show_unjudged, tidy
from tests.protocol_model.state import IDLE, JOIN, JOIN_PAD, Front, Item, Place, State, Task, text


def write(state: State, number: int, task: Task, config: Configuration) -> Iterator[tuple[State, str]]:
    """The next token of an answer, and what showing it here breaks."""
    here = state.nodes[number]
    front = here.front
    if not config.rules.near_waits_for_the_first_word_of_the_pad and task.end == 0:
        front = Front(task.turn, 0)
    is_near = config.near and front == (task.turn, task.end)
    ways = [write_token(here, task, near=is_near)]
    last = here.queue[-1] if here.queue else None
    if last is not None and last.kind == "delta" and last.turn == task.turn and last.near != is_near:
        # Whether they are merged all the same is the publisher's business.
        ways.append(write_token(here, task, near=is_near, merged=False))
    for changed in ways:
        if is_near:
            changed = changed._replace(front=Front(task.turn, task.end + 1))
        after = with_node(state, number, changed)
        if not is_near:
            yield after, ""
            continue
        item = Item("delta", task.turn, task.end, text(task.turn, task.attempt, task.end + 1, task.end))
        yield from _shown(after, number, item, config, 0)


def _shown(state: State, number: int, item: Item, config: Configuration, first: int) -> Iterator[tuple[State, str]]:
    """To each connection of the node, in every order in which it may stand among what waits there."""
    for place in range(first, len(state.places)):
        if state.places[place].home == number:
            for changed, wrong in _taken(state.places[place], item, state, config):
                after = with_place(state, place, changed)
                if wrong:
                    yield after, wrong
                else:
                    yield from _shown(after, number, item, config, place + 1)
            return
    yield state, ""


def _taken(place: Place, item: Item, state: State, config: Configuration) -> Iterator[tuple[Place, str]]:
    rules = config.rules
    if place.mode in (JOIN, JOIN_PAD):
        yield place, ""
    elif not (rules.near_text_is_judged_by_its_turn and rules.near_text_is_judged_by_its_place):
        misplaced = rules.near_text_is_judged_by_its_place and item.at != place.at
        if misplaced or (rules.near_text_is_judged_by_its_turn and item.turn != place.turn):
            yield place, ""
        else:
            yield show_unjudged(place, item, state.db.log)
    elif place.mode == IDLE:
        # It overtakes what is still on its way from Redis.
        taken, wrong = receive(place._replace(inbox=(item, *place.inbox)), item, state.db, rules)
        yield tidy(taken, rules), wrong
    else:
        for at in range(len(place.inbox) + 1):
            yield tidy(place._replace(inbox=(*place.inbox[:at], item, *place.inbox[at:])), rules), ""
