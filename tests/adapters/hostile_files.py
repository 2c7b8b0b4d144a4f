"""Files that were made to do harm, by what they try."""

import io
import zipfile
import zlib
from collections.abc import Callable

from tests.adapters import resume_files as files

PASSWD = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    b'<!DOCTYPE l [<!ENTITY a "' + b"a" * 40 + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]>"
)  # fmt: skip
_TEMPLATE = (
    b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"'
    b' Target="http://127.0.0.1:9/t.dotm" TargetMode="External"/></Relationships>'
)


def docx_with(name: str, made: Callable[[bytes], bytes]) -> bytes:
    """A real document in which one part is another."""
    with zipfile.ZipFile(io.BytesIO(files.full_docx())) as real:
        parts = {one: real.read(one) for one in real.namelist()}
    return files.archive({**parts, name: made(parts.get(name, b""))})


def with_entity(doctype: bytes, words: bytes) -> bytes:
    def made(document: bytes) -> bytes:
        head, _, rest = document.partition(b"?>")
        return head + b"?>" + doctype + rest.replace(b"Before the table", words)

    return docx_with("word/document.xml", made)


def remote_template() -> bytes:
    return docx_with("word/_rels/settings.xml.rels", lambda _: _TEMPLATE)


def climbing() -> bytes:
    return docx_with("../../../../tmp/climbed", lambda _: b"x")


def nested_archives() -> bytes:
    inner = files.archive({"b.zip": files.archive({"c": bytes(50_000_000)})})
    return docx_with("word/embeddings/a.zip", lambda _: inner)


def deep_xml() -> bytes:
    return docx_with("word/document.xml", lambda _: b'<?xml version="1.0"?>' + b"<a>" * 400_000 + b"</a>" * 400_000)


def pictures(count: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(files.full_docx())) as real:
        parts = {one: real.read(one) for one in real.namelist()}
    return files.archive({**parts, **{f"word/media/i{n}.png": b"x" for n in range(count)}})


def pdf(*objects: bytes) -> bytes:
    made, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(objects) + 1, len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return made + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_ONE_PAGE = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"


def page_loop() -> bytes:
    return pdf(_CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>")


def huge_count() -> bytes:
    return pdf(_CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 999999999>>", _PAGE)


def unpacks_without_end() -> bytes:
    packed = zlib.compress(zlib.compress(bytes(100_000_000), 9), 9)
    stream = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream" % (len(packed), packed)
    return pdf(_CATALOG, _ONE_PAGE, _PAGE, stream)


def refers_to_itself() -> bytes:
    return pdf(_CATALOG, _ONE_PAGE, _PAGE, b"4 0 R")
