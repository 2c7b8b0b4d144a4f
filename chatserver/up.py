"""The whole on one machine: embedded servers, migrations, the demo, every process of the Procfile, and a clean end."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx2

from chatserver.adapters.children import free_port
from chatserver.adapters.embedded import Postgres, Redis
from chatserver.demo import DemoRefused, DemoUsers, load_demo
from chatserver.node import issuer_of
from chatserver.procfile import Child, Processes, read_procfile
from chatserver.running import ROOT, Failed, Run, remembered, take_lock
from chatserver.serving import LOOPBACK, listen
from chatserver.settings import Settings

READY_SECONDS = 60.0
POLL_SECONDS = 0.1
ORPHAN_POLL_SECONDS = 0.5
LOCK_TRIES = 100
END_SECONDS = 15.0
"""How long a process has to end, beyond the time in which the web drains."""
PROBE_SECONDS = 5.0


def read_dotenv(file: Path) -> dict[str, str]:
    """NAME=value lines; quotes around a value are taken off, # begins a comment line. Raises `Failed`."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{file} cannot be read ({error}); make it a text file of NAME=value lines.") from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        stripped = line.strip().removeprefix("export ").strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not name.strip().isidentifier() or "\x00" in value:
            raise Failed(f"{file}, line {number}: this is not NAME=value; correct it or begin it with #.")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        values[name.strip()] = value
    return values


def say(line: str) -> None:
    # Whoever started us may read no more; that ends nothing.
    with suppress(OSError):
        print(line, flush=True)


class Up:
    """One run of `chatserver up` on a data folder. Without a `port` it is the one of the settings; 0 is a free one.

    With a `parent` it ends when that is no longer its parent: `make` may be killed and cannot tell.
    """

    def __init__(self, folder: Path, port: int | None, *, demo: bool, parent: int | None = None) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._demo = demo
        self._parent = parent
        self._leaving = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Until a signal comes. Raises `Failed`, `SettingsError` or `Unavailable`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has it ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._leave)
        async with AsyncExitStack() as stack:
            running = asyncio.create_task(self._everything(stack))
            left = asyncio.create_task(self._leaving.wait())
            orphaned = asyncio.create_task(self._until_orphaned())
            await asyncio.wait({running, left, orphaned}, return_when=asyncio.FIRST_COMPLETED)
            say("Stopping …")
            for task in (running, left, orphaned):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await running
        say("Stopped; nothing is left running.")

    def _leave(self) -> None:
        (self._hurry if self._leaving.is_set() else self._leaving).set()

    async def _until_orphaned(self) -> None:
        while self._parent is None or os.getppid() == self._parent:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(ORPHAN_POLL_SECONDS)

    async def _lock(self, stack: AsyncExitStack) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A run that was killed, or told to end, may take a moment.
            for _ in range(LOCK_TRIES):
                if lock := take_lock(self._folder):
                    stack.enter_context(lock)
                    return
                await asyncio.sleep(POLL_SECONDS)
        except OSError as error:
            raise Failed(
                f"{self._folder} cannot be used ({error.strerror}); name another folder with --data."
            ) from None
        raise Failed(f"Something runs on {self._folder} already; stop it, or name another folder with --data.")

    async def _everything(self, stack: AsyncExitStack) -> None:
        await self._lock(stack)
        environment = {**read_dotenv(Path(".env")), **os.environ}
        settings = Settings.from_env(environment)
        port = (settings.port if self._port is None else self._port) or free_port()
        listen(settings, LOOPBACK, port).close()
        environment.setdefault("RESUME_DIR", str(self._folder / "resumes"))
        environment |= await self._servers(stack, settings)
        environment["PORT"] = str(port)
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
        environment["PYTHONUNBUFFERED"] = "1"
        # Their lines come to a person, though through a pipe.
        environment.setdefault("LOG_FORMAT", "text")
        settings = Settings.from_env(environment)

        processes = Processes(ROOT, environment, say)
        stack.push_async_callback(processes.stop, settings.drain_seconds + END_SECONDS, self._hurry)
        commands = read_procfile(ROOT / "Procfile")
        say("Bringing the database up to date …")
        if await processes.run("release", commands.pop("release")):
            raise Failed("The database could not be brought up to date; the lines above say why.")
        users = None
        if self._demo:
            say("Loading the demo …")
            try:
                users = await load_demo(settings, say)
            except DemoRefused as refused:
                raise Failed(str(refused)) from None
        say(f"Starting {', '.join(commands)} …")
        for name, command in commands.items():
            await processes.start(name, command)
        death = asyncio.create_task(processes.first_death())
        stack.callback(death.cancel)
        await self._until_ready(port, death)
        url = f"http://{LOOPBACK}:{port}"
        servers = str(settings.database_url), str(settings.redis_url)
        stack.enter_context(remembered(self._folder, Run(os.getpid(), url, *servers, settings.resume_dir)))
        self._tell(settings, url, users)
        raise _ended(await death)

    async def _servers(self, stack: AsyncExitStack, settings: Settings) -> dict[str, str]:
        """Starts what is not set, and returns the settings that say where."""
        made: dict[str, str] = {}
        if not settings.database_url:
            say("Starting Postgres …")
            postgres = Postgres(self._folder / "postgres")
            stack.push_async_callback(postgres.stop)
            await postgres.start()
            if postgres.folder != self._folder / "postgres":
                say(f"Postgres keeps its data in {postgres.folder}, where the account that runs it can reach it.")
            made["DATABASE_URL"] = postgres.url
        if not settings.redis_url:
            say("Starting Redis …")
            redis = Redis(self._folder / "redis")
            stack.push_async_callback(redis.stop)
            await redis.start()
            made["REDIS_URL"] = redis.url
        return made

    async def _until_ready(self, port: int, death: "asyncio.Task[Child]") -> None:
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        async with httpx2.AsyncClient(timeout=PROBE_SECONDS, trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                if death.done():
                    raise _ended(death.result())
                with suppress(httpx2.HTTPError):
                    if (await client.get(f"http://{LOOPBACK}:{port}/readyz")).status_code == httpx2.codes.OK:
                        return
                await asyncio.sleep(POLL_SECONDS)
        raise Failed(f"The server was not ready after {READY_SECONDS:.0f} seconds; the lines above say why.")

    def _tell(self, settings: Settings, url: str, users: DemoUsers | None) -> None:
        assistant = settings.chat_model if settings.anthropic_api_key else "offline; set ANTHROPIC_API_KEY for a model"
        say(f"\nReady at {url} (assistant: {assistant})\n")
        issuer = issuer_of(settings)
        if issuer is None:
            say(f"Sign in with Supabase's accounts of {settings.supabase_url}.")
        elif users is None:
            say("Sign in with any e-mail address; `chatserver user EMAIL --role admin` makes an admin.")
        else:
            say("Each link signs in by itself, in a tab of its own:")
            pages = (("seeker", "/", users.seeker), ("admin", "/admin", users.admin))
            for role, page, email in (*pages, ("provider", "/provider", users.provider)):
                say(f"\n  {role:<9}{url}{page}#token={issuer.issue(email, users.ids[email])}")
        say("\nCtrl-C stops everything.")


def _ended(child: Child) -> Failed:
    return Failed(f"{child.name} ended with code {child.process.returncode}; its last lines above say why.")
