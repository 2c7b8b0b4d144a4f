"""SuccessFactors' whole feed, read while it comes: one posting after another, whatever its length."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from workers.boards.board import Away, Carried, ChangedShape, Found, Stub
from workers.boards.text import day, line, plain

HEAD_MAX_BYTES = 64 * 1024
"""Within these the feed has begun, or it is none."""
ITEM_MAX_BYTES = 4 * 1024 * 1024
BATCH = 100
BARE_MAX_CHARACTERS = 2_000

_GOOGLE = "{http://base.google.com/ns/1.0}"
_ID = re.compile(r"/(\d{3,20})/?(?:\?|$)")
_NO_PLACE = frozenset({"", "n/a", "multiple locations"})


class NoFeed(Exception):
    """The door is shut: another one has to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the feed as it is written there."""

    title: str
    link: str
    description: str
    guid: str
    location: str
    published: str
    expires: str


class _Head:
    """The first bytes, until it is plain what this is."""

    def __init__(self) -> None:
        self.bytes = b""

    def is_feed(self, chunk: bytes) -> bool:
        """False while it cannot be told. Raises `NoFeed`, or `ChangedShape` for a feed that defines entities."""
        self.bytes += chunk
        begun = self.bytes.lstrip(b"\xef\xbb\xbf \t\r\n")[:HEAD_MAX_BYTES].lower()
        if begun and not b"<?xml".startswith(begun[:5]) and not b"<rss".startswith(begun[:4]) and begun[:1] != b"<":
            raise NoFeed
        root = begun.find(b"<rss")
        before = begun[: root if root >= 0 else None]
        # Texts of postings may speak of pages; a page in the place of a feed begins as one.
        if any(mark in before for mark in (b"<html", b"<!doctype html", b"<body")):
            raise NoFeed
        # Entities that stand for each other grow without bound.
        if b"<!doctype" in before or b"<!entity" in before:
            raise ChangedShape("The feed defines entities, which no feed of this platform does; it is not read.")
        if root < 0 and len(begun) >= HEAD_MAX_BYTES:
            raise NoFeed
        return root >= 0


async def items(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Item]]:
    """Batches of items. Raises `NoFeed` before the first, `Away` where the feed ends in its middle."""
    head, parser = _Head(), XMLPullParser(("start", "end"))  # type: ignore[var-annotated]
    started, batch, open_since = False, [], 0
    parents: list[Element] = []
    try:
        async for chunk in chunks:
            if not started:
                if not head.is_feed(chunk):
                    continue
                started, chunk = True, head.bytes.lstrip(b" \t\r\n")
            parser.feed(chunk)
            open_since += len(chunk)
            for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                if event == "start":
                    parents.append(element)
                    continue
                parents.pop()
                if element.tag == "item" and parents:
                    batch.append(_item(element))
                    open_since = 0
                    # What was read is forgotten: the tree would grow with the feed.
                    parents[-1].remove(element)
            if open_since > ITEM_MAX_BYTES:
                raise ChangedShape(f"A posting of the feed is larger than {ITEM_MAX_BYTES // 1024**2} MB; look at it.")
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if not started:
            raise NoFeed
        parser.close()
    except ParseError as wrong:
        if batch:
            yield batch
        raise Away(f"The feed broke off or is no XML ({wrong}); it is read again.") from None
    if batch:
        yield batch


def _item(element: Element) -> Item:
    def said(name: str) -> str:
        return element.findtext(name) or ""

    return Item(
        said("title"), said("link").strip(), said("description"), said("guid").strip(),
        line(said(f"{_GOOGLE}location")), said("pubDate"), said(f"{_GOOGLE}expiration_date"),
    )  # fmt: skip


def stub_of(item: Item) -> Stub | None:
    """The posting of an item; None where it has no id or no title."""
    found = _ID.search(item.link) or _ID.search(f"/{item.guid}/")
    written = line(item.title)
    if found is None or not written:
        return None
    title = written
    if item.location and written.endswith(f"({item.location})"):
        title = written.removesuffix(f"({item.location})").strip() or written
    location = None if item.location.lower() in _NO_PLACE else item.location
    posted = day(item.published)
    # A title in the place of a text is no text.
    bare = line(item.description[:BARE_MAX_CHARACTERS]) in ("", written, title)

    def read() -> Found:
        # What stands for nothing there ("Careers" as the employer, ATS_WEBFORM as the function) is not read at all.
        text, closes = plain(item.description), day(item.expires)
        return Found(title, text, location, posted_at=posted, closes_at=closes, url=item.link)

    carried = None if bare else Carried(_digest(item), read)
    missing = "the feed has no text" if bare else "the feed has no date" if posted is None else None
    return Stub(found[1], title, item.link, location, posted, item.link, carried, missing)


def _digest(item: Item) -> str:
    return hashlib.sha256(f"{item.title}\n{item.description}".encode(errors="replace")).hexdigest()
