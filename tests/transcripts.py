"""All that one client was sent of a session, in its order, judged afterwards by the promises of docs/protocol.md.

A screen judges what it is sent against what it shows. This looks at the whole: against the log, and against what the
others were shown of the same text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]

ALIKE = ("turn", "of_turn", "role")


@dataclass
class Transcript:
    """Of one person's device, over all its connections: each begins with its `joined`."""

    name: str
    is_admin: bool
    frames: list[Frame]
    shown: dict[int, set[str]] = field(default_factory=dict)
    """Of each turn every text that stood on the screen."""

    def judge(self, log: Sequence[Frame]) -> None:
        """Promises 1, 3, 4 and 5. `log` are the rows of chat_messages in their order."""
        visible = [row for row in log if row["kind"] != "note" or self.is_admin]
        self._events_are_the_log(visible)
        self._text_has_its_place()

    def _events(self) -> Iterable[Frame]:
        for frame in self.frames:
            if frame["type"] == "joined":
                yield from frame.get("events", ())
            elif frame["type"] in ("message", "status", "note"):
                yield frame

    def _events_are_the_log(self, visible: Sequence[Frame]) -> None:
        events = list(self._events())
        assert [event["seq"] for event in events] == [row["seq"] for row in visible], f"{self.name}: not the log, once"
        for event, row in zip(events, visible, strict=True):
            assert event["type"] == row["kind"], f"{self.name}: {event} is stored as {row}"
            said = event["status"] if row["kind"] == "status" else event["content"]
            assert said == row["content"], f"{self.name}: {event} is stored as {row}"
            assert all(event.get(name) == row[name] for name in ALIKE), f"{self.name}: {event} is stored as {row}"

    def _text_has_its_place(self) -> None:
        status, floor, turn, text = "active_ai", 0, 0, ""
        for frame in self.frames:
            match frame["type"]:
                case "joined":
                    status = next((e["status"] for e in reversed(frame.get("events", ())) if "status" in e), status)
                    answer = frame.get("answer") or {"turn": frame["turn"], "content": ""}
                    floor, turn, text = frame["turn"], answer["turn"], answer["content"]
                    assert status != "active_human" or not text, f"{self.name}: an answer under a person: {frame}"
                case "message" | "status":
                    assert frame["type"] == "status" or frame["role"] != "assistant" or status != "active_human", (
                        f"{self.name}: the assistant speaks under a person: {frame}"
                    )
                    status = frame.get("status", status)
                    floor = max(floor, frame["turn"])
                    # After a death the answer's own turn may be told by its text first.
                    if frame["turn"] > turn:
                        turn, text = frame["turn"], ""
                case "delta" | "rebase":
                    assert frame["turn"] >= floor, f"{self.name}: text of a turn that is over: {frame}"
                    if frame["turn"] > turn:
                        turn, text = frame["turn"], ""
                    assert frame["turn"] == turn, f"{self.name}: text of an older turn: {frame}"
                    if frame["type"] == "delta":
                        assert frame["at"] == len(text), f"{self.name}: {frame} after {len(text)} characters"
                        text += frame["content"]
                    else:
                        text = frame["content"]
                    assert status != "active_human" or not text, f"{self.name}: text under a person: {frame}"
            if text:
                self.shown.setdefault(turn, set()).add(text)


def judge_all(transcripts: Sequence[Transcript], log: Sequence[Frame]) -> None:
    """Each by itself, then that all were shown, of each turn, the beginning of one text: the one that is stored."""
    for transcript in transcripts:
        transcript.judge(log)
    stored = {row["of_turn"]: row for row in log if row["kind"] == "message" and row["of_turn"] is not None}
    for turn in {turn for transcript in transcripts for turn in transcript.shown}:
        texts = {text for transcript in transcripts for text in transcript.shown.get(turn, ())}
        longest = max(texts, key=len)
        for text in texts:
            assert longest.startswith(text), f"of turn {turn} two texts were shown: {text!r} and {longest!r}"
        if turn not in stored:
            continue
        kept, is_whole = stored[turn]["content"], not stored[turn]["meta"].get("interrupted")
        assert kept.startswith(longest) or (longest.startswith(kept) and not is_whole), (
            f"of turn {turn} {kept!r} is stored, and {longest!r} was shown"
        )
