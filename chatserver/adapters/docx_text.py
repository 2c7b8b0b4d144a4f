"""The text of a DOCX: headers, then the body with its tables and text boxes, in the order of the document."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn

from chatserver.adapters.unreadable import DAMAGED, PROTECTED, TINY_POINTS, Unreadable, warnings_of

FILES_MAX = 2_000
UNPACKED_MAX_BYTES = 50 * 1024 * 1024
DOCUMENT_MAX_BYTES = 10 * 1024 * 1024
"""Of XML in one part: its tree in memory is many times as large."""
RATIO_MAX = 200
RATIO_FROM_BYTES = 1024 * 1024

_BOMB = "This file unpacks to far more than a resume; save it again without pictures and send that."
_OTHER = "This is an archive or another Office file, not a DOCX; send a PDF, DOCX, TXT or MD file."

_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_TEXT, _PARAGRAPH, _RUN = qn("w:t"), qn("w:p"), qn("w:r")
# What older programs read in place of a text box holds the same words again.
_AGAIN = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_STYLE, _ID, _VALUE = qn("w:style"), qn("w:styleId"), qn("w:val")
_LIGHT = ("FFFFFF", "AUTO", "")


def read(data: bytes) -> tuple[str, int, list[str]]:
    """Text, pages as far as the file tells, warnings. Raises `Unreadable`."""
    _look_at_the_directory(data)
    try:
        document = docx.Document(io.BytesIO(data))
        roots = [*_headers(document), document.element.body]
        lines = [line for root in roots for line in _lines(root)]
        styles = {style.get(_ID) for style in document.styles.element.iter(_STYLE) if _hides(style.find(qn("w:rPr")))}
        hidden = sum(len(node.text or "") for root in roots for node in root.iter(_TEXT) if _is_hidden(node, styles))
    except Exception:  # a broken file leads the reader to any of them
        raise Unreadable(DAMAGED) from None
    pages = 1 + sum(1 for _ in document.element.body.iter(qn("w:lastRenderedPageBreak")))
    return "\n".join(lines), pages, warnings_of(hidden)


def _look_at_the_directory(data: bytes) -> None:
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Unreadable(DAMAGED) from None
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unreadable(PROTECTED)
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(sum(entry.compress_size for entry in entries), 1)
    markup = max((entry.file_size for entry in entries if entry.filename.endswith((".xml", ".rels"))), default=0)
    if (
        len(entries) > FILES_MAX
        or unpacked > UNPACKED_MAX_BYTES
        or markup > DOCUMENT_MAX_BYTES
        or (unpacked > RATIO_FROM_BYTES and unpacked / packed > RATIO_MAX)
    ):
        raise Unreadable(_BOMB)
    if "word/document.xml" not in {entry.filename for entry in entries}:
        raise Unreadable(_OTHER)


def _headers(document: Any) -> Iterator[Any]:
    for section in document.sections:
        for header in (section.first_page_header, section.header):
            if not header.is_linked_to_previous:
                yield header._element


def _lines(root: Any) -> Iterator[str]:
    for paragraph in root.iter(_PARAGRAPH):
        if next(paragraph.iterancestors(_AGAIN), None) is None:
            yield "".join(_pieces(paragraph))


def _pieces(paragraph: Any) -> Iterator[str]:
    for node in paragraph.iter(_TEXT, *_BREAKS):
        # A text box stands inside a paragraph and has paragraphs of its own.
        if next(node.iterancestors(_PARAGRAPH)) is paragraph and node.getparent().tag == _RUN:
            yield _BREAKS.get(node.tag) or node.text or ""


def _is_hidden(text: Any, styles: set[str]) -> bool:
    run = text.getparent()
    properties = run.find(qn("w:rPr"))
    named = [properties.find(qn("w:rStyle"))] if properties is not None else []
    named += [next(run.iterancestors(_PARAGRAPH)).find(f"{qn('w:pPr')}/{qn('w:pStyle')}")]
    by_style = any(style is not None and style.get(_VALUE) in styles for style in named)
    if by_style or not _hides(properties):
        return by_style
    return not (_is_white_only(properties) and _is_shaded(text))


def _hides(properties: Any) -> bool:
    """Whether letters with these properties are hidden, tiny, or white."""
    if properties is None:
        return False
    for name in ("w:vanish", "w:webHidden", "w:specVanish"):
        vanish = properties.find(qn(name))
        if vanish is not None and vanish.get(_VALUE) not in ("0", "false", "off"):
            return True
    return _is_tiny(properties) or _is_white(properties)


def _is_white_only(properties: Any) -> bool:
    return not _is_tiny(properties) and properties.find(qn("w:vanish")) is None


def _is_tiny(properties: Any) -> bool:
    size = properties.find(qn("w:sz"))
    half_points = size.get(_VALUE, "") if size is not None else ""
    return half_points.isdecimal() and int(half_points) < 2 * TINY_POINTS


def _is_white(properties: Any) -> bool:
    color = properties.find(qn("w:color"))
    return color is not None and color.get(_VALUE, "").upper() == "FFFFFF"


def _is_shaded(text: Any) -> bool:
    """Whether the run, its paragraph or its cell is filled with another color than white."""
    for ancestor in text.iterancestors(_RUN, _PARAGRAPH, qn("w:tc")):
        properties = ancestor.find(f"{ancestor.tag}Pr")
        shade = properties.find(qn("w:shd")) if properties is not None else None
        if shade is not None and shade.get(qn("w:fill"), "").upper() not in _LIGHT:
            return True
    return False
