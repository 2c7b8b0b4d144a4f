"""The browser's reducer against golden transcripts: what is shown after each is what the database holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.json"))

FOLD = """async (frames) => {
  const { empty, isAwaited, reduce } = await import("/state.js");
  let state = empty();
  for (const frame of frames) state = reduce(state, frame);
  return {
    shown: state.events.filter((one) => one.type === "message").map((one) => [one.role, one.content]),
    status: state.session.status,
    partial: state.answer ? state.answer.text : null,
    retry: state.retry ? state.retry.turn : null,
    awaited: isAwaited(state),
    behind: state.behind,
    position: [state.seq, state.turn],
    at: state.answer ? state.answer.at : 0,
    session: state.session,
  };
}"""


def read(path: Path) -> dict[str, Any]:
    transcript: dict[str, Any] = json.loads(path.read_text())
    return transcript


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_frames_fold_into_what_is_shown(page: Page, path: Path) -> None:
    transcript = read(path)
    folded = await page.evaluate(FOLD, transcript["frames"])
    assert {name: folded[name] for name in transcript["expect"]} == transcript["expect"], transcript["story"]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_folding_equals_a_fresh_join(page: Page, path: Path) -> None:
    """Whoever followed every frame sees what somebody sees who comes only now."""
    frames = read(path)["frames"]
    folded = await page.evaluate(FOLD, frames)
    seq, turn = folded["position"]
    events: dict[int, Any] = {}
    for frame in frames:
        for one in frame["events"] if frame["type"] == "joined" else [frame]:
            if "seq" in one and one["session"] == folded["session"]["id"] and one["seq"] <= seq:
                events[one["seq"]] = one
    fresh = {"type": "joined", "session": folded["session"], "seq": seq, "turn": turn, "events": list(events.values())}
    if folded["partial"] is not None:
        fresh["answer"] = {"turn": turn, "content": folded["partial"], "sources": []}
    joined = await page.evaluate(FOLD, [fresh])
    # To be behind is a state of a line, and a fresh join ends it.
    assert joined == {**folded, "behind": False}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_second_copy_of_durable_events_changes_nothing(page: Page, path: Path) -> None:
    frames = read(path)["frames"]
    doubled = [copy for frame in frames for copy in ([frame, frame] if "seq" in frame else [frame])]
    assert await page.evaluate(FOLD, doubled) == await page.evaluate(FOLD, frames)


async def test_offsets_are_counted_in_code_points(page: Page) -> None:
    counted = await page.evaluate(
        """async (texts) => { const { codePoints } = await import("/state.js"); return texts.map(codePoints); }""",
        ["", "abc", "👩‍💻", "नमस्ते"],
    )
    assert counted == [len(text) for text in ("", "abc", "👩‍💻", "नमस्ते")]


async def test_an_earlier_page_comes_before_and_brings_nothing_twice(page: Page) -> None:
    transcript = read(Path(__file__).parent / "transcripts" / "streamed_answer.json")
    joined, question, *_, answer, _late = transcript["frames"]
    start = {**joined, "seq": 3, "turn": 3, "events": [answer], "earlier": True}
    older = {"type": "earlier", "session": joined["session"]["id"], "more": False}
    folded = await page.evaluate(FOLD, [start, {**older, "events": [*joined["events"], question, answer]}])
    assert folded["shown"] == transcript["expect"]["shown"]


LOBBY = """async (frames) => {
  const { fold } = await import("/lobby.js");
  return frames.reduce(fold, []).map((one) => one.id);
}"""


async def test_the_lobby_has_who_is_in_danger_first_then_who_waits_longest_then_the_newest(page: Page) -> None:
    def one(id: str, updated: int, waiting: int | None = None) -> dict[str, Any]:
        return {"id": id, "updated_at": f"2026-11-23T10:00:{updated:02}Z"} | (
            {} if waiting is None else {"waiting_since": f"2026-11-23T09:00:{waiting:02}Z"}
        )

    danger = {**one("danger", 0), "urgent_since": "2026-11-23T10:00:30Z", "status": "active_ai"}
    lobby = {"type": "lobby", "sessions": [danger, one("old", 1), one("gone", 9), one("new", 8), one("waits", 2, 30)]}
    changed = {"type": "lobby_changed", "sessions": [one("old", 10), one("waits longer", 3, 5)], "gone": ["gone"]}
    assert await page.evaluate(LOBBY, [lobby, changed]) == ["danger", "waits longer", "waits", "old", "new"]
