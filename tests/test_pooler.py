"""Everything through PgBouncer in transaction mode: one statement does not find the server connection of another."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from chatserver.adapters.cron_locks import CronLocks
from chatserver.adapters.migrate import check, migrate
from chatserver.adapters.postgres import connect
from chatserver.core.ports import Unavailable
from chatserver.doctor import Finding, examine
from chatserver.node import Node
from chatserver.settings import Settings
from tests.conftest import MIGRATIONS
from tests.load.house import a_client
from tests.load.town import a_node
from tests.pgbouncer import SERVER_CONNECTIONS, pooled
from tests.until import until
from tests.worker_process import a_worker

CALLERS = 4 * SERVER_CONNECTIONS


async def many_at_once(pool: asyncpg.Pool) -> None:
    async def one(number: int) -> None:
        for nth in range(20):
            # The same statements with other values, by several: what one server connection knows another does not.
            assert await pool.fetchval("select $1::int + $2::int", number, nth) == number + nth
            assert await pool.fetchval("select $1::text", str(number)) == str(number)

    await asyncio.gather(*(one(number) for number in range(CALLERS)))


async def database_found(url: str, **more: str) -> Finding:
    settings = Settings.from_env({"DATABASE_URL": url, **more})
    return {finding.name: finding async for finding in examine(settings)}["pooler"]


async def test_the_setting_decides_and_doctor_knows(database_url: str, servers_folder: Path) -> None:
    async with pooled(database_url, servers_folder) as url:
        pool = await connect(url, pooler=True)
        await many_at_once(pool)
        await pool.close()
        assert (await database_found(url, DATABASE_POOLER="transaction")).well is True
        wrong = await database_found(url)
        assert wrong.well is False
        assert "DATABASE_POOLER=transaction" in wrong.sentence

        # What the test is worth: without the setting this very pooler breaks it.
        with pytest.raises(Unavailable, match="set DATABASE_POOLER=transaction"):
            await many_at_once(await connect(url, pooler=False))
    assert (await database_found(database_url)).well is True
    assert (await database_found(database_url, DATABASE_POOLER="transaction")).well is None


async def test_a_whole_day_behind_a_pooler(empty_database_url: str, redis_url: str, servers_folder: Path) -> None:
    async with pooled(empty_database_url, servers_folder) as url:
        await migrate(url, MIGRATIONS)
        assert await check(url, MIGRATIONS) == []
        environment = {"DATABASE_URL": url, "REDIS_URL": redis_url, "DATABASE_POOLER": "transaction"}
        async with a_worker(**environment), a_node(url, redis_url, DATABASE_POOLER="transaction") as served:
            await a_day(served.node, served.url, f"http://127.0.0.1:{served.port}")


async def a_day(node: Node, ws: str, url: str) -> None:
    assert node.issuer is not None
    tokens = {}
    for role in ("seeker", "admin", "provider"):
        user = await node.users.by_email(f"{role}@example.com", uuid4())
        await node.pool.execute("update users set role = $2::user_role where id = $1", user.id, role)
        tokens[role] = node.issuer.issue(user.email, user.id)

    job = {"title": "Data engineer", "description_raw": "Pipelines in Python and SQL for an online shop in Pune. " * 5}
    headers = {"Authorization": f"Bearer {tokens['provider']}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as provider:
        posted = (await provider.post("/api/jobs", json=job)).json()["id"]

        async def is_active() -> bool:
            return bool((await provider.get(f"/api/jobs/{posted}")).json()["status"] == "active")

        await until(is_active, 60.0)
        scrape = (await provider.get("/metrics")).text
        assert 'ottobon_worker_up{queue="waited_for"} 1.0' in scrape
        assert 'ottobon_worker_up{queue="bulk"} 0.0' in scrape

    async with a_client(ws) as seeker, a_client(ws) as admin:
        for role, client in (("seeker", seeker), ("admin", admin)):
            await client.says("hello", token=tokens[role], ref="h")
            assert (await client.hears_back("h"))["type"] == "welcome"
        await seeker.says("join", ref="j")
        session = (await seeker.hears_back("j"))["session"]["id"]
        await seeker.says("post", session=session, id=str(uuid4()), content="Which job is for Python?", ref="p")
        await seeker.hears_back("p")
        while (answer := await seeker.hears_of("message"))["role"] != "assistant":
            pass
        assert [source["job"] for source in answer["sources"]] == [posted]
        await admin.says("watch", ref="w")
        assert [one["id"] for one in (await admin.hears_back("w"))["sessions"]] == [session]
        await admin.says("join", session=session, ref="j")
        await admin.hears_back("j")
        await admin.says("take_over", session=session, ref="t")
        assert (await admin.hears_back("t"))["type"] == "ok"
        assert (await seeker.hears_of("status"))["status"] == "active_human"

        async def is_logged() -> bool:
            return bool(await node.pool.fetchval("select seq = logged_seq from chat_sessions where id = $1", session))

        await until(is_logged)

    # As many ask as wait for one of the server's connections; one is let in, for as long as the others ask.
    asked = 0
    all_asked = asyncio.Event()

    async def takes(number: int) -> bool:
        nonlocal asked
        async with CronLocks(node.pool, str(number)).held("ingestion:ey") as ours:
            if ours:
                await all_asked.wait()
            asked += 1
            if asked == CALLERS - 1:
                all_asked.set()
            return ours

    assert sum(await asyncio.gather(*(takes(number) for number in range(CALLERS)))) == 1
