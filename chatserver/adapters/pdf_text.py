"""The text of a PDF: by pdfminer.six, which keeps columns in order, by pdfium where that one fails."""

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pypdfium2
from pdfminer.converter import PDFPageAggregator
from pdfminer.layout import LAParams, LTChar, LTContainer, LTCurve, LTImage, LTPage, LTTextBox
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage
from pdfminer.pdftypes import dict_value, resolve1

from chatserver.adapters.unreadable import DAMAGED, PROTECTED, TINY_POINTS, Unreadable, warnings_of

PAGES_MAX = 30
SCANNED_CHARACTERS_PER_PAGE = 20
GROUNDS_MAX = 500
"""Painted areas of a page that are looked at for white text on them, and for text below them."""
PICTURE_OF_A_PAGE = 0.6
"""Of the page's area: so much of it is the scan whose letters a machine has read; they are unseen, and honest."""
UNPAINTED_MODES = (3, 7)

_SCANNED = "This PDF holds pictures of pages, not text (a scan); send the original document, or paste the text."
_TOO_MANY_PAGES = f"The file has more than {PAGES_MAX} pages; send the resume alone."

# pdfminer's word for a glyph without a letter: at the head of a line it is a bullet, elsewhere an ornament.
_BULLET = re.compile(r"^([^\S\n]*+)\(cid:\d+\)", re.MULTILINE)
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


class _Device(PDFPageAggregator):
    """Notes of each thing its place in the order of painting, and of a letter whether it is painted at all."""

    def __init__(self, resources: PDFResourceManager) -> None:
        super().__init__(resources, laparams=LAParams(all_texts=True))
        self._mode = self._painted = 0

    def render_string(self, textstate: Any, *rest: Any) -> None:
        self._mode = textstate.render
        super().render_string(textstate, *rest)

    def render_char(self, *what: Any, **named: Any) -> float:
        advance = super().render_char(*what, **named)
        self._note(is_unpainted=self._mode in UNPAINTED_MODES)
        return advance

    def render_image(self, *what: Any) -> None:
        super().render_image(*what)
        self._note()

    def paint_path(self, *what: Any) -> None:
        super().paint_path(*what)
        self._note()

    def _note(self, *, is_unpainted: bool = False) -> None:
        self._painted += 1
        newest: list[Any] = list(self.cur_item)[-1:]
        for item in newest:
            item.painted, item.is_unpainted = self._painted, is_unpainted


def extract_pages(file: io.BytesIO, most: int) -> Iterator[tuple[LTPage, bool]]:
    """Each page, and whether something on it may be seen through."""
    resources = PDFResourceManager()
    device = _Device(resources)
    interpreter = PDFPageInterpreter(resources, device)
    for page in PDFPage.get_pages(file, maxpages=most):
        interpreter.process_page(page)
        yield device.get_result(), _is_seen_through(page)


def _is_seen_through(page: PDFPage) -> bool:
    states = dict_value(page.resources.get("ExtGState") or {}).values()
    return any(resolve1(dict_value(state).get("ca", 1)) < 1 for state in states)


def _by_pdfminer(data: bytes) -> tuple[str, int, int]:
    texts: list[str] = []
    hidden = pages = 0
    for page, is_seen_through in extract_pages(io.BytesIO(data), PAGES_MAX + 1):
        pages += 1
        if pages > PAGES_MAX:
            raise Unreadable(_TOO_MANY_PAGES)
        parts = list(_parts(page))
        # Many programs draw a page as one figure: its text boxes lie deeper.
        texts += [part.get_text() for part in parts if isinstance(part, LTTextBox)]
        grounds = [part.bbox for part in parts if _is_ground(part)][:GROUNDS_MAX]
        covers = [] if is_seen_through else [part for part in parts if _is_cover(part, page)][:GROUNDS_MAX]
        pictures = [part.bbox for part in parts if isinstance(part, LTImage)][:GROUNDS_MAX]
        hidden += sum(
            1 for part in parts
            if isinstance(part, LTChar) and part.get_text().strip()
            and (_is_hidden(part, grounds, page.bbox) or _is_unseen(part, covers, pictures))
        )  # fmt: skip
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


def _is_cover(part: Any, page: LTPage) -> bool:
    """Whether what lies below it cannot be seen; the picture of a whole page is no cover."""
    if isinstance(part, LTImage):
        is_whole = part.width * part.height >= PICTURE_OF_A_PAGE * page.width * page.height
        return not is_whole and not any(mask in part.stream for mask in ("SMask", "Mask"))
    return isinstance(part, LTCurve) and bool(part.fill)


def _is_unseen(character: Any, covers: Iterable[Any], pictures: Iterable[Box]) -> bool:
    """Not painted and no picture of it there, or painted over afterwards."""
    x, y = (character.x0 + character.x1) / 2, (character.y0 + character.y1) / 2
    if getattr(character, "is_unpainted", False):
        return not any(_holds(picture, x, y) for picture in pictures)
    painted = getattr(character, "painted", 0)
    return any(getattr(cover, "painted", 0) > painted and _holds(cover.bbox, x, y) for cover in covers)


def _is_hidden(character: LTChar, grounds: Iterable[Box], page: Box) -> bool:
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
