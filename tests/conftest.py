"""The servers that tests run on: embedded ones, or those that TEST_DATABASE_URL and TEST_REDIS_URL name."""

import asyncio
import os
import secrets
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpcore2
import pytest
import pytest_asyncio

from chatserver.adapters.embedded import Postgres, Redis, add_extension, prepare
from chatserver.adapters.migrate import migrate
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.postgres import connect
from chatserver.adapters.wire import client
from chatserver.core.gazetteer import Gazetteer
from chatserver.settings import Settings
from tests.town import Town, a_town

pytest_plugins = ["tests.distribution", "tests.models", "tests.ports", "tests.unhurried"]

MIGRATIONS = Path(__file__).parent.parent / "migrations"
MOVED_PREFIX = "ottobon-postgres-"
SERVERS_PREFIX = "ottobon-tests-"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 2**30

# No setting of the person who runs the tests reaches them: no database, no key that costs money.
for _field in fields(Settings):
    os.environ.pop(_field.name.upper(), None)


def with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """`admin_url` is an administrator's; `owner_url` an ordinary role's, which owns the databases of the tests."""

    admin_url: str
    owner_url: str

    @property
    def owner(self) -> str:
        return urlsplit(self.owner_url).username or ""

    async def create(self, *, template: str | None = None) -> str:
        """The owner's URL of a fresh database: empty with the extension, or a copy of `template`."""
        url, statement = self.creation(template)
        await self._execute(statement)
        if template is None:
            await add_extension(with_database(self.admin_url, urlsplit(url).path[1:]))
        return url

    async def drop(self, url: str) -> None:
        await self._execute(self.removal(url))

    def creation(self, template: str | None) -> tuple[str, str]:
        """The owner's URL of a database that is not there yet, and what makes it."""
        name = f"test_{uuid4().hex[:12]}"
        # Files are copied in a third of the time that a copy through the write-ahead log takes.
        copied = f" template {template} strategy file_copy" if template else ""
        return with_database(self.owner_url, name), f"create database {name} owner {self.owner}{copied}"

    def removal(self, url: str) -> str:
        return f"drop database if exists {urlsplit(url).path[1:]} with (force)"

    async def drop_owner(self) -> None:
        await self._execute(f"drop owned by {self.owner}", f"drop role {self.owner}")

    async def _execute(self, *statements: str) -> None:
        admin = await asyncpg.connect(self.admin_url)
        try:
            for statement in statements:
                await admin.execute(statement)
        finally:
            await admin.close()


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where Postgres moved its data because its account cannot reach pytest's folders, that goes at the end."""
    yield
    for moved in tmp_path_factory.getbasetemp().rglob("MOVED"):
        place = Path(moved.read_text().strip())
        if place.name.startswith(MOVED_PREFIX):
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _certificates_are_read_once() -> Iterator[None]:
    """Each client of HTTP would read all that this machine trusts anew, which takes longer than most tests."""
    read = httpcore2.default_ssl_context
    known = cache(lambda: read(_trust_env=False))

    def from_memory(*, _trust_env: bool = True) -> ssl.SSLContext:
        # Who names certificates of their own gets those.
        named = _trust_env and any(name in os.environ for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        return read(_trust_env=_trust_env) if named else known()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", from_memory)
        yield


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """A folder that the account of an embedded server can reach, unlike pytest's own; in memory, if there is room.

    A disk's file system spends more time on the files of databases that come and go than the tests on anything else.
    """
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES
    for left in MEMORY.glob(f"{SERVERS_PREFIX}*"):
        if not Path("/proc", left.name.split("-")[2]).exists():
            # Of tests that were killed.
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{SERVERS_PREFIX}{os.getpid()}-", dir=MEMORY if roomy else None))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[PostgresServer]:
    """A Postgres with pgvector. The owner of its databases is nobody's superuser."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        owner, password = f"test_{secrets.token_hex(6)}", secrets.token_hex(12)
        parts = urlsplit(given)
        address = parts.netloc.rpartition("@")[2]
        server = PostgresServer(given, urlunsplit(parts._replace(netloc=f"{owner}:{password}@{address}")))
        asyncio.run(prepare(given, owner, password))
        yield server
        asyncio.run(server.drop_owner())
        return
    embedded = Postgres(servers_folder / "postgres", durable=False)
    asyncio.run(embedded.start())
    try:
        yield PostgresServer(embedded.admin_url, embedded.url)
    finally:
        asyncio.run(embedded.stop())
        shutil.rmtree(embedded.folder)


class Copies:
    """Copies of a database, one of them always ahead: it is made while the test before still runs.

    One connection makes all of them: to sign in takes the processor as long as a copy does.
    """

    def __init__(self, server: PostgresServer, template: str, maker: ThreadPoolExecutor) -> None:
        self._server = server
        self._template = template
        self._maker = maker
        self._runner = asyncio.Runner()
        self._admin: asyncpg.Connection = maker.submit(self._runner.run, asyncpg.connect(server.admin_url)).result()
        self._left: list[Future[str]] = []
        self._ahead = self._make()

    def take(self) -> str:
        """The owner's URL of a copy that nobody else has."""
        url = self._ahead.result()
        self._ahead = self._make()
        return url

    def leave(self, url: str) -> None:
        self._left.append(self._maker.submit(self._runner.run, self._admin.execute(self._server.removal(url))))

    def close(self) -> None:
        self.leave(self._ahead.result())
        for drop in self._left:
            drop.result()
        self._maker.submit(self._runner.run, self._admin.close()).result()
        self._maker.submit(self._runner.close).result()

    def _make(self) -> Future[str]:
        async def make() -> str:
            url, statement = self._server.creation(self._template)
            await self._admin.execute(statement)
            return url

        return self._maker.submit(self._runner.run, make())


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresServer) -> Iterator[Copies]:
    """Copies of a database with all migrations applied."""

    async def make() -> str:
        url = await postgres_server.create()
        await migrate(url, MIGRATIONS)
        return url

    url = asyncio.run(make())
    with ThreadPoolExecutor(1) as maker:
        copies = Copies(postgres_server, urlsplit(url).path[1:], maker)
        yield copies
        copies.close()
    asyncio.run(postgres_server.drop(url))


@pytest_asyncio.fixture
async def database_url(migrated: Copies) -> AsyncIterator[str]:
    """The ordinary owner's URL of a fresh, migrated database."""
    url = migrated.take()
    yield url
    migrated.leave(url)


@pytest_asyncio.fixture
async def empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The ordinary owner's URL of a fresh database: extension and roles are there, nothing else."""
    url = await postgres_server.create()
    yield url
    await postgres_server.drop(url)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool on a fresh, migrated database, as the ordinary owner."""
    pool = await connect(database_url)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def redis_server(servers_folder: Path) -> Iterator[str]:
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    embedded = Redis(servers_folder / "redis")
    asyncio.run(embedded.start())
    try:
        yield embedded.url
    finally:
        asyncio.run(embedded.stop())


@pytest_asyncio.fixture
async def redis_url(redis_server: str) -> AsyncIterator[str]:
    """A Redis with nothing in it."""
    connection = client(redis_server)
    await connection.flushdb()
    await connection.aclose()
    yield redis_server


@pytest_asyncio.fixture
async def town(
    database: asyncpg.Pool, redis_url: str, tmp_path: Path, minilm: MiniLM, gazetteer: Gazetteer
) -> AsyncIterator[Town]:
    """Where hub nodes of one test live."""
    async with a_town(database, redis_url, tmp_path, minilm, gazetteer) as town:
        yield town
