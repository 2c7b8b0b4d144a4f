"""The command line: one function a command, one line for what went wrong.

What a command alone needs is imported by it: the rest answers at once.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import asyncpg
import uvloop

from chatserver import logs
from chatserver.adapters.migrate import MigrationError, check, migrate
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from chatserver.core.run import SOURCES
from chatserver.running import DATA, ROOT, Failed, read_run
from chatserver.settings import Settings, SettingsError

MIGRATIONS = ROOT / "migrations"
DONE, FAILED, USAGE = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; `{self.prog} --help` says what there is.", file=sys.stderr)
        raise SystemExit(USAGE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="chatserver", description="The chat server of Ottobon Jobs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    up = commands.add_parser("up", help="everything on this machine, with embedded servers and a demo")
    up.add_argument("--port", type=_port, help="where to listen on loopback; 0 picks a free port")
    up.add_argument("--data", type=Path, default=DATA, help="the folder that keeps the state (default: %(default)s)")
    up.add_argument("--no-demo", action="store_true", help="without demo users, jobs and conversations")
    serving = commands.add_parser("serve", help="one hub node")
    serving.add_argument("--host", help="the address to listen on")
    serving.add_argument("--port", type=_port, help="the port (default: PORT)")
    migrating = commands.add_parser("migrate", help="bring the database up to date")
    migrating.add_argument("--check", action="store_true", help="only say what is pending or differs")
    user = commands.add_parser("user", help="show or change a user")
    user.add_argument("email", metavar="EMAIL")
    user.add_argument("--role", choices=("seeker", "provider", "admin"))
    activity = user.add_mutually_exclusive_group()
    activity.add_argument("--deactivate", dest="deactivated", action="store_const", const=True)
    activity.add_argument("--activate", dest="deactivated", action="store_const", const=False)
    ingesting = commands.add_parser("ingest", help="read the career sites")
    ingesting.add_argument("source", nargs="?", metavar="SOURCE", choices=SOURCES, help=f"{', '.join(SOURCES)}; or all")
    ingesting.add_argument("--now", action="store_true", help="here and now, with a bar, and not in a bulk worker")
    reembedding = commands.add_parser("reembed", help="all vectors anew with the configured model, then one switch")
    doctor = commands.add_parser("doctor", help="look at settings and services")
    for command in (migrating, user, ingesting, reembedding, doctor):
        command.add_argument("--data", type=Path, default=DATA, help="the data folder of a running `up`")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a number from 0 to 65535")
    return int(text)


def _environment(data: Path) -> Mapping[str, str]:
    """The environment; what it does not name is where a running `up` on this folder has it."""
    run = read_run(data)
    found = {"DATABASE_URL": run.database_url, "REDIS_URL": run.redis_url, "RESUME_DIR": run.resume_dir} if run else {}
    return {**os.environ, **{name: value for name, value in found.items() if not os.environ.get(name)}}


def _database(settings: Settings) -> str:
    if not settings.database_url:
        raise Failed(
            "DATABASE_URL is not set and no `chatserver up` runs here; set it, or name its folder with --data."
        )
    return settings.database_url


async def _migrate(settings: Settings, *, only_check: bool) -> int:
    if not only_check:
        await migrate(_database(settings), MIGRATIONS, progress=print)
        return DONE
    findings = await check(_database(settings), MIGRATIONS)
    for finding in findings:
        print(finding)
    if not findings:
        print("Nothing is pending and nothing differs.")
    return FAILED if findings else DONE


async def _user(settings: Settings, arguments: argparse.Namespace) -> int:
    from chatserver.adapters.postgres import connect, reason
    from chatserver.adapters.users import UserStore

    pool = await connect(_database(settings), size=1, pooler=settings.database_pooler == "transaction")
    try:
        users = UserStore(pool)
        user = await users.by_email(arguments.email)
        if user is None:
            raise Failed(f"Nobody with the address {arguments.email} has signed in yet; let them sign in once first.")
        if arguments.role:
            await users.set_role(user.id, arguments.role)
        if arguments.deactivated is not None:
            await users.set_deactivated(user.id, arguments.deactivated)
        user = await users.get(user.id) or user
    except asyncpg.PostgresError as error:
        raise Failed(f"The database does not have this ({reason(error)}); run `chatserver migrate` first.") from None
    finally:
        await pool.close()
    print(f"{user.email}  {user.role}  {'deactivated' if user.deactivated else 'active'}  {user.name}  {user.id}")
    return DONE


async def _ingest(settings: Settings, source: str | None) -> int:
    from chatserver.adapters.postgres import connect
    from chatserver.adapters.runs import RunStore
    from chatserver.runs import Runs

    if not (settings.ingest_contact or settings.public_url):
        raise Failed("INGEST_CONTACT is not set; name a page or a mail address where the career sites reach you.")
    pool = await connect(_database(settings), size=1, pooler=settings.database_pooler == "transaction")
    code = DONE
    try:
        runs = Runs(RunStore(pool))
        for one in [source] if source else SOURCES:
            try:
                await runs.ask(None, one)
                print(
                    f"{one}: a bulk worker takes it up within half a minute; `GET /api/admin/runs` says how far it is."
                )
            except Refused as refused:
                print(f"{one}: {refused.message}", file=sys.stderr)
                code = FAILED
    finally:
        await pool.close()
    return code


async def _doctor(settings: Settings) -> int:
    from chatserver.doctor import examine

    well = True
    async for finding in examine(settings):
        print(finding)
        well = well and finding.well is not False
    if not well:
        print("What each means for people, and what to do: docs/operations.md, *What doctor and readyz say*.")
    return DONE if well else FAILED


async def _up(arguments: argparse.Namespace, parent: int) -> int:
    from chatserver.up import Up

    # Make passes on what it is told, except that it was killed.
    under_make = "MAKELEVEL" in os.environ
    run = Up(arguments.data, arguments.port, demo=not arguments.no_demo, parent=parent if under_make else None)
    await run.run()
    return DONE


async def _run(arguments: argparse.Namespace, parent: int) -> int:
    if arguments.command == "up":
        return await _up(arguments, parent)
    settings = Settings.from_env(os.environ if arguments.command == "serve" else _environment(arguments.data))
    process = "web" if arguments.command == "serve" else arguments.command
    logs.configure(settings.log_level, settings.log_format, process)
    match arguments.command:
        case "serve":
            from chatserver.serving import serve

            await serve(settings, arguments.host, arguments.port)
            return DONE
        case "migrate":
            return await _migrate(settings, only_check=arguments.check)
        case "user":
            return await _user(settings, arguments)
        case "ingest":
            return await _ingest(settings, arguments.source)
        case "reembed":
            from chatserver.reembed_command import reembed

            _database(settings)
            await reembed(settings)
            return DONE
    return await _doctor(settings)


def main() -> None:
    parent = os.getppid()
    arguments = _parser().parse_args()
    if arguments.command == "ingest" and arguments.now:
        # The server knows nothing of the workers: this process becomes one.
        command = [sys.executable, "-m", "workers.ingest", *([arguments.source] if arguments.source else [])]
        os.execve(sys.executable, command, dict(_environment(arguments.data)))  # noqa: S606 - all parts are ours
    try:
        code = uvloop.run(_run(arguments, parent))
    except (SettingsError, Failed, Unavailable, MigrationError, Refused) as error:
        print(error, file=sys.stderr)
        code = FAILED
    except KeyboardInterrupt:
        code = FAILED
    raise SystemExit(code)


if __name__ == "__main__":
    main()
