"""What an honest client of somebody has in its hands: their sessions as last heard, and what they have said."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from chatserver.core.server_frames import (
    Answering,
    Delta,
    Joined,
    Lobby,
    LobbyChanged,
    Message,
    Note,
    Ok,
    Rebase,
    SessionSummary,
    StatusChanged,
)

SESSIONS_KEPT = 12
SAID_KEPT = 20


@dataclass
class Told:
    """A session, as far as it was heard of."""

    seq: int = 0
    turn: int = 0
    status: str = "active_ai"
    holder: str | None = None
    running: bool = False
    answered_at: int = 0
    """The `seq` of the last message of the assistant."""
    failed_turn: int | None = None
    """Of the answer that failed or was stopped last: it may be asked for again."""

    def happened(self, frame: Any) -> None:
        self.turn = max(self.turn, frame.turn)
        if isinstance(frame, Answering | Delta | Rebase):
            self.running = True
            return
        self.seq = max(self.seq, frame.seq)
        if getattr(frame, "of_turn", None) is not None:
            self.running = False
        if isinstance(frame, Message) and frame.role == "assistant":
            self.answered_at = frame.seq
        if isinstance(frame, StatusChanged):
            self.status = frame.status
            if frame.status != "active_human":
                self.holder = None
            elif frame.reason == "transferred" and frame.to is not None:
                self.holder = str(frame.to.id)
            elif frame.reason == "taken_over" and frame.by != "system":
                self.holder = str(frame.by.id)
            if frame.reason == "stopped" or frame.reason.startswith("answer_failed"):
                self.failed_turn = frame.of_turn


@dataclass
class Known:
    own: str = ""
    """Their id."""
    sessions: dict[str, Told] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    """Sessions that are somebody else's."""
    barred: list[str] = field(default_factory=list)
    """Sessions that are left alone, though they might be had."""
    people: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """The first is their own; the others are another's, a dead one, and what is none."""
    ids: list[str] = field(default_factory=list)
    """Of what they have said already."""
    stored: dict[tuple[str, str], int] = field(default_factory=dict)
    """The `seq` under which a message of a session was confirmed, by its id."""
    frames: list[dict[str, Any]] = field(default_factory=list)
    """What they sent last, to be sent again."""
    mark: str = ""
    """Every text of theirs bears it."""

    def said(self, id: str) -> str:
        self.ids = [*self.ids[-SAID_KEPT:], id]
        return id

    def sent(self, frame: dict[str, Any]) -> None:
        self.frames = [*self.frames[-SAID_KEPT:], frame]

    def learns(self, frame: Any) -> None:
        if isinstance(frame, Joined):
            told = self._session(str(frame.session.id))
            told.status = frame.session.status
            told.holder = str(frame.session.admin.id) if frame.session.admin else None
            told.seq, told.turn, told.running = frame.seq, frame.turn, frame.answer is not None
        elif isinstance(frame, Lobby | LobbyChanged):
            for summary in frame.sessions[:SESSIONS_KEPT]:
                self._glimpses(summary)
        elif isinstance(frame, Message | Note | StatusChanged | Answering | Delta | Rebase):
            told = self.sessions.get(str(frame.session)) or Told()
            told.happened(frame)

    def confirmed(self, session: str, id: str, answer: Ok) -> bool:
        """Whether it stands where it stood, if it was confirmed before."""
        assert answer.seq is not None
        while len(self.stored) > 40 * SAID_KEPT:
            del self.stored[next(iter(self.stored))]
        return self.stored.setdefault((session, id), answer.seq) == answer.seq

    def _glimpses(self, summary: SessionSummary) -> None:
        id = str(summary.id)
        if summary.status == "closed" or id in self.barred:
            return
        told = self._session(id)
        told.status = summary.status
        told.holder = str(summary.admin.id) if summary.admin else None

    def _session(self, id: str) -> Told:
        told = self.sessions.pop(id, None) or Told()
        while len(self.sessions) >= SESSIONS_KEPT:
            del self.sessions[next(iter(self.sessions))]
        self.sessions[id] = told
        return told


def copied(frame: dict[str, Any]) -> dict[str, Any]:
    again: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(frame))
    return again
