"""Every line of doctor, seen well and seen to be wrong, with its remedy and without a secret."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chatserver.adapters.wire import client
from chatserver.doctor import CHECKS, Finding, examine, postgres
from chatserver.settings import Settings
from tests.conftest import PostgresServer, with_database
from tests.forward_proxy import ForwardProxy
from tests.loopback import serving

SECRET = "tiger"
SERVICE_KEY = f"sb_secret_{SECRET}"


class Supabase:
    """What doctor asks of a project: its keys and its bucket."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: object = {"keys": [{"kid": "one"}]}
        self.bucket: tuple[int, object] = (200, {"name": "resumes", "public": False})

    async def publish(self, request: Request) -> Response:
        return JSONResponse(self.keys, 200 if isinstance(self.keys, dict) else 404)

    async def show(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {SERVICE_KEY}"
        return JSONResponse(self.bucket[1], self.bucket[0])


@pytest_asyncio.fixture
async def project() -> AsyncIterator[Supabase]:
    made = Supabase()
    routes = [
        Route("/auth/v1/.well-known/jwks.json", made.publish), Route("/storage/v1/bucket/resumes", made.show)
    ]  # fmt: skip
    async with serving(Starlette(routes=routes)) as made.url:
        yield made


async def told(**env: str) -> dict[str, Finding]:
    findings = {finding.name: finding async for finding in examine(Settings.from_env(env))}
    assert len(findings) == len(CHECKS), "a line each, under a name of its own"
    for finding in findings.values():
        line = str(finding)
        assert "\n" not in line
        assert SECRET not in line
        for name in ("DATABASE_URL", "REDIS_URL"):
            if password := urlsplit(env.get(name, "")).password:
                assert password not in line
    return findings


@pytest_asyncio.fixture
async def well(database_url: str, redis_url: str, project: Supabase, tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is to be said against anything."""
    return {
        "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SUPABASE_URL": project.url,
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable", "SUPABASE_SERVICE_KEY": SERVICE_KEY,
        "ANTHROPIC_API_KEY": f"sk-ant-{SECRET}", "PUBLIC_URL": "https://jobs.example.com",
        "TRUSTED_PROXIES": "10.0.0.0/8", "NOTIFY_WEBHOOK_URL": project.url, "NOTIFY_SECRET": SECRET,
    }  # fmt: skip


async def test_all_is_well(well: dict[str, str]) -> None:
    assert [str(finding) for finding in (await told(**well)).values() if not finding.well] == []


async def test_what_is_called_by_a_proxy_is_asked_by_it_and_the_webhook_is_not_tried(well: dict[str, str]) -> None:
    proxy = ForwardProxy()
    async with proxy.served() as by:
        found = await told(**well | {
            "OUTGOING_PROXY": by.replace("//", f"//asha:{SECRET}@"), "SUPABASE_URL": "https://abcd.supabase.co",
            "NOTIFY_WEBHOOK_URL": "https://hooks.example.com",
        })  # fmt: skip
    assert set(proxy.asked) == {"CONNECT abcd.supabase.co:443"}
    assert "cannot be reached (ProxyError)" in found["sign-in"].sentence
    assert "OUTGOING_PROXY" in found["notifications"].sentence


async def test_without_any_setting_every_line_says_what_to_set() -> None:
    found = await told()
    assert {name for name, finding in found.items() if finding.well is False} == {
        "database", "pooler", "role", "schema", "clock", "redis", "embeddings",
    }  # fmt: skip
    assert "set it" in found["database"].sentence
    assert "set it" in found["redis"].sentence


@pytest.mark.parametrize(
    ("env", "line", "is_well", "remedy"),
    [
        ({"DATABASE_URL": "postgresql://owner:tiger@127.0.0.1:1/jobs"}, "database", False, "check DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://p:tiger@db.abcd.supabase.co.invalid/p"}, "database", False, "session pooler"),
        ({"REDIS_URL": "redis://:tiger@127.0.0.1:1"}, "redis", False, "check REDIS_URL"),
        ({"REDIS_URL": "redis://:tiger@nowhere.invalid"}, "redis", False, "check REDIS_URL"),
        ({"SUPABASE_URL": "http://127.0.0.1:1"}, "sign-in", False, "check SUPABASE_URL"),
        ({"SUPABASE_PUBLISHABLE_KEY": ""}, "sign-in", None, "SUPABASE_PUBLISHABLE_KEY"),
        ({"ANTHROPIC_API_KEY": "sk-tiger"}, "assistant", False, "copy it again"),
        ({"ANTHROPIC_API_KEY": ""}, "assistant", None, "offline"),
        ({"ANTHROPIC_API_KEY": "tiger", "ANTHROPIC_BASE_URL": "http://localhost:11434"}, "assistant", True, "claude"),
        ({"OPENAI_API_KEY": "tiger"}, "embeddings", False, "copy it again"),
        ({"SUPABASE_SERVICE_KEY": "", "RESUME_DIR": "/dev/null/resumes"}, "storage", False, "RESUME_DIR"),
        ({"SUPABASE_SERVICE_KEY": ""}, "storage", None, "SUPABASE_SERVICE_KEY"),
        ({"PUBLIC_URL": "http://jobs.example.com"}, "origins", None, "https"),
        ({"PUBLIC_URL": ""}, "origins", None, "PUBLIC_URL"),
        ({"TRUSTED_PROXIES": ""}, "limits", None, "TRUSTED_PROXIES"),
        ({"LIMIT_POSTS_PER_MINUTE": "0"}, "limits", None, "LIMIT_POSTS_PER_MINUTE"),
        ({"NOTIFY_WEBHOOK_URL": "https://127.0.0.1:1/tiger"}, "notifications", False, "NOTIFY_WEBHOOK_URL"),
        ({"NOTIFY_WEBHOOK_URL": "", "NOTIFY_SECRET": ""}, "notifications", None, "NOTIFY_WEBHOOK_URL"),
        ({"PUBLIC_URL": "", "INGEST_CONTACT": ""}, "ingestion", None, "INGEST_CONTACT"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_with_its_remedy(
    well: dict[str, str], env: dict[str, str], line: str, is_well: bool | None, remedy: str
) -> None:
    finding = (await told(**{**well, **env}))[line]
    assert (finding.well, remedy in finding.sentence) == (is_well, True), finding


async def test_a_project_that_nobody_can_sign_in_with(well: dict[str, str], project: Supabase) -> None:
    project.keys = {"keys": []}
    assert "SUPABASE_JWT_SECRET" in (await told(**well))["sign-in"].sentence
    assert (await told(**well, SUPABASE_JWT_SECRET=SECRET))["sign-in"].well is True
    wrong: tuple[object, ...] = ([], {"keys": None})
    for keys in wrong:
        project.keys = keys
        assert (await told(**well))["sign-in"].well is False


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        ((404, {"message": "Bucket not found"}), "make a private one"),
        ((403, {}), "service_role"),
        ((200, {"public": True}), "make it private"),
    ],
)
async def test_a_bucket_that_is_none_of_ours(
    well: dict[str, str], project: Supabase, answer: tuple[int, object], remedy: str
) -> None:
    project.bucket = answer
    finding = (await told(**well))["storage"]
    assert (finding.well, remedy in finding.sentence) == (False, True)


async def test_a_database_that_is_behind_or_another_models(well: dict[str, str], database: asyncpg.Pool) -> None:
    await database.execute("insert into embedding_models (model) values ('text-embedding-3-small')")
    found = (await told(**well))["embeddings"]
    assert (found.well, "chatserver reembed" in found.sentence) == (False, True)
    await database.execute("delete from private.schema_migrations where name = '022_unfinished_jobs.sql'")
    found = (await told(**well))["schema"]
    assert (found.well, "chatserver migrate" in found.sentence) == (False, True)
    name = urlsplit(well["DATABASE_URL"]).path[1:]
    await database.execute(f"alter database {name} set default_transaction_read_only = on")
    found = (await told(**well))["database"]
    assert (found.well, "primary" in found.sentence) == (False, True)


async def test_a_role_that_is_too_much_or_too_little(
    well: dict[str, str], postgres_server: PostgresServer, database: asyncpg.Pool
) -> None:
    name = urlsplit(well["DATABASE_URL"]).path[1:]
    found = (await told(**{**well, "DATABASE_URL": with_database(postgres_server.admin_url, name)}))["role"]
    assert (found.well, "superuser" in found.sentence) == (None, True)
    admin = await asyncpg.connect(with_database(postgres_server.admin_url, name))
    await admin.execute("create role visitor login password 'tiger'")
    try:
        parts = urlsplit(well["DATABASE_URL"])
        url = parts._replace(netloc=f"visitor:tiger@{parts.netloc.rpartition('@')[2]}").geturl()
        found = (await told(**{**well, "DATABASE_URL": url}))["role"]
        assert (found.well, "connect as the role that migrates" in found.sentence) == (False, True)
    finally:
        await admin.execute("drop role visitor")
        await admin.close()


async def test_an_extension_that_is_missing(well: dict[str, str], postgres_server: PostgresServer) -> None:
    url = await postgres_server.create()
    admin = await asyncpg.connect(with_database(postgres_server.admin_url, urlsplit(url).path[1:]))
    await admin.execute("drop extension vector")
    await admin.close()
    try:
        found = (await told(**{**well, "DATABASE_URL": url}))["database"]
        assert (found.well, "create extension vector" in found.sentence) == (False, True)
    finally:
        await postgres_server.drop(url)


async def test_clocks_that_differ(well: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SKEW_SECONDS", -1.0)
    found = (await told(**well))["clock"]
    assert (found.well, "time server" in found.sentence) == (False, True)


async def test_a_redis_that_forgets_what_waits(well: dict[str, str]) -> None:
    redis = client(well["REDIS_URL"])
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    found = (await told(**well))["redis"]
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.aclose()
    assert (found.well, "noeviction" in found.sentence) == (None, True)
