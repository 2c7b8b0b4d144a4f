"""Resume files to text, each in a bounded process of its own that cannot harm this one."""

import asyncio
import os
import signal
import sys
from contextlib import suppress

import msgspec

from chatserver.core.errors import Refused
from chatserver.core.ports import Extracted, Unavailable

FILE_MAX_BYTES = 5 * 1024 * 1024
MEMORY_MAX_BYTES = 768 * 1024 * 1024
PROCESSOR_SECONDS = 20
WALL_SECONDS = 30.0
WAITING_MAX = 50
ANSWER_MAX_BYTES = 4 * 1024 * 1024


class _Answer(msgspec.Struct):
    unreadable: str | None = None
    kind: str = ""
    text: str = ""
    pages: int = 0
    warnings: list[str] = msgspec.field(default_factory=list)


class ProcessExtractor:
    """At most one file for each processor at a time; the rest waits in order, up to a bound.

    Whose they are it does not know: `chatserver.resumes` has one of a person read at a time.
    """

    def __init__(
        self,
        *,
        wall_seconds: float = WALL_SECONDS,
        processor_seconds: int = PROCESSOR_SECONDS,
        memory_max_bytes: int = MEMORY_MAX_BYTES,
    ) -> None:
        self._turns = asyncio.Semaphore(os.cpu_count() or 1)
        self._wall_seconds = wall_seconds
        self._limits = (str(memory_max_bytes), str(processor_seconds))
        self._waiting = 0

    async def extract(self, data: bytes) -> Extracted:
        """Raises `Refused` (`bad_content`) with a sentence for the sender, `Unavailable` where too many wait."""
        if len(data) > FILE_MAX_BYTES:
            raise Refused(
                "bad_content", f"The file is larger than {FILE_MAX_BYTES // 1024 // 1024} MB; send a smaller one."
            )
        if self._waiting >= WAITING_MAX:
            raise Unavailable("Too many files are being read just now; try again in a minute.")
        self._waiting += 1
        try:
            async with self._turns:
                return await self._extract(data)
        finally:
            self._waiting -= 1

    async def _extract(self, data: bytes) -> Extracted:
        said = await self._said(data)
        try:
            answer = msgspec.json.decode(said, type=_Answer)
        except msgspec.MsgspecError:
            raise _too_hard() from None
        if answer.unreadable is not None:
            raise Refused("bad_content", answer.unreadable)
        return Extracted(answer.kind, answer.text, answer.pages, tuple(answer.warnings))

    async def _said(self, data: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "chatserver.adapters.reading_child", *self._limits,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            # Its environment holds no key of ours.
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        # Written while it is read: one that talks before it listens would block both sides.
        writing = asyncio.create_task(_write(process.stdin, data))
        said = bytearray()
        status: int | None = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wall_seconds):
                    while len(said) <= ANSWER_MAX_BYTES and (piece := await process.stdout.read(64 * 1024)):
                        said += piece
                    if len(said) <= ANSWER_MAX_BYTES:
                        status = await process.wait()
        finally:
            if status is None:
                # The whole group, also where the reader itself is gone: whoever it left behind holds the pipe open.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                # Its end is not noticed before the last of what it said is read.
                await process.stdout.read()
                await process.wait()
            # A writer that was not through leaves its end of the pipe open; nobody else closes it.
            writing.cancel()
            await asyncio.wait([writing])
            process.stdin.close()
            with suppress(ConnectionError):
                await process.stdin.wait_closed()
        if status != 0:
            raise _too_hard()
        return bytes(said)


async def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    # One that died early says so by what it did not say.
    with suppress(ConnectionError):
        pipe.write(data)
        await pipe.drain()
        pipe.close()


def _too_hard() -> Refused:
    return Refused(
        "bad_content", "This file could not be read within the limits; save it again as a plain PDF, or paste the text."
    )
