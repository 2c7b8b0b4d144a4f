"""The rules of a session: what a command does to it, or why it is refused.

Every function takes the state under the session's lock and returns a `Change`, or `None` where the command is void.
Nothing here waits, asks the time or draws a random number.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from chatserver.core import system_texts
from chatserver.core.access import User
from chatserver.core.distress import language_of_distress
from chatserver.core.errors import Refused
from chatserver.core.protocol import MessageRole, Status

ATTEMPTS_MAX = 3

Ending = Literal["done", "cut", "failed"]


@dataclass(frozen=True, slots=True)
class Running:
    """The session's running answer. `first_turn` is the turn it was asked in, before owners died."""

    turn: int
    first_turn: int
    attempt: int = 1
    lease_over: bool = False
    handed_over: bool = False
    """Its owner gave it up in good order: no attempt that died."""


@dataclass(frozen=True, slots=True)
class State:
    """A session as locked. `unanswered` and `ended_turn` are read only for the commands that ask for them."""

    session: UUID
    seeker: UUID | None
    seeker_name: str
    status: Status
    seq: int
    turn: int
    admin: UUID | None = None
    admin_name: str | None = None
    lease_over: bool = False
    waiting: bool = False
    urgent: bool = False
    """Words of self-harm were found in it, and no person has dealt with that yet."""
    running: Running | None = None
    unanswered: bool = False
    """The last message of the seeker has neither a complete answer after it nor was it stopped."""
    helped: bool = False
    """That message was answered by the fixed help text; read with `unanswered`."""
    ended_turn: int | None = None
    """The turn whose answer was stopped or failed, if that is what last raised the turn."""
    waited_seconds: float | None = None
    """How long the seeker has waited for a person, by the database's clock; no rule asks for it."""


@dataclass(frozen=True, slots=True)
class Pad:
    """What was streamed of exactly the running turn, as far as it is known."""

    content: str
    sources: tuple[dict[str, Any], ...] = ()
    author: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A durable event before it has its place. Without an `id` the store gives it one."""

    kind: Literal["message", "note", "status"]
    content: str
    role: MessageRole | None = None
    id: UUID | None = None
    author: UUID | None = None
    of_turn: int | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a command does, in one transaction. Fields that are None leave the session as it is."""

    events: tuple[Event, ...] = ()
    raises_turn: bool = False
    status: Status | None = None
    admin: UUID | Literal["nobody"] | None = None
    waiting: bool | None = None
    waiting_reason: str | None = None
    urgent: bool | None = None
    ends: Ending | None = None
    claims: bool = False
    reaps: bool = False
    """The running answer goes to a new owner under the raised turn."""
    counts_attempt: bool = True


SYSTEM: Literal["system"] = "system"


def _by(user: User | None) -> Any:
    return SYSTEM if user is None else {"id": str(user.id), "name": user.name}


def _status(status: Status, by: User | None, reason: str, of_turn: int | None = None) -> Event:
    return Event(
        "status", status, of_turn=of_turn, author=by.id if by else None, meta={"by": _by(by), "reason": reason}
    )


def _cut(state: State, pad: Pad | None) -> tuple[tuple[Event, ...], Ending | None]:
    """What stays of a running answer that something cuts: its text so far, marked as interrupted."""
    if state.running is None:
        return (), None
    if pad is None or not pad.content:
        return (), "cut"
    meta: dict[str, Any] = {"interrupted": True}
    if pad.author:
        meta["author"] = pad.author
    if pad.sources:
        meta["sources"] = list(pad.sources)
    return (Event("message", pad.content, role="assistant", of_turn=state.running.turn, meta=meta),), "cut"


def _system(text: system_texts.Text) -> Event:
    return Event("message", text.content, "system", meta=text.meta)


def _helped(state: State, language: str, change: Change) -> Change:
    """The change with the fixed help text, and the session urgent: in the queue before all others, once.

    No model is asked: nobody knows what it would say to that.
    """
    help_text = _system(system_texts.help_in_distress(language, again=state.urgent))
    waits = state.status == "active_ai"
    asked = (_status("active_ai", None, "waiting"),) if waits and not state.waiting else ()
    return replace(
        change, events=(*change.events, help_text, *asked), claims=False, urgent=True,
        waiting=True if waits else None, waiting_reason=system_texts.URGENT_REASON if waits else None,
    )  # fmt: skip


def _still_open(state: State) -> None:
    if state.status == "closed":
        raise Refused("closed", "This conversation is closed; start a new one to go on.")


def post(state: State, by: User, id: UUID, content: str, pad: Pad | None) -> Change:
    """A message of the seeker or of the admin who holds the session. The `id` is known to be new."""
    _still_open(state)
    if by.id != state.seeker:
        if state.status != "active_human" or state.admin != by.id:
            raise Refused("not_holder", "Take this conversation over before you write in it.")
        author = {"id": str(by.id), "name": by.name, "kind": "admin"}
        return Change((Event("message", content, "admin", id, by.id, meta={"author": author}),))
    author = {"id": str(by.id), "name": by.name, "kind": "seeker"}
    message = Event("message", content, "user", id, by.id, meta={"author": author})
    if state.status == "active_human":
        change = Change((message,))
    else:
        kept, ends = _cut(state, pad)
        change = Change((*kept, message), raises_turn=True, ends=ends, claims=True)
    language = language_of_distress(content)
    return _helped(state, language, change) if language else change


def take_over(state: State, by: User, pad: Pad | None) -> Change | None:
    """`active_ai` to `active_human`. Void for the holder; refused while another one holds it."""
    _still_open(state)
    if state.status == "active_human" and not holder_is_gone(state):
        if state.admin == by.id:
            return None
        raise Refused("conflict", f"{state.admin_name or 'Another admin'} already holds this conversation.")
    kept, ends = _cut(state, pad)
    return Change(
        (*kept, _status("active_human", by, "taken_over", state.running.turn if state.running else None)),
        raises_turn=True, status="active_human", admin=by.id, waiting=False, ends=ends,
    )  # fmt: skip


def transfer(state: State, by: User, to: User | None) -> Change | None:
    """From the holder to another admin, whose lease begins; `to` is None where there is no such admin."""
    _still_open(state)
    if state.status != "active_human" or state.admin != by.id:
        raise Refused("not_holder", "Only the admin who holds this conversation passes it on; take it over first.")
    if to is None or to.role != "admin" or to.deactivated:
        raise Refused("not_found", "There is no such admin; choose one from the list.")
    if to.id == by.id:
        return None
    passed = _status("active_human", by, "transferred")
    passed.meta["to"] = {"id": str(to.id), "name": to.name}
    return Change((passed,), admin=to.id)


def note(by: User, id: UUID, content: str) -> Change:
    """A word among admins, also about a conversation that is closed. The `id` is known to be new."""
    author = {"id": str(by.id), "name": by.name, "kind": "admin"}
    return Change((Event("note", content, "admin", id, by.id, meta={"author": author}),))


def holder_is_gone(state: State) -> bool:
    return state.admin is None or state.lease_over


def hand_back(state: State, by: User | None) -> Change:
    """`active_human` to `active_ai`, by the holder, by any admin once the lease is over, or by the system (None).

    An admin has seen what was urgent; where the system does it nobody has, and the seeker waits for a person again.
    """
    _still_open(state)
    if state.status != "active_human":
        raise Refused("conflict", "The assistant already has this conversation; there is nothing to hand back.")
    if not holder_is_gone(state) and (by is None or state.admin != by.id):
        raise Refused("not_holder", f"{state.admin_name or 'Another admin'} holds this conversation; ask them.")
    change = Change(raises_turn=True, status="active_ai", admin="nobody", claims=state.unanswered and not state.helped)
    if by is not None:
        return replace(change, events=(_status("active_ai", by, "handed_back"),), urgent=False)
    events = (_status("active_ai", None, "lease_over"), _system(system_texts.handed_back()))
    if not state.urgent:
        return replace(change, events=events)
    asked = _status("active_ai", None, "waiting")
    return replace(change, events=(*events, asked), waiting=True, waiting_reason=system_texts.URGENT_REASON)


def system_may_hand_back(state: State) -> bool:
    """Judged again under the lock: the holder is gone and a seeker's message waits."""
    return state.status == "active_human" and holder_is_gone(state) and state.unanswered


def close(state: State, by: User, pad: Pad | None) -> Change | None:
    if state.status == "closed":
        return None
    kept, ends = _cut(state, pad)
    return Change(
        (*kept, _status("closed", by, "closed", state.running.turn if state.running else None)),
        raises_turn=True, status="closed", admin="nobody", waiting=False, urgent=False, ends=ends,
    )  # fmt: skip


def stop(state: State, by: User | None, turn: int, pad: Pad | None) -> Change | None:
    """Ends the answer of `turn` if it still runs, under that turn or one that a new owner gave it; else void.

    `by` None is the system, where nobody may read the answer any more.
    """
    if state.running is None or not state.running.first_turn <= turn <= state.running.turn:
        return None
    kept, ends = _cut(state, pad)
    event = _status(state.status, by, "stopped", state.running.turn)
    return Change((*kept, event), raises_turn=True, ends=ends)


def retry(state: State, turn: int) -> Change:
    """Answers again where `turn` was stopped or failed and nothing has come since."""
    _still_open(state)
    if state.status != "active_ai" or state.running is not None or state.ended_turn != turn:
        raise Refused("conflict", "This answer cannot be tried again; the conversation has moved on.")
    return Change(raises_turn=True, claims=True)


def finish(state: State, turn: int, message: Event) -> Change | None:
    """The whole answer of `turn`, or nothing at all: a late answer is void."""
    if state.running is None or state.turn != turn or state.running.turn != turn:
        return None
    return Change((replace(message, of_turn=turn),), raises_turn=True, ends="done")


def fail(state: State, turn: int, code: str, pad: Pad | None) -> Change | None:
    """A durable word that the answer of `turn` failed; what was written stays, marked as interrupted."""
    if state.running is None or state.turn != turn or state.running.turn != turn:
        return None
    kept, _ = _cut(state, pad)
    event = _status(state.status, None, f"answer_failed:{code}", turn)
    return Change((*kept, event), raises_turn=True, ends="failed")


def reap(state: State, pad: Pad | None) -> Change | None:
    """A running answer whose lease is over gets a new owner; after the third attempt that died it has failed."""
    if state.running is None or not state.running.lease_over:
        return None
    if state.running.attempt >= ATTEMPTS_MAX and not state.running.handed_over:
        return fail(state, state.running.turn, "gave_up", pad)
    return Change(raises_turn=True, reaps=True, counts_attempt=not state.running.handed_over)


def ask_human(state: State, by: User | None, reason: str | None, turn: int | None = None) -> Change | None:
    """Into the queue of the admins. A tool's call names its turn and is void once that turn is over."""
    if turn is not None and state.turn != turn:
        return None
    language = language_of_distress(reason) if by is not None and reason else None
    if language and state.status != "closed":
        return _helped(state, language, Change())
    if state.status != "active_ai" or state.waiting:
        if turn is None:
            _still_open(state)
        return None
    return Change((_status("active_ai", by, "waiting"),), waiting=True, waiting_reason=reason)


def cancel_human(state: State, by: User) -> Change | None:
    if not state.waiting:
        return None
    return Change((_status(state.status, by, "waiting_over"),), waiting=False)
