"""The processes of the Procfile: started together, heard with their names in front, and ended together."""

import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatserver.adapters.children import Guard, dies_with_us, guard
from chatserver.running import Failed

LINE_MAX_BYTES = 64 * 1024
NAME_WIDTH = 7


def read_procfile(file: Path) -> dict[str, str]:
    """Commands by the names of their processes, in the file's order."""
    lines = (line.partition(":") for line in file.read_text().splitlines() if line.strip())
    return {name.strip(): command.strip() for name, _, command in lines}


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: asyncio.subprocess.Process
    listening: asyncio.Task[None]
    guard: Guard | None


class Processes:
    """Our children in `folder`, none of which outlives us. `say` gets their lines."""

    def __init__(self, folder: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._say = say
        self._children: list[Child] = []

    async def run(self, name: str, command: str) -> int:
        """Runs a command to its end and returns its exit code."""
        child = await self.start(name, command)
        code = await child.process.wait()
        await self._forget(child)
        return code

    async def start(self, name: str, command: str) -> Child:
        """Raises `Failed` where there is no such program."""
        program, *arguments = shlex.split(command)
        found = shutil.which(program, path=self._environment.get("PATH", os.defpath))
        if found is None:
            raise Failed(f"The Procfile's {name} is `{program}`, which is not installed; run `make up`, or install it.")
        process = await asyncio.create_subprocess_exec(
            found, *arguments, cwd=self._folder, env=self._environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, limit=LINE_MAX_BYTES,
            start_new_session=True, preexec_fn=dies_with_us(signal.SIGKILL),
        )  # fmt: skip
        listening = asyncio.create_task(self._listen(name, process))
        child = Child(name, process, listening, guard(process.pid, signal.SIGKILL))
        self._children.append(child)
        return child

    async def first_death(self) -> Child:
        """Waits for it; which child it was."""
        waits = {asyncio.create_task(child.process.wait()): child for child in self._children}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return waits[done.pop()]

    async def stop(self, seconds: float, hurry: asyncio.Event) -> None:
        """Asks all to end; whoever has not after `seconds`, or once there is a `hurry`, is made to."""
        for child in self._children:
            with suppress(ProcessLookupError):
                child.process.terminate()
        ends = asyncio.gather(*(child.process.wait() for child in self._children))
        hurried = asyncio.create_task(hurry.wait())
        awaited: set[asyncio.Future[Any]] = {ends, hurried}
        await asyncio.wait(awaited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not ends.done():
            late = [child for child in self._children if child.process.returncode is None]
            self._say(f"Ending {', '.join(child.name for child in late)} by force …")
            for child in late:
                with suppress(ProcessLookupError):
                    child.process.kill()
        await ends
        for child in self._children[:]:
            await self._forget(child)

    async def _forget(self, child: Child) -> None:
        self._children.remove(child)
        # A grandchild may hold the other end of the pipe for longer.
        await asyncio.wait({child.listening}, timeout=1)
        child.listening.cancel()
        if child.guard is not None:
            child.guard.dismiss()

    async def _listen(self, name: str, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:
                line = f"(a line of more than {LINE_MAX_BYTES // 1024} KiB)".encode()
            if not line:
                return
            self._say(f"{name:>{NAME_WIDTH}} | {line.decode(errors='replace').rstrip()}")
