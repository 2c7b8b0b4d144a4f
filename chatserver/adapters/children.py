"""Child processes that do not outlive us, whatever ends us; servers among them, and what a killed run left behind."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatserver.core.ports import Unavailable

PROCESSES = Path("/proc")
GONE_SECONDS = 10.0
STOP_SECONDS = 10.0
COMMAND_SECONDS = 60.0
LOG_TAIL_CHARACTERS = 800
POLL_SECONDS = 0.02

_PR_SET_PDEATHSIG = 1
_ORPHANED = 75
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

# For systems whose kernel does not tell a child that its parent died: the pipe's end does.
_GUARD = "import os, sys; sys.stdin.read(); os.kill(int(sys.argv[1]), int(sys.argv[2]))"


def dies_with_us(how: signal.Signals) -> Callable[[], None] | None:
    """What the child runs before it becomes its program: the kernel sends it `how` once our thread has ended.

    So start it from a thread that lives as long as we do. None where the kernel does not know this; see `Guard`.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, how)
        # We may have died before the kernel was told.
        if os.getppid() != parent:
            os._exit(_ORPHANED)

    return prepare


class Guard:
    """A process in a session of its own that sends `how` to `pid` once we are gone."""

    def __init__(self, pid: int, how: signal.Signals) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - a constant program
            [sys.executable, "-I", "-S", "-c", _GUARD, str(pid), str(int(how))],
            stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def dismiss(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


def guard(pid: int, how: signal.Signals) -> Guard | None:
    """A guard where the kernel does not do its work."""
    return None if sys.platform == "linux" else Guard(pid, how)


def left_in(folder: Path, name: str) -> list[int]:
    """The processes of this name whose working folder is `folder`: what a killed run may have left there."""
    found = []
    for process in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "comm").read_text().startswith(name) and Path(os.readlink(process / "cwd")) == folder:
                found.append(int(process.name))
    return found


def end_left_in(folder: Path, name: str, how: signal.Signals) -> None:
    """Ends them and waits until they are gone, after `GONE_SECONDS` by force. Blocks."""
    for signal_ in (how, signal.SIGKILL):
        deadline = time.monotonic() + GONE_SECONDS
        for pid in left_in(folder, name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal_)
        while left_in(folder, name) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class Account:
    """Under whom a server runs where that is not ourselves."""

    uid: int
    gid: int


def _ids(account: Account | None) -> tuple[int | None, int | None]:
    return (None, None) if account is None else (account.uid, account.gid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        # As a server does: what an ended connection left on the port does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


def run(command: Sequence[str], account: Account | None, cwd: Path | None = None) -> tuple[bool, str]:
    """Runs a command under the account and returns whether it went well and what it said."""
    uid, gid = _ids(account)
    try:
        done = subprocess.run(  # noqa: S603 - our own binaries with our own arguments
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=COMMAND_SECONDS, env=_ENVIRONMENT, start_new_session=True, preexec_fn=dies_with_us(signal.SIGKILL),
            user=uid, group=gid, extra_groups=None if uid is None else [],
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return False, str(error)
    return done.returncode == 0, done.stdout.decode(errors="replace").strip()[-LOG_TAIL_CHARACTERS:]


class Server:
    """A process that is ours: started, watched while it starts, and gone afterwards, `orphaned` by `how` it ends."""

    def __init__(self, name: str, log_file: Path, orphaned: signal.Signals) -> None:
        self.name = name
        self._log_file = log_file
        self._orphaned = orphaned
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None

    def launch(self, command: Sequence[str], account: Account | None, cwd: Path) -> None:
        uid, gid = _ids(account)
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own binaries with our own arguments
                command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=_ENVIRONMENT,
                start_new_session=True, preexec_fn=dies_with_us(self._orphaned),
                user=uid, group=gid, extra_groups=None if uid is None else [],
            )  # fmt: skip
        self._guard = guard(self._process.pid, self._orphaned)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        return self._log_file.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip()

    def failed(self) -> Unavailable:
        return Unavailable(f"The embedded {self.name} did not start; its log {self._log_file} ends with: {self.said()}")

    def stop(self, how: signal.Signals) -> None:
        """Returns when it is gone: after `STOP_SECONDS` by force. Blocks."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._guard is not None:
            self._guard.dismiss()
