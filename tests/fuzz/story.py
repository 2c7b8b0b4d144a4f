"""What somebody who knows their session would say next: so it comes to running answers, takeovers and drafts."""

import random
from collections.abc import Mapping
from typing import Any

from tests.fuzz.known import Known, Told

WANDERS = 0.04
"""How often somebody turns to another of their sessions."""

# What starts an answer or writes a row is said less often: a million frames are to be a million.
ANSWERING: Mapping[str, float] = {"stop": 1, "typing": 8, "seen": 6, "post": 0.4, "join": 0.7, "ask_human": 0.3}
IDLE: Mapping[str, float] = {
    "post": 0.6, "seen": 9, "typing": 5, "rate": 5, "cancel_human": 1, "ask_human": 0.7, "retry": 0.5, "leave": 0.4,
    "join": 1, "close": 0.05,
}  # fmt: skip
WITH_A_PERSON: Mapping[str, float] = {"post": 2, "seen": 8, "typing": 4, "rate": 1, "ask_human": 0.3, "close": 0.05}
OVER: Mapping[str, float] = {"join": 3, "rate": 2, "seen": 2, "post": 0.5, "close": 0.2, "leave": 1}

DESK: Mapping[str, float] = {
    "watch": 2, "unwatch": 1, "available": 2, "seen": 6, "typing": 6, "note": 1, "take_over": 1, "join": 1,
    "leave": 0.3,
}  # fmt: skip
OVER_AN_ANSWER: Mapping[str, float] = {"take_over": 4, "seen": 4, "typing": 4, "stop": 0.5, "close": 0.05}
HOLDING: Mapping[str, float] = {
    "post": 2, "draft": 0.6, "note": 1, "transfer": 0.3, "hand_back": 1, "typing": 3, "seen": 8, "close": 0.05,
    "take_over": 0.5, "join": 0.5, "watch": 1,
}  # fmt: skip
ANOTHERS: Mapping[str, float] = {
    "take_over": 2, "hand_back": 1, "note": 2, "typing": 5, "seen": 5, "draft": 0.3, "transfer": 0.3, "post": 0.5,
    "leave": 1,
}  # fmt: skip


def next_deed(chance: random.Random, known: Known, role: str, joined: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The type of the next frame, and those of its fields that what was heard before decides."""
    here = [session for session in known.sessions if session in joined]
    if not here or chance.random() < WANDERS:
        return _turns_to(chance, known, role)
    session = here[-1] if chance.random() < 0.8 else chance.choice(here)
    told = known.sessions[session]
    weights = _desk(known, told) if role == "admin" else _seat(told)
    (name,) = chance.choices(list(weights), list(weights.values()))
    fields: dict[str, Any] = {} if name in ("watch", "unwatch", "available") else {"session": session}
    if name == "stop":
        fields["turn"] = told.turn
    elif name == "retry":
        fields["turn"] = told.failed_turn if told.failed_turn is not None else told.turn
    elif name == "rate":
        fields["seq"] = told.answered_at
    elif name == "seen":
        fields["seq"] = max(0, told.seq - chance.choice((0, 0, 0, 1, 5)))
    elif name == "join":
        if told.status == "closed" and role != "admin":
            return name, {}
        fields["after"] = max(0, told.seq - chance.choice((0, 1, 10, 400)))
    return name, fields


def _turns_to(chance: random.Random, known: Known, role: str) -> tuple[str, dict[str, Any]]:
    if role == "admin" and (not known.sessions or chance.random() < 0.3):
        return "watch", {}
    if known.sessions and (role == "admin" or chance.random() < 0.7):
        session = chance.choice(list(known.sessions)[-4:])
        seen = known.sessions[session].seq
        return "join", {"session": session} if chance.random() < 0.5 else {"session": session, "after": seen}
    return "join", {}


def _seat(told: Told) -> Mapping[str, float]:
    if told.status == "closed":
        return OVER
    if told.status == "active_human":
        return WITH_A_PERSON
    return ANSWERING if told.running else IDLE


def _desk(known: Known, told: Told) -> Mapping[str, float]:
    if told.status == "closed":
        return OVER
    if told.status == "active_human":
        return HOLDING if told.holder == known.own else ANOTHERS
    return OVER_AN_ANSWER if told.running else DESK
