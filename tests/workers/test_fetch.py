"""The open web as it is, on loopback: slow, huge, broken, throttling, trapped."""

import asyncio
import gzip
import socket
import tracemalloc
import zlib
from contextlib import ExitStack

import pytest

from tests.career_sites.trouble import Reply, bomb, redirect
from tests.until import until
from tests.workers.bench import CONTACT, PRIVATE, Bench
from workers.addresses import Reach
from workers.boards.board import Away, Blocked
from workers.exchange import CONNECTIONS_PER_HOST_MAX, HEADER_MAX_BYTES, Times
from workers.fetch import CONTACT_MAX_CHARACTERS, REDIRECTS_MAX, Fetch

FAST = Times(connect_seconds=5.0, read_seconds=5.0, request_seconds=0.3, stream_seconds=5.0)
MIB = 1024 * 1024


# What is sent


async def test_a_site_is_told_who_asks_and_how_to_reach_them(bench: Bench) -> None:
    await bench.fetch.request("GET", bench.at("/jobs"), headers={"Accept": "application/json", "User-Agent": "Browser"})
    agents = {asked.headers["user-agent"] for asked in bench.site.asked}
    assert len(bench.site.asked) == 2
    assert agents == {bench.fetch.agent}
    assert bench.fetch.agent.startswith("OttobonJobs/")
    assert bench.fetch.agent.endswith(f" (+{CONTACT})")
    assert bench.site.asked[-1].headers["accept"] == "application/json"
    assert bench.site.asked[-1].headers["accept-encoding"] == "gzip, deflate"


async def test_a_contact_cannot_write_a_header_of_its_own(bench: Bench) -> None:
    fetch = Fetch("https://jobs.example/bot)\r\nX-Other: 1", bench.pace)
    assert fetch.agent.endswith("(+https://jobs.example/botX-Other: 1)")
    assert len(Fetch("x" * 10_000, bench.pace).agent) < CONTACT_MAX_CHARACTERS + 50


async def test_an_address_arrives_as_it_was_written(bench: Bench) -> None:
    written = "/hcm?finder=findReqs;siteNumber=CX_1,facets=A%3BB,limit=25;Id=%22300%22&q=a+b%2f%C3%BC"
    answer = await bench.fetch.request("GET", bench.at(written))
    assert bench.site.paths() == [written]
    assert answer.url == bench.at(written)


async def test_json_is_posted_and_its_answer_read(bench: Bench) -> None:
    bench.site.says["/jobs"] = [Reply(422, "née".encode("latin-1"), (("X-Odd", "1"), ("Content-Type", "text/plain")))]
    answer = await bench.fetch.request("POST", bench.at("/jobs"), json={"limit": 20})
    asked = bench.site.asked[-1]
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", b'{"limit": 20}', "application/json")
    assert (answer.status, answer.text, answer.headers["x-odd"]) == (422, "née", "1")


async def test_cookies_are_neither_kept_nor_minded(bench: Bench) -> None:
    odd = "seen=1; expires=mer., 16-août-2026 00:00:00 GMT; path=/"
    bench.site.says["/jobs"] = [Reply(200, b"well", (("set-cookie", odd), ("set-cookie", "plain=2")))]
    for _ in range(2):
        assert (await bench.fetch.request("GET", bench.at("/jobs"))).text == "well"
    assert all("cookie" not in asked.headers for asked in bench.site.asked)


# Redirects and addresses


async def test_a_get_follows_redirects_and_says_where_it_ended(bench: Bench) -> None:
    bench.site.says["/a"] = [redirect("b?c=1")]
    bench.site.says["/b"] = [redirect(bench.at("/d", "other.example"), 307)]
    answer = await bench.fetch.request("GET", bench.at("/a"))
    assert answer.url == bench.at("/d", "other.example")
    assert bench.site.paths() == ["/a", "/b?c=1", "/d"]


async def test_each_step_keeps_the_pace_of_its_own_site(bench: Bench) -> None:
    bench.site.says["/a"] = [redirect(bench.at("/b", "other.example"))]
    await bench.fetch.request("GET", bench.at("/a"), pace="wd3")
    # robots.txt and page, twice.
    assert [key for key, _ in bench.pace.slots] == ["wd3", "wd3", "other.example", "other.example"]


async def test_a_post_follows_no_redirect(bench: Bench) -> None:
    bench.site.says["/jobs"] = [redirect("/elsewhere", 303)]
    assert (await bench.fetch.request("POST", bench.at("/jobs"), json={})).status == 303
    assert bench.site.paths() == ["/jobs"]


async def test_a_redirect_that_names_no_place_is_an_answer(bench: Bench) -> None:
    bench.site.says["/jobs"] = [Reply(303, b"")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 303


async def test_redirects_without_end_are_a_locked_door(bench: Bench) -> None:
    bench.site.says["/jobs"] = [redirect("/jobs")]
    with pytest.raises(Blocked, match="redirects more than 5 times"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    assert len(bench.site.paths()) == REDIRECTS_MAX + 1


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "http://[::1]/", "http://2130706433/"])
async def test_a_redirect_to_a_private_address_is_refused(bench: Bench, target: str) -> None:
    bench.site.says["/jobs"] = [redirect(target)]
    with pytest.raises(Blocked, match="private networks are not read"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    with pytest.raises(Blocked, match="private networks are not read"):
        await bench.read("/jobs")


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(bench: Bench) -> None:
    with pytest.raises(Blocked, match=f"inside.example leads to {PRIVATE}"):
        await bench.fetch.request("GET", bench.at("/jobs", "inside.example"))
    bench.site.says["/jobs"] = [redirect(bench.at("/", "inside.example"))]
    with pytest.raises(Blocked, match=f"inside.example leads to {PRIVATE}"):
        await bench.fetch.request("GET", bench.at("/jobs"))
    # It is not tried again.
    assert [key for key, _ in bench.pace.slots].count("inside.example") == 1


async def test_a_worker_outside_of_tests_reaches_no_loopback(bench: Bench) -> None:
    fetch = bench.worker(reach=Reach(ports=None))
    for host in ("careers.example", "127.0.0.1"):
        with pytest.raises(Blocked, match="private networks are not read"):
            await fetch.request("GET", bench.at("/jobs", host))
    with pytest.raises(Blocked, match="only 80 and 443 are read"):
        await bench.worker(reach=Reach()).request("GET", bench.at("/jobs"))
    assert bench.site.asked == []


# Size and time


async def test_what_is_too_large_breaks_off(bench: Bench) -> None:
    bench.site.says["/page"] = [Reply(body=b"x" * 1001)]
    assert len((await bench.fetch.request("GET", bench.at("/page"), most_bytes=1001)).body) == 1001
    with pytest.raises(Away, match="larger than 1,000 bytes"):
        await bench.fetch.request("GET", bench.at("/page"), most_bytes=1000)
    assert bench.site.paths() == ["/page", "/page"]


async def test_a_body_without_end_breaks_off(bench: Bench) -> None:
    bench.site.says["/feed"] = [Reply(fault="endless")]
    with pytest.raises(Away, match="larger than 1,048,576 bytes"):
        await bench.fetch.request("GET", bench.at("/feed"), most_bytes=MIB)
    with pytest.raises(Away, match="larger than 1,048,576 bytes"):
        await bench.read("/feed", most_bytes=MIB)


async def test_what_is_packed_counts_unpacked_and_is_never_held_whole(bench: Bench) -> None:
    bench.site.says["/feed"] = [bomb(64 * MIB)]
    await bench.fetch.request("GET", bench.at("/warm"))
    tracemalloc.start()
    try:
        with pytest.raises(Away, match="larger than 1,048,576 bytes"):
            await bench.fetch.request("GET", bench.at("/feed"), most_bytes=MIB)
        with pytest.raises(Away, match="larger than 1,048,576 bytes"):
            await bench.read("/feed", most_bytes=MIB)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * MIB


async def test_a_feed_comes_unpacked_and_in_pieces(bench: Bench) -> None:
    bench.site.says["/feed"] = [bomb(3 * MIB)]
    async with bench.fetch.stream(bench.at("/feed")) as stream:
        pieces = [chunk async for chunk in stream.chunks]
    assert stream.status == 200
    assert sum(map(len, pieces)) == 3 * MIB
    assert max(map(len, pieces)) < MIB


TEXT = b"a posting of some length. " * 4000


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)), ("gzip", gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:])),
        ("gzip", gzip.compress(TEXT) + bytes(512)), ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]), ("identity", TEXT), ("GZIP", gzip.compress(TEXT)),
    ],
    ids=["gzip", "two members", "zeros behind", "deflate", "deflate without a frame", "identity", "capitals"],
)  # fmt: skip
async def test_what_is_packed_is_read_whole(bench: Bench, encoding: str, packed: bytes) -> None:
    bench.site.says["/page"] = [Reply(200, packed, (("content-encoding", encoding),))]
    assert (await bench.fetch.request("GET", bench.at("/page"))).body == TEXT
    assert sum(await bench.read("/page")) == len(TEXT)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(TEXT)[:-100]), ("gzip", gzip.compress(TEXT)[:-1]), ("deflate", zlib.compress(TEXT)[:-9]),
        ("gzip", gzip.compress(TEXT) + gzip.compress(TEXT)[:50]), ("gzip", b"<html>no gzip at all"), ("br", b"xyz"),
    ],
    ids=["cut", "a byte short", "deflate cut", "second member cut", "not packed", "another packing"],
)  # fmt: skip
async def test_what_broke_off_in_its_packing_is_tried_again_and_not_taken_for_whole(
    bench: Bench, encoding: str, packed: bytes
) -> None:
    cut = Reply(200, packed, (("content-encoding", encoding),))
    bench.site.says["/page"] = [cut, Reply(body=b"whole")]
    assert (await bench.fetch.request("GET", bench.at("/page"))).text == "whole"
    bench.site.says["/feed"] = [cut]
    with pytest.raises(Away, match="cannot be read"):
        await bench.read("/feed")


async def test_headers_may_be_long_and_not_without_end(bench: Bench) -> None:
    bench.site.says["/page"] = [Reply(headers=(("policy", "x" * (HEADER_MAX_BYTES - 100)),))]
    assert (await bench.fetch.request("GET", bench.at("/page"))).status == 200
    bench.site.says["/page"] = [Reply(headers=(("policy", "x" * (HEADER_MAX_BYTES + 100)),))]
    with pytest.raises(Away, match="cannot be read"):
        await bench.fetch.request("GET", bench.at("/page"))


async def test_a_site_has_few_connections_to_bear(bench: Bench) -> None:
    await bench.fetch.request("GET", bench.at("/warm"))
    bench.site.holding = asyncio.Event()
    asking = [
        asyncio.create_task(bench.fetch.request("GET", bench.at("/jobs"))) for _ in range(2 * CONNECTIONS_PER_HOST_MAX)
    ]

    async def all_connected() -> bool:
        return len(bench.site.paths()) > CONNECTIONS_PER_HOST_MAX

    await until(all_connected)
    bench.site.holding.set()
    await asyncio.gather(*asking)
    assert bench.site.most_connections == CONNECTIONS_PER_HOST_MAX


@pytest.mark.parametrize("fault", ["silent", "stuck", "endless"])
async def test_a_site_that_takes_too_long_is_away(bench: Bench, fault: str) -> None:
    fetch = bench.worker(pauses_seconds=(0.0,))
    await fetch.request("GET", bench.at("/warm"))
    fetch._exchange._times = FAST
    before = len(bench.pace.slots)
    bench.site.says["/page"] = [Reply(fault=fault)]
    with pytest.raises(Away, match="does not answer in time"):
        await fetch.request("GET", bench.at("/page"), most_bytes=10**12)
    assert len(bench.pace.slots) - before == 2, "asked once more, whether or not the first time it came so far"
    assert set(bench.site.paths()) <= {"/warm", "/page"}


async def test_a_feed_that_stops_coming_is_away(bench: Bench) -> None:
    fetch = bench.worker(times=Times(read_seconds=0.2))
    bench.site.says["/feed"] = [Reply(fault="stuck")]
    with pytest.raises(Away, match="does not answer in time"):
        await bench.read("/feed", fetch=fetch)


async def test_a_feed_without_end_is_left_after_its_time(bench: Bench) -> None:
    fetch = bench.worker(times=Times(stream_seconds=0.2))
    bench.site.says["/feed"] = [Reply(fault="endless")]
    with pytest.raises(Away, match="does not answer in time"):
        await bench.read("/feed", fetch=fetch, most_bytes=10**12)


async def test_a_site_that_takes_no_connection_is_away(bench: Bench) -> None:
    fetch = bench.worker(times=Times(connect_seconds=0.1))
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        with pytest.raises(Away, match="does not answer in time"):
            await fetch.request("GET", f"http://careers.example:{full.getsockname()[1]}/jobs")


async def test_a_connection_that_is_broken_off_is_tried_again(bench: Bench) -> None:
    bench.site.says["/page"] = [Reply(fault="broken"), Reply(body=b"whole")]
    assert (await bench.fetch.request("GET", bench.at("/page"))).text == "whole"
    bench.site.says["/feed"] = [Reply(fault="broken")]
    with pytest.raises(Away, match="cannot be read"):
        await bench.read("/feed")
    assert bench.site.paths() == ["/page", "/page", "/feed"]
