"""What must be answered to each thing that was sent: the promise that every frame is judged by, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatserver.core.client_frames import Auth, Hello
from chatserver.core.codec import decode, ref_of
from chatserver.core.errors import Refused
from chatserver.core.protocol import FRAME_MAX_BYTES

KINDS: Mapping[str, str] = {"join": "joined", "watch": "lobby"}
"""Of an answer that is no refusal; all others are answered with `ok`."""
FOR_ADMINS_ALONE = frozenset({"watch", "available", "transfer", "draft"})
REFUSALS = frozenset({"forbidden", "not_found", "conflict", "closed", "not_holder", "bad_content"})
"""What may be said to a frame that was understood."""
BOUNDED = frozenset({"join", "close", "draft"})
"""Bounds that no setting lifts: sessions at a time, conversations an hour, drafts at a time."""
UNANSWERED = frozenset({"typing", "seen"})
"""Without a `ref` they are answered by nothing, unless they are refused."""
COUNTED = frozenset({"post", "retry", "ask_human", "close", "draft", "join"})
"""What the real limits refuse beyond that."""


@dataclass(frozen=True, slots=True)
class Expected:
    ref: str | None
    kind: str | None
    """Of the answer where it is no error; None where only an error will do."""
    codes: frozenset[str]
    """Of the error where it is one."""
    may_be_silent: bool = False
    ends: bool = False
    """The connection may end after it, or instead of it."""
    is_bad: bool = False
    """A frame that was not understood: the tenth ends the connection."""
    stored: tuple[str, str] | None = None
    """Session and id of what an `ok` says is stored."""
    leaves: str | None = None
    """The session of which nothing more comes after an `ok`."""


ANYTHING = Expected(None, None, frozenset(), may_be_silent=True, ends=True)
"""To what comes where the connection is ended already."""


def welcome(token: str, honest: str | None, ref: str) -> Expected:
    if token == honest:
        return Expected(ref, "welcome", frozenset())
    # Of a token that is no token nothing is said but that.
    return Expected(ref, None, frozenset({"unauthorized", "forbidden", "bad_frame"}), ends=True)


def expected(text: str | bytes, role: str, honest_token: str, *, limited: bool = False) -> Expected:
    """`text` as the server reads it after the hello: bytes where it is no text."""
    if len(text if isinstance(text, bytes) else text.encode()) > FRAME_MAX_BYTES:
        return Expected(None, None, frozenset({"bad_frame"}), ends=True)
    try:
        frame: Any = decode(text)
    except Refused as refused:
        return Expected(
            ref_of(text), None, frozenset({refused.code}), ends=refused.code == "bad_frame",
            is_bad=refused.code == "bad_frame",
        )  # fmt: skip
    if isinstance(frame, Hello):
        return Expected(frame.ref, None, frozenset({"bad_frame"}), ends=True, is_bad=True)
    if isinstance(frame, Auth):
        if frame.token == honest_token:
            return Expected(frame.ref, "ok", frozenset())
        return Expected(frame.ref, None, frozenset({"unauthorized", "forbidden"}))
    name = str(type(frame).__struct_config__.tag)
    if name in FOR_ADMINS_ALONE and role != "admin":
        return Expected(frame.ref, None, frozenset({"forbidden"}))
    codes = REFUSALS
    if name in BOUNDED or (limited and name in COUNTED):
        codes = codes | {"rate_limited"}
    # Without a ref such a frame has no `ok`: the next one that comes answers another frame without one.
    is_unanswered = name in UNANSWERED and frame.ref is None
    return Expected(
        frame.ref, None if is_unanswered else KINDS.get(name, "ok"), codes, may_be_silent=is_unanswered,
        stored=(str(frame.session), str(frame.id)) if name in ("post", "note") else None,
        leaves=str(frame.session) if name == "leave" else None,
    )  # fmt: skip


def as_read(payload: bytes, *, is_binary: bool = False) -> str | bytes:
    """What the server takes a message for."""
    if is_binary:
        return b""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return payload


def matches(one: Expected, kind: str, frame: Any) -> str | None:
    """None where the answer is right, else what is wrong with it."""
    ref = getattr(frame, "ref", None)
    if one is ANYTHING:
        return None
    if ref != one.ref:
        return f"{kind} with the ref {ref!r} where {one.ref!r} was to be answered"
    if kind != "error":
        return None if kind == one.kind else f"{kind} where {one.kind or sorted(one.codes)} was to be answered"
    if frame.code not in one.codes:
        return f"{frame.code} ({frame.message}) where {one.kind or ''} {sorted(one.codes)} was to be answered"
    return None
