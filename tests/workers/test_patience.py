"""Errors and throttling: what is tried again, when, and when a site is left alone."""

from itertools import pairwise

import pytest

from tests.career_sites.trouble import Reply, slow_down
from tests.workers.bench import Bench
from workers.boards.board import Away, Blocked
from workers.circuits import FAILURES_MAX, OPEN_MAX_SECONDS, OPEN_SECONDS
from workers.fetch import PAUSES_SECONDS, RETRY_AFTER_MAX_SECONDS
from workers.web import Answer


async def test_errors_are_tried_three_times_more_with_growing_pauses(bench: Bench) -> None:
    bench.site.says["/jobs"] = [Reply(503), Reply(500), Reply(502), Reply(body=b"at last")]
    answer = await bench.fetch.request("POST", bench.at("/jobs"), json={})
    assert answer.text == "at last"
    assert [pause for pause in bench.time.slept if pause in PAUSES_SECONDS] == list(PAUSES_SECONDS)
    assert {asked.method for asked in bench.site.asked[1:]} == {"POST"}


async def test_errors_to_the_end_are_away(bench: Bench) -> None:
    bench.site.says["/jobs"] = [Reply(503)]
    with pytest.raises(Away, match=r"answers only with errors \(503\)"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    with pytest.raises(Away, match=r"answers only with errors \(503\)"):
        await bench.read("/jobs")
    assert len(bench.site.paths()) == 8


async def test_a_site_where_nobody_listens_is_away(bench: Bench) -> None:
    with pytest.raises(Away, match="cannot be read"):
        await bench.fetch.request("GET", "http://careers.example:1/jobs")


async def test_other_answers_are_the_boards_to_judge(bench: Bench) -> None:
    for status in (401, 403, 404, 406, 410, 422):
        bench.site.says["/jobs"] = [Reply(status)]
        assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == status
    assert len(bench.site.paths()) == 6


async def test_what_a_board_knows_as_throttling_is_tried_again(bench: Bench) -> None:
    def is_406(answer: Answer) -> bool:
        return answer.status == 406

    bench.site.says["/jobs"] = [Reply(406), Reply(body=b"well")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"), throttled=is_406)).text == "well"
    bench.site.says["/jobs"] = [Reply(406)]
    with pytest.raises(Blocked, match="slow down"):
        await bench.fetch.request("GET", bench.at("/jobs"), throttled=is_406)
    assert len(bench.site.paths()) == 2 + 4


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("45", 45.0), ("Wed, 16 Sep 2026 00:01:00 GMT", 60.0), ("Wed, 16 Sep 2020 00:00:00 GMT", 2.0), ("0", 2.0),
     ("Wed, 16 Sep 99999999999999999999 00:00:00 GMT", 2.0), ("Wed, 16 Sep 2026 00:00:00 +99999999999999999999", 2.0),
     ("soon", 2.0), ("²", 2.0), (None, 2.0)],
)  # fmt: skip
async def test_the_wait_that_a_site_asks_for_is_everybodys(bench: Bench, said: str | None, seconds: float) -> None:
    bench.site.says["/jobs"] = [slow_down(said), Reply()]
    began = await bench.redis_seconds()
    await bench.fetch.request("GET", bench.at("/jobs"), pace="wd3")
    [(key, asked)] = bench.pace.penalties
    assert key == "wd3"
    assert asked == pytest.approx(seconds, abs=1.1)
    _, again = bench.pace.slots[-1]
    assert again.at >= began + asked - 0.01
    # Another worker, which was told nothing, comes later still.
    assert (await bench.new_pace().reserve("wd3")).at > again.at


async def test_503_with_a_wait_is_waited_for_too(bench: Bench) -> None:
    bench.site.says["/jobs"] = [slow_down("45", 503), Reply()]
    await bench.fetch.request("GET", bench.at("/jobs"))
    assert bench.pace.penalties == [("careers.example", 45.0)]


async def test_too_many_requests_to_the_end_is_blocked(bench: Bench) -> None:
    bench.site.says["/jobs"] = [slow_down("1")]
    with pytest.raises(Blocked, match="asks us to slow down"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    assert len(bench.site.paths()) == 4


async def test_a_site_that_asks_for_more_than_we_wait_is_left_alone_for_so_long(bench: Bench) -> None:
    asked = int(RETRY_AFTER_MAX_SECONDS) + 480
    bench.site.says["/jobs"] = [slow_down(str(asked)), slow_down("9" * 5_000), Reply()]
    with pytest.raises(Blocked, match=f"stay away for {asked} seconds"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    with pytest.raises(Blocked, match="left alone for 600 more seconds"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    with pytest.raises(Blocked, match="asked us to stay away for"):
        # Another worker, which was told nothing.
        await bench.worker(pace=bench.new_pace()).request("GET", bench.at("/jobs"))
    assert bench.site.paths() == ["/jobs"]
    await bench.pauses_are_over(asked)
    with pytest.raises(Blocked, match="stay away for 999,999,999 seconds"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    await bench.pauses_are_over(OPEN_MAX_SECONDS)
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_a_site_that_is_down_is_left_alone_and_then_asked_once(bench: Bench) -> None:
    bench.site.says["/jobs"] = [Reply(503)]
    for _ in range(FAILURES_MAX):
        with pytest.raises(Away, match=r"answers only with errors \(503\)"):
            await bench.fetch.request("GET", bench.at("/jobs"), pace="wd3")
    tries = len(bench.site.paths())
    assert tries == FAILURES_MAX * 4
    for path in ("/jobs", "/others"):
        with pytest.raises(Away, match="wd3 is left alone for"):
            await bench.fetch.request("GET", bench.at(path), pace="wd3")
    assert len(bench.site.paths()) == tries
    bench.time.passed += OPEN_SECONDS
    with pytest.raises(Away, match=r"answers only with errors \(503\)"):
        await bench.fetch.request("GET", bench.at("/jobs"), pace="wd3")
    assert len(bench.site.paths()) == tries + 1
    bench.time.passed += OPEN_SECONDS
    bench.site.says["/jobs"] = [Reply()]
    for _ in range(2):
        assert (await bench.fetch.request("GET", bench.at("/jobs"), pace="wd3")).status == 200


async def test_two_workers_share_the_pace_of_a_site(bench: Bench) -> None:
    other_pace = bench.new_pace()
    other = bench.worker(pace=other_pace)
    for _ in range(3):
        await bench.fetch.request("GET", bench.at("/jobs"))
        await other.request("GET", bench.at("/jobs"))
    at = sorted(round(slot.at * 1000) for _, slot in (*bench.pace.slots, *other_pace.slots))
    assert len(at) == 8
    assert all(later - earlier >= 1000 for earlier, later in pairwise(at))
