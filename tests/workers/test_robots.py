"""What a site's robots.txt says is done."""

import asyncio

import pytest

from tests.career_sites.trouble import Reply, redirect, robots, slow_down
from tests.workers.bench import Bench
from workers.boards.board import Away, Blocked, Disallowed
from workers.robots import DELAY_MAX_SECONDS, KEPT_SECONDS, ORIGINS_MAX, ROBOTS_MAX_BYTES, UNKNOWN_SECONDS, Robots


def asked_for_robots(bench: Bench) -> int:
    return sum(asked.path == "/robots.txt" for asked in bench.site.asked)


async def test_what_is_disallowed_is_not_asked_for(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [robots("User-agent: *\nDisallow: /private\nAllow: /private/jobs")]
    with pytest.raises(Disallowed, match=r"/robots.txt does not allow /private; ask the site for leave, or turn the"):
        await bench.fetch.request("GET", bench.at("/private?x"))
    with pytest.raises(Disallowed):
        await bench.read("/private/feed")
    assert bench.site.paths() == []
    assert (await bench.fetch.request("GET", bench.at("/private/jobs"))).status == 200
    assert asked_for_robots(bench) == 1


async def test_a_rule_for_our_name_stands_above_the_rule_for_all(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [robots("User-agent: OttobonJobs\nDisallow: /\n\nUser-agent: *\nAllow: /")]
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/jobs"))


async def test_a_rule_for_another_robot_is_not_ours(bench: Bench) -> None:
    # Its name stands in our contact.
    bench.site.says["/robots.txt"] = [robots("User-agent: crawler\nDisallow: /")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_a_redirect_is_followed_only_where_it_is_allowed(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [robots("User-agent: *\nDisallow: /private")]
    bench.site.says["/jobs"] = [redirect("/private")]
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/jobs"))
    assert bench.site.paths() == ["/jobs"]


async def test_each_site_has_its_own(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [robots("User-agent: *\nDisallow: /"), Reply(404)]
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/jobs"))
    assert (await bench.fetch.request("GET", bench.at("/jobs", "other.example"))).status == 200
    assert asked_for_robots(bench) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_without_one_everything_is_allowed(bench: Bench, status: int) -> None:
    bench.site.says["/robots.txt"] = [Reply(status, b"User-agent: *\nDisallow: /")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_a_page_in_its_place_forbids_nothing(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [Reply(200, b"<!doctype html><title>Careers</title><p>Disallow: nothing</p>")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_while_it_cannot_be_had_nothing_is_asked(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [Reply(503)]
    for _ in range(2):
        with pytest.raises(Away, match="cannot be had, so nothing else is asked there just now"):
            await bench.fetch.request("GET", bench.at("/jobs"))
    assert asked_for_robots(bench) == 4
    assert bench.site.paths() == []
    bench.site.says["/robots.txt"] = [Reply(404)]
    bench.time.passed += UNKNOWN_SECONDS
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_a_site_that_throttles_even_that_is_blocked(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [slow_down("1")]
    with pytest.raises(Blocked, match="cannot be had"):
        await bench.fetch.request("GET", bench.at("/jobs"))


async def test_it_may_stand_elsewhere_but_not_inside(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [redirect("/other.txt")]
    bench.site.says["/other.txt"] = [robots("User-agent: *\nDisallow: /jobs")]
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/jobs"))
    bench.site.says["/robots.txt"] = [redirect("http://10.0.0.1/robots.txt")]
    with pytest.raises(Blocked, match="private networks"):
        await bench.fetch.request("GET", bench.at("/jobs", "other.example"))


async def test_one_that_leads_in_circles_is_none(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [redirect("/robots.txt")]
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200


async def test_what_stands_behind_half_a_mebibyte_is_not_read(bench: Bench) -> None:
    head = "User-agent: *\nDisallow: /first\n"
    filler = "#" * (ROBOTS_MAX_BYTES - len(head) - 1) + "\n"
    bench.site.says["/robots.txt"] = [robots(f"{head}{filler}Disallow: /last\n" + "#" * 1_000_000)]
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/first"))
    assert (await bench.fetch.request("GET", bench.at("/last"))).status == 200


async def test_it_is_asked_again_the_next_day(bench: Bench) -> None:
    bench.site.says["/robots.txt"] = [robots("User-agent: *\nAllow: /"), robots("User-agent: *\nDisallow: /")]
    await bench.fetch.request("GET", bench.at("/jobs"))
    bench.time.passed += KEPT_SECONDS - 60
    await bench.fetch.request("GET", bench.at("/jobs"))
    bench.time.passed += 60
    with pytest.raises(Disallowed):
        await bench.fetch.request("GET", bench.at("/jobs"))


@pytest.mark.parametrize(
    ("said", "gap"), [("5", 5.0), ("0.2", 1.0), ("86400", DELAY_MAX_SECONDS), ("inf", 1.0), ("nan", 1.0),
                      ("-3", 1.0), ("often", 1.0)],
)  # fmt: skip
async def test_the_pause_it_asks_for_is_kept_up_to_a_bound(bench: Bench, said: str, gap: float) -> None:
    bench.site.says["/robots.txt"] = [robots(f"User-agent: *\nCrawl-delay: {said}")]
    for _ in range(2):
        await bench.fetch.request("GET", bench.at("/jobs"))
    (_, first), (_, second) = bench.pace.slots[-2:]
    assert gap <= round(second.at - first.at, 3) < gap + 20


async def test_many_at_once_ask_for_it_once(bench: Bench) -> None:
    await asyncio.gather(*(bench.fetch.request("GET", bench.at("/jobs")) for _ in range(5)))
    assert asked_for_robots(bench) == 1


async def test_sites_that_are_remembered_are_bounded() -> None:
    asked: list[str] = []

    async def ask(url: str, pace: str | None) -> tuple[int, bytes, str | None]:
        asked.append(url)
        return 404, b"", None

    rules = Robots(ask)
    for number in range(ORIGINS_MAX + 1):
        await rules.check(f"https://{number}.example/", None)
    await rules.check(f"https://{ORIGINS_MAX}.example/", None)
    assert len(asked) == ORIGINS_MAX + 1
    await rules.check("https://0.example/", None)
    assert asked[-1] == "https://0.example/robots.txt"
