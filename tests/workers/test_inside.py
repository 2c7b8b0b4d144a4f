"""No way inside: neither by a name that changes its mind, nor by a proxy that the environment names."""

from collections.abc import AsyncIterator, Collection
from contextlib import aclosing
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import TCPConnector

from tests.career_sites.trouble import Reply
from tests.forward_proxy import ForwardProxy
from tests.workers.bench import CONTACT, PRIVATE, Bench
from workers.addresses import Reach
from workers.boards.board import Away, Blocked
from workers.fetch import Fetch

LOOPBACK = Reach((ip_network("127.0.0.1/32"),), ports=None)


class Turncoat:
    """A name server whose answers for one name are these in turn, the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Collection[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def worker(bench: Bench, names: Turncoat) -> Fetch:
    return Fetch(
        CONTACT, bench.pace, reach=LOOPBACK, look_up=names, pauses_seconds=(), clock=bench.time, sleep=bench.time.sleep
    )


async def test_what_was_checked_is_what_is_connected_to(bench: Bench) -> None:
    """Asked once: who looks a name up, judges it, and leaves the connection to look it up again is led anywhere."""
    names = Turncoat(["127.0.0.1"], [PRIVATE])
    async with aclosing(worker(bench, names)) as fetch:
        assert (await fetch.request("GET", bench.at("/jobs"))).status == 200
    assert names.asked == 1


@pytest.mark.parametrize("inside", [PRIVATE, "::ffff:10.0.0.7", "169.254.169.254", "fd00::7"])
async def test_a_name_that_leads_inside_at_the_next_connection_is_refused(bench: Bench, inside: str) -> None:
    names = Turncoat(["127.0.0.1"], [inside])
    bench.site.says["/last"] = [Reply(fault="broken")]
    async with aclosing(worker(bench, names)) as fetch:
        with pytest.raises(Away, match="cannot be read"):
            await fetch.request("GET", bench.at("/last"))
        # What was checked is remembered for ten seconds; they are over.
        connector = fetch._exchange._session().connector
        assert isinstance(connector, TCPConnector)
        connector.clear_dns_cache()
        with pytest.raises(Blocked, match="private networks are not read"):
            await fetch.request("GET", bench.at("/jobs"))
    assert names.asked == 2
    assert bench.site.paths() == ["/last"]


@pytest_asyncio.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[ForwardProxy]:
    proxy = ForwardProxy()
    async with proxy.served() as url:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, url)
        known = tmp_path / ".netrc"
        known.write_text("default login a-stranger password a-stranger\n")
        known.chmod(0o600)
        monkeypatch.setenv("NETRC", str(known))
        yield proxy


async def test_no_proxy_of_the_environment_connects_instead_of_us(bench: Bench, proxy: ForwardProxy) -> None:
    """It would look names up by itself, and reach what it reaches."""
    with pytest.raises(Blocked, match=f"inside.example leads to {PRIVATE}"):
        await bench.fetch.request("GET", bench.at("/jobs", "inside.example"))
    assert (await bench.fetch.request("GET", bench.at("/jobs"))).status == 200
    assert sum(await bench.read("/feed")) > 0
    assert proxy.heads == []
    assert not any("authorization" in asked.headers for asked in bench.site.asked)
