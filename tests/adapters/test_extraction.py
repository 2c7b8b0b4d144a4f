"""The process that a file is read in: what it may use, what it may know, and how it ends."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from chatserver.adapters.extraction import ANSWER_MAX_BYTES, FILE_MAX_BYTES, WAITING_MAX, ProcessExtractor
from chatserver.core.errors import Refused
from chatserver.core.ports import Extracted, Unavailable
from tests.adapters import resume_files as files

LIMITS = "could not be read within the limits; save it again as a plain PDF, or paste the text"


async def test_a_file_is_read() -> None:
    found = await ProcessExtractor().extract(files.plain_pdf())
    assert found == Extracted("pdf", "\n".join(files.LINES), 1, ())


async def test_the_sentence_reaches_the_sender() -> None:
    with pytest.raises(Refused, match="a scan") as refused:
        await ProcessExtractor().extract(files.scan())
    assert refused.value.code == "bad_content"


async def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(Refused, match="larger than 5 MB; send a smaller one"):
        await ProcessExtractor().extract(b"%PDF-" + bytes(FILE_MAX_BYTES))


async def test_the_largest_file_passes_the_pipe() -> None:
    text = b"audit and tax\n" * (FILE_MAX_BYTES // 14)
    assert (await ProcessExtractor().extract(text)).warnings == ("Only the first 200,000 characters were read.",)


def endless_pdf() -> bytes:
    """Few bytes that paint millions of characters."""
    return files.pdf(lambda canvas: files.lines_at(canvas, ["x" * 100_000] * 20))


async def test_memory_has_an_end() -> None:
    with pytest.raises(Refused, match=LIMITS):
        await ProcessExtractor(memory_max_bytes=8 * 1024 * 1024).extract(files.plain_pdf())


async def test_the_wall_clock_has_an_end() -> None:
    with pytest.raises(Refused, match=LIMITS):
        await ProcessExtractor(wall_seconds=0.01).extract(files.plain_pdf())


async def test_the_processor_has_an_end() -> None:
    with pytest.raises(Refused, match=LIMITS):
        await ProcessExtractor(processor_seconds=1).extract(endless_pdf())


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the reader's place."""
    program = tmp_path / "child"
    program.touch(mode=0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


@pytest.mark.parametrize(
    "script",
    [
        "exit 0", "exit 3", "kill -9 $$", "cat >/dev/null; echo nonsense", 'cat >/dev/null; echo "[]"',
        "head -c 100000000 /dev/zero", "cat >/dev/null; echo '{}'; exit 1",
    ],
)  # fmt: skip
async def test_a_reader_that_dies_or_babbles_is_a_file_that_cannot_be_read(child: Path, script: str) -> None:
    child.write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(Refused, match=LIMITS):
        await ProcessExtractor().extract(b"x" * 300_000)
    assert ANSWER_MAX_BYTES < 100_000_000


async def test_the_reader_knows_no_key_of_ours(child: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up")
    child.write_text("""#!/bin/sh\ncat >/dev/null; printf '{"text":"%s"}' "$(env | tr '\\n' ' ')"\n""")
    assert "sk-made-up" not in (await ProcessExtractor().extract(b"x")).text


async def test_one_that_is_given_up_is_gone(child: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    child.write_text(f"#!/bin/sh\necho $$ > {started}.new; mv {started}.new {started}\nexec sleep 600\n")
    reading = asyncio.create_task(ProcessExtractor().extract(b"x"))
    while not started.exists():
        await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


@pytest.mark.parametrize("script", ["exit 0", "cat >/dev/null; echo '{}'", "sleep 600", "sleep 600 & exit 0"])
async def test_every_pipe_is_closed_once_it_is_told(child: Path, script: str) -> None:
    """Not a moment later: what is left to the end of the loop may never come. Nobody waits for who inherited it."""
    child.write_text(f"#!/bin/sh\n{script}\n")
    before = len(os.listdir("/proc/self/fd"))
    for data in (b"x", b"x" * 300_000):
        with suppress(Refused):
            await ProcessExtractor(wall_seconds=0.2).extract(data)
        assert len(os.listdir("/proc/self/fd")) == before


async def test_the_queue_has_an_end_and_goes_on_after_it(child: Path) -> None:
    child.write_text("""#!/bin/sh\ncat >/dev/null; echo '{"kind":"text","text":"read"}'\n""")
    extractor = ProcessExtractor()
    answers = await asyncio.gather(*(extractor.extract(b"x") for _ in range(WAITING_MAX + 2)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Unavailable)]
    assert len(refused) == 2
    assert "try again in a minute" in str(refused[0])
    assert (await extractor.extract(b"x")).text == "read"
