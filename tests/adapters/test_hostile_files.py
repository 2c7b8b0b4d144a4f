"""Files that were made to do harm: refused with a sentence, or read as what they are; never more than the bounds."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatserver.adapters.extraction import MEMORY_MAX_BYTES, ProcessExtractor
from chatserver.adapters.reading_child import read
from chatserver.adapters.unreadable import Unreadable
from chatserver.core.errors import Refused
from tests.adapters import hostile_files as hostile
from tests.adapters import resume_files as files


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: hostile.with_entity(hostile.LAUGHS, b"&j;"), "damaged"), (hostile.deep_xml, "damaged"),
        (lambda: hostile.pictures(10_000), "unpacks to far more"), (hostile.page_loop, "damaged"),
        (hostile.huge_count, "a scan"), (lambda: b"<!doctype html><script>1</script>" + files.plain_pdf(), "web page"),
        (lambda: b"GIF89a" + files.full_docx(), "not a PDF, DOCX"),
        (lambda: b"MZ\x90\x00" + files.plain_pdf()[5:], "not a PDF, DOCX"),
    ],
)  # fmt: skip
def test_what_is_refused(made: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(made())


def test_no_entity_reads_a_file_of_ours() -> None:
    found = read(hostile.with_entity(hostile.PASSWD, b"before &x; after"))
    assert "root:" not in found["text"]


@pytest.mark.parametrize("made", [hostile.remote_template, hostile.climbing, hostile.nested_archives])
def test_what_is_read_without_what_it_brings(made: Callable[[], bytes]) -> None:
    assert "Before the table" in read(made())["text"]
    assert not Path("/tmp/climbed").exists()


@pytest.mark.parametrize("made", [files.plain_pdf() + files.full_docx(), b"PK\x03\x04" + files.plain_pdf()])
def test_two_files_in_one_are_the_first_that_we_know(made: bytes) -> None:
    found = read(made)
    assert (found["kind"], found["text"].splitlines()) == ("pdf", list(files.LINES))


async def test_whatever_it_tries_it_ends_at_a_bound_and_leaves_no_process() -> None:
    extractor = ProcessExtractor(processor_seconds=1, wall_seconds=3)
    before = _children()
    bombs = (hostile.unpacks_without_end(), hostile.refers_to_itself())
    outcomes = await asyncio.gather(*map(extractor.extract, bombs), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Refused] * len(bombs), outcomes
    assert all("within the limits" in str(outcome) for outcome in outcomes)
    assert _children() == before


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


CONFINED = """
import os, socket, sys
from chatserver.adapters.reading_child import confine
cut_off = confine(int(sys.argv[2]), 5)
def fails(what):
    try:
        what()
    except (OSError, MemoryError):
        return True
    return False
def writes():
    with open(sys.argv[3], "wb") as file:
        file.write(b"x" * 100_000)
print(cut_off, fails(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2)),
      fails(writes), fails(lambda: bytearray(2 * int(sys.argv[2]))),
      fails(lambda: [os.open("/dev/null", 0) for _ in range(99)]))
"""


def test_who_reads_a_file_reaches_nobody_and_writes_nothing(tmp_path: Path) -> None:
    """Where the kernel lets no process give its network up, it goes on with it: SECURITY.md says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        # SIGXFSZ ends a process that writes; Python ignores it and gets an error.
        told = subprocess.run(
            [sys.executable, "-c", CONFINED, port, str(MEMORY_MAX_BYTES), str(tmp_path / "written")],
            capture_output=True, text=True, check=True, timeout=30,
        ).stdout.split()  # fmt: skip
    cut_off, has_no_network, writes_nothing, has_no_more_memory, opens_no_more = (word == "True" for word in told)
    assert has_no_network == cut_off
    assert writes_nothing
    assert opens_no_more
    assert has_no_more_memory or sys.platform != "linux"
