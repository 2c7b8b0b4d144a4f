"""When a list says something about what is not in it."""

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.run import SOURCES
from workers.boards.board import COMPLETE_SHARE, Away, Blocked, ChangedShape, Disallowed
from workers.boards.config import FILE, FILE_MAX_BYTES, BoardsError, read_boards
from workers.schedule import last_slot
from workers.verdict import REMEMBERED_MIN, SHORT_PASSES, Pass, judge

KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
PLATFORMS = dict.fromkeys(("workday", "successfactors", "avature", "oracle", "kpmg_us"))
BOARD = "[[ey.boards]]\nname='a'\nplatform='oracle'\nurl='u'\ntenant='t'\n"


@given(
    fetched=st.integers(0, 3000), advertised=st.none() | st.integers(0, 3000), complete=st.booleans(),
    partial=st.none() | st.just("why"), held=st.integers(0, 3000), short=st.booleans(),
    error=st.none() | st.sampled_from([Blocked("b"), Away("a"), ChangedShape("c"), Disallowed("d")]),
)  # fmt: skip
def test_only_a_whole_list_closes_anything(
    fetched: int,
    advertised: int | None,
    complete: bool,
    partial: str | None,
    short: bool,
    held: int,
    error: Exception | None,
) -> None:
    found = judge(Pass(fetched, advertised, complete, partial, short, error), held)  # type: ignore[arg-type]
    if found.conclusive:
        assert complete
        assert partial is None
        assert error is None
        assert advertised is None or fetched >= COMPLETE_SHARE * advertised
        assert fetched or held <= REMEMBERED_MIN
    else:
        assert found.detail, "who reads it wants to know why"
    assert found.short == (found.status == "ok" and (short or fetched < (advertised or 0)))
    assert found.conclusive == (found.status in ("ok", "empty"))
    assert found.measures == (found.conclusive or "believed if the next run" in str(found.detail))
    assert [found.passes(least) for least in (1, 2)] == (
        [None, None] if not found.conclusive else [SHORT_PASSES if found.short else 1, 2]
    )


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-11-23T16:29:59+00:00", "2026-11-22T16:30:00+00:00"),
        ("2026-11-23T16:30:00+00:00", "2026-11-23T16:30:00+00:00"),
        ("2026-11-23T20:00:00+00:00", "2026-11-23T16:30:00+00:00"),
    ],
)
def test_the_day_begins_at_its_hour_there(now: str, slot: str) -> None:
    assert last_slot(datetime.fromisoformat(now), time(22, 0), KOLKATA) == datetime.fromisoformat(slot)


def test_a_day_on_which_the_clocks_change_has_its_run_too() -> None:
    for month, day in ((3, 29), (10, 25)):
        noon = datetime(2026, month, day, 12, tzinfo=UTC)
        assert last_slot(noon, time(2, 30), BERLIN).astimezone(BERLIN).date() == noon.date()


def test_the_boards_that_come_with_it_are_read() -> None:
    sources = read_boards(FILE, PLATFORMS)
    assert tuple(sources) == SOURCES
    for source in sources.values():
        assert source.boards[0].on, "a source starts with its first board, in India"
    pwc, deloitte = sources["pwc"], sources["deloitte"]
    assert pwc.keys(pwc.boards[0], "739604WD") == ("739604WD", "pwc:739604WD")
    assert pwc.keys(pwc.boards[1], "739604WD") == ("pwc:739604WD", "739604WD")
    assert deloitte.keys(deloitte.boards[1], "123") == ("usijobs:123",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[acme]\ncompany = 'Acme'\n", "acme is no source"),
        ("[ey]\ncompany = 'EY'\n", "at least one board"),
        ("[ey]\ncompany = 'EY'\n[[ey.boards]]\nname = 'a'\n", "lacks platform, tenant, url"),
        ("[ey]\ncompany = 'EY'\n" + BOARD.replace("oracle", "myspace"), "nobody reads"),
        ("[ey]\ncompany = 'EY'\n" + BOARD + BOARD, "Two boards"),
        ("[ey\n", "cannot be read"),
        ("#" * (FILE_MAX_BYTES + 1), "larger"),
    ],
)  # fmt: skip
def test_a_file_of_boards_that_cannot_be_says_why(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "boards.toml"
    file.write_text(text)
    with pytest.raises(BoardsError, match=says):
        read_boards(file, PLATFORMS)
