"""What an operator sees of a whole node: the metrics, the readiness, and both while Postgres or Redis is away."""

import asyncio
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from chatserver.adapters import levels, postgres, readiness
from chatserver.adapters.postgres import connect
from chatserver.node import MIGRATIONS
from tests.load.house import a_client
from tests.until import until
from tests.web.watched import Watched, asks, watched

SOON_SECONDS = 0.3
PROBES = 15
LEAK = "too many connections for role keeper at db-7.internal.example.com"
AWAY = "The database does not answer just now; try again."
SECRET = "my salary is 2,350,000"


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "FRESH_SECONDS", 0.0)


async def test_a_conversation_is_counted_and_nobody_is_named(database_url: str, redis_url: str) -> None:
    async with watched(database_url, redis_url) as operator:
        node = operator.node
        assert node.issuer is not None
        people = {role: f"{role}@example.com" for role in ("seeker", "admin")}
        ids = {role: (await node.users.by_email(email, uuid4())).id for role, email in people.items()}
        await node.pool.execute("update users set role = 'admin' where id = $1", ids["admin"])
        url = operator.served.url
        async with a_client(url) as seeker, a_client(url) as admin:
            for role, client in (("seeker", seeker), ("admin", admin)):
                await client.says("hello", token=node.issuer.issue(people[role], ids[role]), ref="h")
                assert (await client.hears_back("h"))["type"] == "welcome"
            await seeker.says("join", ref="j")
            session = (await seeker.hears_back("j"))["session"]["id"]
            await seeker.says("post", session=session, id=str(uuid4()), content=SECRET, ref="p")
            await seeker.hears_back("p")
            while (await seeker.hears_of("message"))["role"] != "assistant":
                pass
            await seeker.says("ask_human", session=session, ref="a")
            await seeker.hears_back("a")
            assert (await operator.scrape())["ottobon_waiting"] == 1
            await admin.says("take_over", session=session, ref="t")
            assert (await admin.hears_back("t"))["type"] == "ok"
            await seeker.says("take_over", session=session, ref="t")
            assert (await seeker.hears_back("t"))["code"] == "forbidden"
            token = node.issuer.issue(people["seeker"], ids["seeker"])
            headers = {"Authorization": f"Bearer {token}"}
            await operator.client.get(f"/api/sessions/{session}", headers=headers)
            await operator.client.get(f"/{session}")
            await operator.client.request("BREW", "/api/me")

            async def carried() -> bool:
                return (await operator.scrape())["ottobon_wire_lag_seconds_count"] > 0

            await until(carried)
            found = await operator.scrape()
        assert {name: found[name] for name in EXPECTED} == EXPECTED
        assert found["ottobon_sent_bytes_total"] > 1_000
        assert SECRET.split()[-1] not in str(found)
        await until(lambda: not node.hub.connections)
        found = await operator.scrape()
        assert found["ottobon_connections"] == 0
        assert found['ottobon_socket_closes_total{code="1006"}'] == 2


EXPECTED = {
    "ottobon_connections": 2,
    "ottobon_sessions_open": 1,
    "ottobon_answers_running": 0,
    "ottobon_answer_first_text_seconds_count": 1,
    'ottobon_answers_total{code="",outcome="done"}': 1,
    'ottobon_answer_seconds_count{outcome="done"}': 1,
    "ottobon_takeovers_total": 1,
    "ottobon_person_wait_seconds_count": 1,
    'ottobon_frames_received_total{type="post"}': 1,
    'ottobon_refusals_total{code="forbidden"}': 1,
    'ottobon_http_requests_total{method="GET",route="/api/sessions/{id}",status="200"}': 1,
    'ottobon_http_request_seconds_count{route="/api/sessions/{id}"}': 1,
    'ottobon_http_requests_total{method="GET",route="(none)",status="404"}': 1,
    'ottobon_http_requests_total{method="(other)",route="/api/me",status="405"}': 1,
    'ottobon_sessions{status="active_human"}': 1,
    "ottobon_waiting": 0,
    "ottobon_wire_up": 1,
    "ottobon_database_up": 1,
    "ottobon_redis_up": 1,
    'ottobon_worker_up{queue="bulk"}': 0,
    'ottobon_budget_today_usd{purpose="answers"}': 20,
    "ottobon_budget_refusals_total": 0,
    "ottobon_draining": 0,
}


async def the_database_is_away(operator: Watched) -> None:
    found = await operator.shows(redis_up=1)
    assert found["ottobon_database_up"] == 0
    assert "ottobon_waiting" not in found, "a figure of before is none of now"
    status, parts = await operator.ready()
    assert (status, parts["database"], parts["migrations"]) == (503, "does not answer", "not known")
    before = len(operator.postgres.tasks)
    await asyncio.gather(*(operator.ready() for _ in range(PROBES)))
    assert len(operator.postgres.tasks) - before < PROBES, "each probe takes a connection more"


async def test_an_operator_is_told_what_is_away_and_waits_for_nothing(
    database_url: str, database: asyncpg.Pool, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(database_url, redis_url, DATABASE_POOL_SIZE="30") as operator:
        assert await operator.ready() == (200, {
            "database": "ok", "migrations": "ok", "embeddings": "ok", "redis": "ok", "node": "ok",
        })  # fmt: skip

        # A network that swallows what is sent: nothing fails, nothing comes.
        operator.postgres.open.clear()
        with monkeypatch.context() as impatient:
            impatient.setattr(levels, "READ_SECONDS", SOON_SECONDS)
            impatient.setattr(readiness, "ANSWER_SECONDS", SOON_SECONDS)
            await the_database_is_away(operator)
        operator.postgres.open.set()

        async def answers() -> bool:
            return (await operator.ready())[0] == 200

        await until(answers)

        monkeypatch.setattr(levels, "READ_SECONDS", SOON_SECONDS)
        operator.redis.open.clear()
        operator.redis.cut()
        await until(lambda: not operator.node.wire.healthy)
        found = await operator.shows(database_up=1)
        assert (found["ottobon_redis_up"], found["ottobon_wire_up"]) == (0, 0)
        assert 'ottobon_queue_depth{queue="bulk"}' not in found
        status, parts = await operator.ready()
        assert status == 200, "answers come without Redis, only later"
        assert parts["redis"].startswith("degraded")
        operator.redis.open.set()

        await database.execute("insert into embedding_models (model) values ('text-embedding-3-small')")

        async def degraded() -> bool:
            return "chatserver reembed" in (await operator.ready())[1]["embeddings"]

        await until(degraded)
        assert (await operator.ready())[0] == 200

        await database.execute("delete from private.schema_migrations where name = '022_unfinished_jobs.sql'")
        status, parts = await operator.ready()
        assert (status, parts["migrations"]) == (503, "pending: run `chatserver migrate`")
        await database.execute("insert into private.schema_migrations values ('022_unfinished_jobs.sql', '')")
        await database.execute("insert into private.schema_migrations values ('999_of_a_newer_node.sql', '')")
        assert (await operator.ready())[0] == 200, "an older node serves on while a newer one is deployed"

        operator.node.draining = True
        status, parts = await operator.ready()
        assert (status, parts["node"]) == (503, "is going away")


async def test_a_database_that_cannot_be_written_or_was_never_migrated_is_not_ready(
    database_url: str, empty_database_url: str, redis_url: str
) -> None:
    async with watched(database_url, redis_url) as operator:
        embedder = operator.node.ready._embedder
        for url, part, says in (
            (empty_database_url, "migrations", "pending: run `chatserver migrate`"),
            (database_url, "database", "cannot be written: it is a standby"),
        ):
            name = urlsplit(url).path[1:]
            pool = await connect(url, size=1)
            if part == "database":
                await pool.execute(f"alter database {name} set default_transaction_read_only = on")
                await pool.expire_connections()
            asked = readiness.Readiness(pool, MIGRATIONS, embedder, hears=lambda: True, leaves=lambda: False)
            assert (await asked())[part] == says
            await asked.aclose()
            await pool.close()


async def test_what_the_database_says_is_for_the_log_and_for_nobody_who_asked(
    database_url: str, database: asyncpg.Pool, redis_url: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(postgres, "complaints", postgres.Complaints())
    async with watched(database_url, redis_url) as operator, operator.person("seeker") as seeker:
        headers = {"Authorization": f"Bearer {await operator.token('seeker')}"}
        session = (await asks(seeker, "join"))["session"]["id"]
        await database.execute(f"""
            create function full_up() returns trigger language plpgsql as $$
            begin raise '{LEAK}' using errcode = 'too_many_connections'; end $$;
            create trigger full_up before insert on chat_messages execute function full_up();
            create trigger full_up before update on users execute function full_up();
        """)
        for _ in range(3):
            refused = await asks(seeker, "post", session=session, id=str(uuid4()), content="Which one?")
            assert (refused["code"], refused["message"]) == ("unavailable", AWAY)
            assert refused["retry_after"] > 0
        answer = await operator.client.patch("/api/me", json={"full_name": "Asha"}, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (503, "unavailable", AWAY)
    told = [record.getMessage() for record in caplog.records if LEAK in record.getMessage()]
    assert len(told) == 1
