"""What is read of a resume file, and the sentence for each one that is no use."""

import subprocess
import sys
import zlib

import pytest

from chatserver.adapters import docx_text, pdf_text
from chatserver.adapters.reading_child import TEXT_MAX_CHARACTERS, read
from chatserver.adapters.unreadable import HIDDEN, Unreadable
from tests.adapters import resume_files as files

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01" + zlib.compress(bytes(400))


def test_a_pdf() -> None:
    found = read(files.plain_pdf())
    assert (found["kind"], found["pages"], found["warnings"]) == ("pdf", 1, [])
    assert found["text"].splitlines() == list(files.LINES)


def test_two_columns_are_read_one_after_the_other() -> None:
    text = read(files.two_columns())["text"]
    assert text.index("left line 11") < text.index("right line 0")


def test_pages_are_counted() -> None:
    assert read(files.pages(3))["pages"] == 3


def test_a_pdf_that_may_not_be_changed_may_be_read() -> None:
    assert files.LINES[1] in read(files.pdf_with_password())["text"]


def test_a_pdf_whose_table_of_contents_is_wrong_is_read_still() -> None:
    assert files.LINES[1] in read(files.plain_pdf().replace(b"startxref\n", b"startxref\n9"))["text"]


def test_pdfium_reads_what_pdfminer_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object, **named: object) -> None:
        raise RecursionError

    monkeypatch.setattr(pdf_text, "extract_pages", fails)
    assert files.LINES[1] in read(files.plain_pdf())["text"]


def test_a_docx_with_headers_a_table_and_a_text_box() -> None:
    found = read(files.full_docx())
    assert found["kind"] == "docx"
    assert found["text"].splitlines() == [
        "Meera Example", "Page of Meera Example", "Before the table", "Python", "six years", "After the table",
        "Beside the box", "Apache Spark in a box",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_texts_in_the_usual_encodings(encoding: str) -> None:
    found = read("# Résumé – José\r\n\r\n\r\n*  Audit\tand   tax".encode(encoding))
    assert (found["kind"], found["text"]) == ("text", "# Résumé – José\n\n* Audit and tax")


@pytest.mark.parametrize(
    ("data", "hidden"),
    [
        (files.hidden_pdf(white=True), True), (files.hidden_pdf(white=False), True),
        (files.hidden_pdf(white=True, on_dark_ground=True), False), (files.plain_pdf(), False),
        (files.hidden_docx("white"), True), (files.hidden_docx("tiny"), True), (files.hidden_docx("vanished"), True),
        (files.hidden_docx("by its style"), True),
        (files.hidden_docx("white on dark"), False), (files.hidden_docx("not vanished"), False),
    ],
)  # fmt: skip
def test_what_a_reader_cannot_see_is_said(data: bytes, hidden: bool) -> None:
    assert read(data)["warnings"] == ([HIDDEN] if hidden else [])


@pytest.mark.parametrize(
    ("how", "hidden"),
    [
        ("invisible", True), ("only clipped", True), ("beside the page", True), ("behind a picture", True),
        ("behind a rectangle", True), ("shrunk", True),
        ("read from a scan", False), ("below its scan", False), ("on a rectangle", False), ("marked with a pen", False),
    ],
)  # fmt: skip
def test_letters_that_are_not_painted_or_painted_over_are_said(how: str, hidden: bool) -> None:
    assert read(files.unseen_pdf(how))["warnings"] == ([HIDDEN] if hidden else [])


def test_a_size_that_is_no_number_is_no_harm() -> None:
    assert read(files.broken_size_docx())["text"] == files.LINES[0]


def test_an_endless_text_is_cut_and_says_so() -> None:
    found = read(b"audit " * TEXT_MAX_CHARACTERS)
    assert len(found["text"]) == TEXT_MAX_CHARACTERS
    assert found["warnings"] == ["Only the first 200,000 characters were read."]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; choose another"), (b" \r\n\t ", "is empty; choose another"),
        (files.pdf_with_password(to_open="secret"), "password; save it without one"),
        (files.scan(), r"pictures of pages, not text \(a scan\); send the original"),
        (files.pages(pdf_text.PAGES_MAX + 1), "more than 30 pages; send the resume alone"),
        (b"%PDF-1.7\nnothing of the kind", "damaged; save or export it again"),
        (files.plain_pdf()[:400], "damaged; save or export it again"),
        (PNG, "whatever its name says; choose one of these"),
        (bytes(range(1, 256)) * 8, "whatever its name says; choose one of these"),
        (b"{\\rtf1\\ansi Meera}", "RTF file; save it as DOCX or PDF"),
        (b"\n<!DOCTYPE html><html><body>Meera</body></html>", "web page; save or print it as PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Word file or one with a password; save it as DOCX"),
        (files.archive({"a.txt": b"hello"}), "archive or another Office file"),
        (files.full_docx()[:-300], "damaged; save or export it again"),
        (files.archive({"word/document.xml": b"<w:broken"}), "damaged; save or export it again"),
        (files.lying(files.full_docx()), "damaged; save or export it again"),
        (files.bomb(megabytes=20), "unpacks to far more than a resume"),
        (files.archive({f"{n}": b"" for n in range(docx_text.FILES_MAX + 1)}), "unpacks to far more"),
        (files.archive({"word/document.xml": b"<a>" + b"x" * docx_text.DOCUMENT_MAX_BYTES}), "unpacks to far more"),
        (files.word(lambda document: None), "no text in this file"),
    ],
)  # fmt: skip
def test_each_one_that_is_no_use_has_its_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(data)


@pytest.mark.parametrize(
    ("file", "loaded"), [(b"Asha Rao, Chennai", ""), (b"PK\x03\x04", "docx"), (b"%PDF-1.7", "pdf")]
)
def test_only_the_reader_of_its_kind_is_loaded(file: bytes, loaded: str) -> None:
    read_it = (
        "import sys; from chatserver.adapters.reading_child import kind_of, reader_of;"
        "reader_of(kind_of(sys.stdin.buffer.read()));"
        "print(*(name for name in ('docx', 'pdf') if f'chatserver.adapters.{name}_text' in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", read_it], input=file, capture_output=True, check=True)
    assert said.stdout.decode().strip() == loaded
