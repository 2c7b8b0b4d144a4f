"""Redis behind TLS: a whole answer over it, whose certificate is believed, and how an operator says that none is."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from chatserver.adapters import wire
from chatserver.adapters.jobs import PostgresJobs
from chatserver.adapters.queue import ArqQueue
from chatserver.core.draft import JobDraft
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.ports import Unavailable
from chatserver.doctor import Finding, examine
from chatserver.settings import Settings, SettingsError
from tests.load.house import a_client
from tests.load.town import Served, a_node
from tests.screens import Screen
from tests.tls import Authority, an_authority, context_for, terminated
from tests.until import until
from tests.worker_process import a_worker


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return an_authority(tmp_path)


def through(redis_url: str, port: int, query: str = "") -> str:
    parts = urlsplit(redis_url)
    return urlunsplit(parts._replace(scheme="rediss", netloc=f"{parts.netloc.rpartition(':')[0]}:{port}", query=query))


async def found(url: str) -> Finding:
    return {finding.name: finding async for finding in examine(Settings.from_env({"REDIS_URL": url}))}["redis"]


async def enqueued(url: str, database: asyncpg.Pool) -> str:
    queue = ArqQueue(url)
    try:
        job, enrichment = await PostgresJobs(database).add(SYSTEM_PROVIDER, JobDraft("Data Engineer", "SQL in Pune."))
        await queue.enrich(enrichment)
        return str(job.id)
    finally:
        await queue.aclose()


async def test_a_node_and_a_worker_over_tls(
    database: asyncpg.Pool, database_url: str, redis_url: str, authority: Authority
) -> None:
    async with terminated(urlsplit(redis_url).port or 0, context_for(authority, "127.0.0.1")) as port:
        url = through(redis_url, port, f"ssl_ca_certs={authority.file}")
        assert (await found(url)).well is True
        async with a_worker(DATABASE_URL=database_url, REDIS_URL=url):
            job = await enqueued(url, database)
            async with a_node(database_url, url) as one, a_node(database_url, url) as other:
                await until(lambda: one.node.wire.healthy and other.node.wire.healthy)
                await a_text_crosses(one, other)

            async def is_active() -> bool:
                return bool(await database.fetchval("select status = 'active' from jobs where id = $1::uuid", job))

            await until(is_active, 60.0)


async def a_text_crosses(one: Served, other: Served) -> None:
    assert one.node.issuer is not None
    user = await one.node.users.by_email("asha@example.com", uuid4())
    token = one.node.issuer.issue(user.email, user.id)
    async with a_client(one.url) as phone, a_client(other.url) as laptop:
        for device in (phone, laptop):
            await device.says("hello", token=token, ref="h")
            assert (await device.hears_back("h"))["type"] == "welcome"
        await phone.says("join", ref="j")
        session = (await phone.hears_back("j"))["session"]["id"]
        await laptop.says("join", session=session, ref="j")
        joined = await laptop.hears_back("j")
        await phone.says("post", session=session, id=str(uuid4()), content="Hello?", ref="p")
        # A text that grows, as what follows it or as all of it so far: which of them, the load of this machine decides.
        screen = Screen("laptop", turn=joined["turn"], seq=joined["seq"])
        crossed = ""
        while len(screen.said) < 2:
            screen.take(await laptop.hears())
            crossed = screen.partial[1] if screen.partial else crossed
        role, answer = screen.said[1]
        assert crossed
        assert role == "assistant"
        assert answer.startswith(crossed)


@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example.com"])
async def test_a_certificate_of_nobody_known_or_of_another_host_is_refused(
    redis_url: str, database: asyncpg.Pool, authority: Authority, host: str
) -> None:
    """The package itself would take any certificate of a known authority for this server's."""
    known = f"ssl_ca_certs={authority.file}" if host != "127.0.0.1" else ""
    async with terminated(urlsplit(redis_url).port or 0, context_for(authority, host)) as port:
        url = through(redis_url, port, known)
        refused = await found(url)
        assert refused.well is False
        assert "ssl_cert_reqs=none" in refused.sentence
        assert "ssl_ca_certs" in refused.sentence
        with pytest.raises(Unavailable):
            await enqueued(url, database)

        # As Heroku's: an operator says so, and is reminded what it means.
        url = through(redis_url, port, "ssl_cert_reqs=none")
        taken = await found(url)
        assert taken.well is None
        assert "nobody checks" in taken.sentence
        await enqueued(url, database)


async def test_plain_and_encrypted_taken_for_each_other(
    redis_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminated(urlsplit(redis_url).port or 0, context_for(authority, "127.0.0.1")) as port:
        plain = await found(through(redis_url, port).replace("rediss:", "redis:"))
        assert "is it rediss://" in plain.sentence
    monkeypatch.setattr(wire, "SOCKET_SECONDS", 0.5)
    encrypted = await found(redis_url.replace("redis:", "rediss:"))
    assert "is it redis://" in encrypted.sentence


def test_a_word_for_the_certificate_that_is_none() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL: ssl_cert_reqs is 'no'"):
        Settings.from_env({"REDIS_URL": "rediss://:tiger@redis.example.com?ssl_cert_reqs=no"})
