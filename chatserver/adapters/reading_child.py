"""Reads one resume file in a process of its own: bytes on standard input, JSON on standard output.

Its arguments are the most memory in bytes and the most seconds of a processor. Before anything reads the file it gives
up what a reader that was led astray could do harm with; only which reader that is, is seen from the first bytes before.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from chatserver.adapters.unreadable import Unreadable

TEXT_MAX_CHARACTERS = 200_000
PDF_HEAD_BYTES = 1024
TEXT_HEAD_BYTES = 4096

_NEITHER = "This is not a PDF, DOCX, TXT or MD file, whatever its name says; choose one of these."
_OTHERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
     "This is an old Word file or one with a password; save it as DOCX or PDF without a password."),
    (b"{\\rtf", "This is an RTF file; save it as DOCX or PDF and send that."),
    (b"<html", "This is a web page; save or print it as PDF and send that."),
    (b"<!doctype html", "This is a web page; save or print it as PDF and send that."),
    (b"%!ps", _NEITHER),
)  # fmt: skip
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG = 1


FILES_MAX = 64


def confine(memory_bytes: int, processor_seconds: int) -> bool:
    """Gives up memory, time, files, further processes and the network; whether the kernel cut the last one off."""
    # macOS knows the limit and refuses to set it.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # Without a network of its own it can send nothing anywhere; where the kernel forbids that, it goes on.
        cut_off: int = library.unshare((0 if os.geteuid() == 0 else _CLONE_NEWUSER) | _CLONE_NEWNET)
        return cut_off == 0
    return False


def kind_of(data: bytes) -> str:
    """pdf, docx or text, by content; the name says nothing. Raises `Unreadable`."""
    head = data[:PDF_HEAD_BYTES].lstrip(b"\xef\xbb\xbf\t\n\r ").lower()
    if not data.strip():
        raise Unreadable("The file is empty; choose another one.")
    for mark, sentence in _OTHERS:
        if head.startswith(mark):
            raise Unreadable(sentence)
    if b"%PDF-" in data[:PDF_HEAD_BYTES]:
        return "pdf"
    if data[:4] == b"PK\x03\x04":
        return "docx"
    if b"\x00" in data[:TEXT_HEAD_BYTES] and not data.startswith(_BYTE_ORDER_MARKS):
        raise Unreadable(_NEITHER)
    return "text"


def read(data: bytes) -> dict[str, Any]:
    """kind, text, pages and warnings. Raises `Unreadable`."""
    kind = kind_of(data)
    text, pages, warnings = reader_of(kind)(data)
    text = tidy(text)
    if not text:
        raise Unreadable("There is no text in this file; choose another one, or paste your resume as text.")
    if len(text) > TEXT_MAX_CHARACTERS:
        text = text[:TEXT_MAX_CHARACTERS]
        warnings = [*warnings, f"Only the first {TEXT_MAX_CHARACTERS:,} characters were read."]
    return {"kind": kind, "text": text, "pages": pages, "warnings": warnings}


def reader_of(kind: str) -> Callable[[bytes], tuple[str, int, list[str]]]:
    """What reads files of this kind, loaded by itself: the libraries of the others take longer than most files."""
    match kind:
        case "pdf":
            from chatserver.adapters import pdf_text

            return pdf_text.read
        case "docx":
            from chatserver.adapters import docx_text

            return docx_text.read
    return read_text


def tidy(text: str) -> str:
    """One space between words, at most one empty line between lines."""
    # What is half a character cannot be stored.
    text = text.encode(errors="replace").decode().replace("\x00", "")
    lines = (" ".join(line.split()) for line in text.splitlines())
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def read_text(data: bytes) -> tuple[str, int, list[str]]:
    for encoding in ("utf-16",) if data.startswith(_BYTE_ORDER_MARKS) else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        strange = sum(1 for character in text if ord(character) < 32 and character not in "\n\r\t\x0c")
        if strange * 20 > len(text):
            break
        return text, 1, []
    raise Unreadable(_NEITHER)


def main() -> None:
    data = sys.stdin.buffer.read()
    # Once confined nothing can be written, so Python could not keep what it compiles of a library for the next file.
    with suppress(Unreadable):
        reader_of(kind_of(data))
    confine(int(sys.argv[1]), int(sys.argv[2]))
    try:
        answer = read(data)
    except Unreadable as error:
        answer = {"unreadable": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
