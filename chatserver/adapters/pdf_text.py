"""The text of a PDF: by pdfminer.six, which keeps columns in order, by pdfium where that one fails."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pypdfium2
from pdfminer.high_level import extract_pages
from pdfminer.layout import LAParams, LTChar, LTContainer, LTCurve, LTImage, LTTextBox
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

from chatserver.adapters.unreadable import DAMAGED, PROTECTED, TINY_POINTS, Unreadable, warnings_of

PAGES_MAX = 30
SCANNED_CHARACTERS_PER_PAGE = 20
GROUNDS_MAX = 500
"""Painted areas of a page that are looked at for white text on them."""

_SCANNED = "This PDF holds pictures of pages, not text (a scan); send the original document, or paste the text."
_TOO_MANY_PAGES = f"The file has more than {PAGES_MAX} pages; send the resume alone."

# pdfminer's word for a glyph without a letter: at the head of a line it is a bullet, elsewhere an ornament.
_BULLET = re.compile(r"^(\s*)\(cid:\d+\)", re.MULTILINE)
_ORNAMENT = re.compile(r"\(cid:\d+\)")

Box = tuple[float, float, float, float]


def read(data: bytes) -> tuple[str, int, list[str]]:
    """Text, pages, warnings. Raises `Unreadable`."""
    text, hidden = "", 0
    try:
        text, pages, hidden = _by_pdfminer(data)
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise Unreadable(PROTECTED) from None
    except Unreadable:
        raise
    except Exception:  # a broken file leads the reader to any of them
        pages = 0
    if len(text.strip()) <= SCANNED_CHARACTERS_PER_PAGE * pages:
        other, pages = _by_pdfium(data)
        text = max(text, other, key=lambda one: len(one.strip()))
    if len(text.strip()) < SCANNED_CHARACTERS_PER_PAGE:
        raise Unreadable(_SCANNED)
    return text, pages, warnings_of(hidden)


def _by_pdfminer(data: bytes) -> tuple[str, int, int]:
    texts: list[str] = []
    hidden = pages = 0
    for page in extract_pages(io.BytesIO(data), maxpages=PAGES_MAX + 1, laparams=LAParams(all_texts=True)):
        pages += 1
        if pages > PAGES_MAX:
            raise Unreadable(_TOO_MANY_PAGES)
        parts = list(_parts(page))
        # Many programs draw a page as one figure: its text boxes lie deeper.
        texts += [part.get_text() for part in parts if isinstance(part, LTTextBox)]
        grounds = [part.bbox for part in parts if _is_ground(part)][:GROUNDS_MAX]
        hidden += sum(1 for part in parts if isinstance(part, LTChar) and _is_hidden(part, grounds, page.bbox))
    return _ORNAMENT.sub("", _BULLET.sub(r"\1•", "\n".join(texts))), pages, hidden


def _parts(container: Iterable[Any]) -> Iterator[Any]:
    for part in container:
        yield part
        if isinstance(part, LTContainer):
            yield from _parts(part)


def _is_ground(part: Any) -> bool:
    """Whether white text can be read on it."""
    return isinstance(part, LTImage) or (
        isinstance(part, LTCurve) and part.fill and not _is_white(part.non_stroking_color)
    )


def _is_hidden(character: LTChar, grounds: Iterable[Box], page: Box) -> bool:
    if not character.get_text().strip():
        return False
    x, y = (character.x0 + character.x1) / 2, (character.y0 + character.y1) / 2
    if character.size < TINY_POINTS or not _holds(page, x, y):
        return True
    return _is_white(character.graphicstate.ncolor) and not any(_holds(ground, x, y) for ground in grounds)


def _holds(box: Box, x: float, y: float) -> bool:
    left, low, right, high = box
    return left <= x <= right and low <= y <= high


def _is_white(color: Any) -> bool:
    parts = color if isinstance(color, tuple | list) else (color,)
    numbers = [part for part in parts if isinstance(part, int | float)]
    if len(numbers) == 4:
        return all(part <= 0.02 for part in numbers)
    return bool(numbers) and all(part >= 0.98 for part in numbers)


def _by_pdfium(data: bytes) -> tuple[str, int]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise Unreadable(PROTECTED if "password" in str(error).lower() else DAMAGED) from None
    pages = len(document)
    if pages == 0:
        raise Unreadable(DAMAGED)
    if pages > PAGES_MAX:
        raise Unreadable(_TOO_MANY_PAGES)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document), pages
    except pypdfium2.PdfiumError:
        raise Unreadable(DAMAGED) from None
