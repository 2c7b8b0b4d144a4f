"""KPMG's careers site in the United States: a list as JSON with cards of HTML in it, and a page for each posting."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workers.boards.board import COMPLETE_SHARE, Board, ChangedShape, Found, Gone, Page, Stub
from workers.boards.job_posting import job_posting
from workers.boards.page import page_tree, refuse
from workers.boards.text import language, line, plain
from workers.web import Answer, Web

PAGES_MAX = 1_000
"""Twelve cards each: twenty times what the site has had."""
PLACES_MAX = 500
"""Of one posting; the rest is left out."""

_LIST = "/wp-content/themes/understrap-child-main/page-templates/google/get-jobs.php"
# The order is asked for because "most relevant" need not be the same on two pages.
_QUERY = "ajax=1&page_type=search&order=posted&spage="
_ID = re.compile(r"[?&]jobId=([\w-]{1,60})", re.ASCII)
_COUNT = re.compile(r"\d[\d,.\s]*")
_NONE = re.compile(r"\bno (?:jobs|results|positions)\b", re.IGNORECASE)
_MANY = re.compile(r"(?:multiple|various|\d+) locations?", re.IGNORECASE)
_PLACE = re.compile(r".+, ?[A-Z]{2}|remote", re.IGNORECASE)
_GONE = re.compile(r"job posting not found", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Card:
    id: str
    title: str
    places: tuple[str, ...]
    mark: str = ""
    """Its own, where a posting has two."""


@dataclass(frozen=True, slots=True)
class CardPage:
    cards: tuple[Card, ...]
    rows: int
    """Cards, those too that cannot be read."""
    total: int | None
    says_none: bool


@dataclass(slots=True)
class _Requisition:
    title: str
    places: dict[str, None] = field(default_factory=dict)


class KpmgUs:
    """A requisition with many places stands on two cards, which may be pages apart: its stub is given again, whole."""

    platform: ClassVar[str] = "kpmg_us"
    passes_to_close: int = 2

    def __init__(self, board: Board, web: Web) -> None:
        self._board = board
        self._web = web
        self._root = board.url.rstrip("/")

    async def pages(self) -> AsyncIterator[Page]:
        found: dict[str, _Requisition] = {}
        seen: set[Card] = set()
        rows, total, why = 0, None, ""
        for number in range(1, PAGES_MAX + 1):
            page = await self._page(number)
            total = page.total if page.total is not None else total
            new = [card for card in dict.fromkeys(page.cards) if card not in seen]
            if not page.rows or not new:
                why = "The site showed a page twice." if page.rows else ""
                break
            rows += page.rows - len(page.cards) + len(new)
            seen |= set(new)
            for card in new:
                requisition = found.setdefault(card.id, _Requisition(card.title))
                requisition.places |= dict.fromkeys(card.places[: PLACES_MAX - len(requisition.places)])
            stubs = tuple(self._stub(id, found[id]) for id in dict.fromkeys(card.id for card in new))
            yield Page(stubs, total)
            if total is not None and rows >= total:
                break
        else:
            why = f"The list has more than {PAGES_MAX:,} pages; split the board."
        if total is not None and not why.startswith("The list has more"):
            why = (
                "" if len(seen) >= COMPLETE_SHARE * total else f"{len(seen):,} of {total:,} advertised cards were read."
            )
        elif rows > len(seen) and not why:
            why = f"{rows - len(seen):,} cards of the list could not be read."
        # The site counts cards; a posting on two of them is one.
        advertised = None if total is None else max(total - (len(seen) - len(found)), 0)
        yield Page((), advertised, complete=not why, partial=why or None)

    async def _page(self, number: int) -> CardPage:
        url = f"{self._root}{_LIST}?{_QUERY}{number}"
        answer = await self._web.request("GET", url, headers={"Accept": "application/json"})
        page = read_cards(answer)
        if page is None or answer.status != 200:
            raise refuse(answer, page_tree(answer), "a list of postings")
        if not page.rows and number == 1 and page.total != 0 and not page.says_none:
            said = "counts" if page.total is None else f"{page.total:,}"
            raise ChangedShape(f"{url} shows no cards and {said} results; look whether its cards have changed.")
        if page.rows and not page.cards:
            raise ChangedShape(f"{url} shows {page.rows} cards without an id and a title; look at them.")
        return page

    def _stub(self, id: str, requisition: _Requisition) -> Stub:
        url = f"{self._root}/jobdetail/?jobId={id}"
        return Stub(id, requisition.title, url, "; ".join(requisition.places) or None)

    async def detail(self, stub: Stub) -> Found:
        answer = await self._web.request("GET", stub.url)
        if answer.status in (404, 410):
            raise Gone(f"{stub.url} answers {answer.status}.")
        tree = page_tree(answer)
        if answer.status != 200:
            raise refuse(answer, tree, "a posting")
        # A posting that is no more still answers 200.
        if any(_GONE.search(heading.text()) for heading in tree.css("title, h1, h2")):
            raise Gone(f"{stub.url} says that there is no such posting.")
        found = read_detail(tree, stub)
        if not found.description:
            raise refuse(answer, tree, "a posting")
        return found

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        try:
            parts = urlsplit(url.strip())
            host = (parts.hostname or "").lower()
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or host not in ("www.kpmguscareers.com", "kpmguscareers.com"):
            return None
        return {"url": "https://www.kpmguscareers.com", "tenant": "kpmgus"}


def read_cards(answer: Answer) -> CardPage | None:
    """One page of the list; None where the answer is none."""
    try:
        said = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or "postings" not in said:
        return None
    postings = said["postings"]
    html = postings.get("jobs", 0) if isinstance(postings, dict) else postings or None
    # Behind the last page there may be nothing where the cards were, with the count still there.
    html = "" if html is None else html
    if not isinstance(html, str) or isinstance(postings, str):
        return None
    tree = page_tree(replace(answer, headers={"content-type": "text/html; charset=utf-8"}, body=html.encode()))
    nodes = tree.css(".search--item")
    cards = tuple(card for node in nodes if (card := _card(node)) is not None)
    total = _count(said.get("showing"))
    return CardPage(
        cards, len(nodes), total, total in (0, None) and not nodes and _NONE.search(tree.html or "") is not None
    )


def read_detail(page: LexborHTMLParser, stub: Stub) -> Found:
    """What the page says: JSON-LD first, its own elements second. The description is empty where it has none."""
    found = job_posting(page, stub.external_id) or Found("", "")
    description = found.description or _described(page)
    if _is_whole_month(found):
        found = replace(found, posted_at=None, closes_at=None)
    told = [found.location, "; ".join(_places(page.css_first("#jd-location"))), stub.location]
    return replace(
        found,
        title=found.title or stub.title,
        description=description,
        # Each may lack places that another has.
        location=max(filter(None, told), key=lambda said: said.count(";"), default=None),
        url=stub.url,
        requisition=found.requisition or stub.external_id,
        language=found.language or language(description),
    )


def _is_whole_month(found: Found) -> bool:
    """Whether the dates are those of a month: the site gives them to every posting, whenever it was posted."""
    first, last = found.posted_at, found.closes_at
    if first is None or last is None or first.day != 1:
        return False
    return (last + timedelta(days=1)).day == 1 and (first.year, first.month) == (last.year, last.month)


def _card(node: LexborNode) -> Card | None:
    links = ((_ID.search(link.attributes.get("href") or ""), link) for link in node.css("a[href]"))
    id, mark = next(((found.group(1), link.attributes.get("data-id")) for found, link in links if found), ("", None))
    titles = (line(title.text(separator=" ")) for title in node.css(".list-view .h5, .grid-view .h4"))
    title = next(filter(None, titles), "")
    if not id or not title:
        return None
    return Card(id, title, tuple(_places(node.css_first(".list-view .text-xs"))), mark or "")


def _places(node: LexborNode | None) -> list[str]:
    """The places of "Practice | City, ST; City, ST"; the number of them ("6 Locations") is none."""
    said = line(node.text(separator=" ")) if node is not None else ""
    _, bar, places = said.rpartition("|")
    found = [place for part in places.split(";") if (place := part.strip()) and not _MANY.fullmatch(place)]
    return list(dict.fromkeys(place for place in found if bar or _PLACE.fullmatch(place)))


def _described(page: LexborHTMLParser) -> str:
    texts = (plain(node.html or "") for node in page.css(".job-description, #job-description"))
    return max(texts, key=len, default="")


def _count(showing: Any) -> int | None:
    """From `<span data-action="count">1,024</span> Results`."""
    if not isinstance(showing, str):
        return None
    tree = LexborHTMLParser(showing[:10_000])
    node = tree.css_first('[data-action="count"]')
    said = _COUNT.search(node.text() if node is not None else tree.text())
    return int(re.sub(r"\D", "", said.group())[:9]) if said else None
