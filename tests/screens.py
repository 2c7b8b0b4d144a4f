"""What a device shows of a session, and a judge of every frame it is sent.

By docs/protocol.md: events in order and once, text at its offset, nothing of the assistant after a takeover.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Screen:
    """What one device shows of one session, as docs/protocol.md tells a client to keep it."""

    name: str
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    seq: int = 0
    turn: int = 0
    status: str = "active_ai"
    partial: tuple[int, str] | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    joined: bool = False
    seen: list[dict[str, Any]] = field(default_factory=list)
    passing: list[dict[str, Any]] = field(default_factory=list)
    """Who is here and who types, and what was proposed, as it came."""
    transcript: list[dict[str, Any]] | None = None
    """Every frame, where somebody wants to look at them afterwards."""

    def take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if self.transcript is not None:
            self.transcript.append(frame)
        if kind == "joined":
            self._join(frame)
        elif kind in ("message", "status", "note"):
            self._event(frame)
        elif kind == "delta":
            assert frame["turn"] >= self.turn, f"{self.name}: text of a turn that is over: {frame}"
            assert self.status != "active_human", f"{self.name}: the assistant speaks after a takeover: {frame}"
            shown = self.partial[1] if self.partial and self.partial[0] == frame["turn"] else ""
            assert frame["at"] == len(shown), f"{self.name}: {frame} after {len(shown)} characters"
            self.partial = (frame["turn"], shown + frame["content"])
            self.turn = frame["turn"]
        elif kind == "rebase":
            assert frame["turn"] >= self.turn, f"{self.name}: a rebase of a turn that is over: {frame}"
            assert not (frame["content"] and self.status == "active_human"), f"{self.name}: a rebase after a takeover"
            self.partial = (frame["turn"], frame["content"]) if frame["content"] else None
            self.turn = frame["turn"]
        elif kind == "seen":
            self.seen.append(frame)
        elif kind in ("presence", "typing", "draft", "draft_delta"):
            self.passing.append(frame)
        elif "ref" in frame:
            self.answers.append(frame)

    def _join(self, frame: dict[str, Any]) -> None:
        if frame.get("reset"):
            self.events.clear()
            self.seq = 0
        self.partial = None
        for event in frame.get("events", ()):
            self._event(event, joined=True)
        self.seq, self.turn = max(self.seq, frame["seq"]), max(self.turn, frame["turn"])
        answer = frame.get("answer")
        if answer and answer["content"]:
            self.partial = (answer["turn"], answer["content"])
        self.joined = True

    def _event(self, frame: dict[str, Any], *, joined: bool = False) -> None:
        assert frame["seq"] > self.seq, f"{self.name}: event {frame['seq']} after {self.seq}"
        self.seq = frame["seq"]
        assert frame["turn"] >= self.turn or joined, f"{self.name}: an event of a turn that is over"
        if self.partial and frame["turn"] > self.partial[0]:
            self.partial = None
        self.turn = max(self.turn, frame["turn"])
        if frame["type"] == "status":
            self.status = frame["status"]
        elif self.status == "active_human" and frame["type"] == "message":
            assert frame["role"] != "assistant", f"{self.name}: the assistant's message after a takeover"
        self.events[frame["seq"]] = frame

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(e["role"], e["content"]) for _, e in sorted(self.events.items()) if e["type"] == "message"]
