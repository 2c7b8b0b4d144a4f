"""Debian's PgBouncer in transaction mode, in front of a Postgres of the tests."""

import os
import pwd
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from chatserver.adapters.children import Account, Server
from tests.installed import program
from tests.ports import held_port
from tests.until import until

NAME = "pgbouncer"
PLACES = f"{os.defpath}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
SERVER_CONNECTIONS = 3
"""More than one, and fewer than clients: who relies on finding the same one again is soon let down."""


def pgbouncer() -> str:
    what = f"There is no PgBouncer here; install your system's `{NAME}` package to run these tests."
    return program(NAME, what=what, path=PLACES)


@asynccontextmanager
async def pooled(database_url: str, folder: Path) -> AsyncIterator[str]:
    """The address of the database behind a transaction pooler."""
    with held_port() as port:
        async with _pooled(database_url, folder, port) as url:
            yield url


@asynccontextmanager
async def _pooled(database_url: str, folder: Path, port: int) -> AsyncIterator[str]:
    parts = urlsplit(database_url)
    folder = folder / f"{NAME}-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{parts.username}" "{parts.password}"\n')
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={parts.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\n"
        f"unix_socket_dir=\nauth_type=scram-sha-256\nauth_file={users}\npool_mode=transaction\n"
        f"default_pool_size={SERVER_CONNECTIONS}\nserver_round_robin=1\nmax_client_conn=100\n"
    )
    account = None
    if os.geteuid() == 0:
        # It refuses to run as root.
        entry = pwd.getpwnam("nobody")
        account = Account(entry.pw_uid, entry.pw_gid)
    server = Server("PgBouncer", folder / "log", signal.SIGKILL)
    server.launch([pgbouncer(), str(settings)], account, folder)
    url = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))

    async def answers() -> bool:
        assert server.is_running, server.said()
        try:
            connection = await asyncpg.connect(url, statement_cache_size=0)
        except OSError:
            return False
        await connection.close()
        return True

    try:
        await until(answers)
        yield url
    finally:
        server.stop(signal.SIGKILL)
