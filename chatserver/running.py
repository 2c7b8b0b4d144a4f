"""What a running `chatserver up` leaves in its data folder for others: a lock, and where things are."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".data"


class Failed(Exception):
    """What was asked for could not be done; the sentence says what and what to do."""


class Run(msgspec.Struct):
    """`run.json`. It bears passwords, so nobody else may read it."""

    pid: int
    url: str
    database_url: str
    redis_url: str
    resume_dir: str


def _locked(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take_lock(folder: Path) -> IO[bytes] | None:
    """The lock of the one run on this folder, until it is closed or its process ends; None where another has it."""
    file = (folder / "lock").open("wb")
    if _locked(file, fcntl.LOCK_EX):
        return file
    file.close()
    return None


@contextmanager
def remembered(folder: Path, run: Run) -> Iterator[None]:
    """The other commands find this run meanwhile."""
    file = folder / "run.json"
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as out:
        out.write(msgspec.json.encode(run))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def read_run(folder: Path) -> Run | None:
    """What runs on this data folder; None where nothing does. Raises `Failed` where the file is another user's."""
    try:
        with (folder / "lock").open("rb") as file:
            if _locked(file, fcntl.LOCK_SH):
                return None
        return msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
    except PermissionError:
        raise Failed(
            f"{folder} is another user's; run this as that user, or name another folder with --data."
        ) from None
    except (OSError, msgspec.DecodeError):
        return None
