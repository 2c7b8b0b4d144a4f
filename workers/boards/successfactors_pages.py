"""SuccessFactors' pages as data: rows of the list, tiles, and a posting's microdata."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workers.boards.board import Found, Stub
from workers.boards.text import day, language, line, plain

ROWS_MAX = 500
REGIONS_MAX = 20
PLACES_MAX = 50

_ID = re.compile(r"/(\d{3,20})/?(?:\?|#|$)")
_OF = re.compile(r"\bof\s+(\d[\d,.\s\u00a0]*)", re.IGNORECASE)
_NONE = re.compile(r"no (?:open )?(?:jobs|positions|results|vacancies)|there are currently no", re.IGNORECASE)
_REQUISITION = re.compile(r"job requisition id\s*+:?\s*+(\w[\w-]{0,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list. `rows` counts those too that cannot be read."""

    stubs: tuple[Stub, ...]
    rows: int
    total: int | None


def is_list(page: LexborHTMLParser) -> bool:
    """Rows, or the platform's own word that there are none."""
    if page.css_first("tr.data-row") is not None:
        return True
    shell = page.css_first(
        "#searchresults, #search-wrapper, .searchResultsShell, .paginationLabel, #noresults, #attention"
    )
    return shell is not None and (_total(page) is not None or _NONE.search(page.text()) is not None)


def listed(page: LexborHTMLParser, url: str) -> Listed:
    rows = page.css("tr.data-row")[:ROWS_MAX]
    stubs = [stub for row in rows if (stub := _row(row, url)) is not None]
    total = _total(page)
    return Listed(tuple(stubs), len(rows), 0 if total is None and not rows else total)


def _total(page: LexborHTMLParser) -> int | None:
    """`Results 1 - 25 of 1,043`, in bold or not."""
    for node in page.css(".paginationLabel, .pagination-label, #searchresults caption, .searchResultsShell, body"):
        text = line(node.text(separator=" ")[:20_000])
        found = re.search(r"results?\s+\d[\d,.]*\s*(?:-|–|to)\s*\d[\d,.]*\s+of\s+(\d[\d,. ]*)", text, re.IGNORECASE)
        if found is None and node.tag != "body":
            found = _OF.search(text)
        if found is not None and (digits := re.sub(r"\D", "", found[1])):
            return int(digits[:9])
    return None


def _row(row: LexborNode, url: str) -> Stub | None:
    # Each link stands there twice, for wide and for narrow screens.
    link = row.css_first("a.jobTitle-link")
    place = row.css_first("td.colLocation span.jobLocation") or row.css_first("span.jobLocation")
    date = row.css_first("td.colDate span.jobDate") or row.css_first("span.jobDate")
    return _stub(link, place, date, url)


def tiles(page: LexborHTMLParser, url: str) -> Listed:
    found = page.css("li.job-tile")[:ROWS_MAX]
    stubs = []
    for tile in found:
        link = tile.css_first("a.jobTitle-link") or tile.css_first("a[href*='/job/']")
        place = tile.css_first("[id$='-location-value'], .jobLocation, .location")
        date = tile.css_first("[id$='-date-value'], .jobDate, .date")
        if (stub := _stub(link, place, date, url)) is not None:
            stubs.append(stub)
    return Listed(tuple(stubs), len(found), None)


def _stub(link: LexborNode | None, place: LexborNode | None, date: LexborNode | None, url: str) -> Stub | None:
    href = (link.attributes.get("href") or "") if link is not None else ""
    found = _ID.search(href)
    title = line(link.text()) if link is not None else ""
    if found is None or not title:
        return None
    if place is not None:
        for more in place.css("small"):
            # "+1 more…" counts places, it is none.
            more.decompose()
    where = line(place.text(separator=" ")) if place is not None else ""
    posted = day(line(date.text())) if date is not None else None
    absolute = urljoin(url, href)
    return Stub(found[1], title, absolute, where or None, posted, absolute)


def microdata(page: LexborHTMLParser, stub: Stub) -> Found | None:
    """The posting of a page that marks it up; None where it does not."""
    texts = [plain(node.html or "") for node in page.css("span.jobdescription")[:REGIONS_MAX]]
    if not any(texts):
        marked = "[data-careersite-propertyid='description'], [itemprop='description']"
        texts = [plain(node.html or "") for node in page.css(marked)[:REGIONS_MAX]]
    description = max(texts, key=len, default="")
    title = _said(page, "[data-careersite-propertyid='title'], [itemprop='title']")
    if not description and not title:
        return None
    requisition = _said(page, "[data-careersite-propertyid='customfield5']") or _named_requisition(description)
    return Found(
        title or stub.title, description, _places(page) or stub.location,
        posted_at=_when(page, "datePosted") or stub.posted_at, closes_at=_when(page, "validThrough"), url=stub.url,
        requisition=requisition or None, language=language(description),
    )  # fmt: skip


def _said(page: LexborHTMLParser, selector: str) -> str:
    node = page.css_first(selector)
    return line(node.attributes.get("content") or node.text(separator=" ")) if node is not None else ""


def _named_requisition(text: str) -> str:
    found = _REQUISITION.search(text)
    return found[1] if found else ""


def _when(page: LexborHTMLParser, name: str) -> datetime | None:
    node = page.css_first(f"[itemprop='{name}']")
    return day(node.attributes.get("content") or line(node.text())) if node is not None else None


def _places(page: LexborHTMLParser) -> str:
    """Each place of the posting, once; its parts stand in metas one after another."""
    named: list[str] = []
    for address in page.css("[itemprop='address'], [itemprop='jobLocation']")[:PLACES_MAX]:
        metas = address.css("[itemprop='addressLocality'], [itemprop='addressRegion'], [itemprop='addressCountry']")
        parts = [line(meta.attributes.get("content") or meta.text()) for meta in metas]
        named.append(", ".join(dict.fromkeys(filter(None, parts))))
    if not any(named):
        columns = [
            [line(meta.attributes.get("content") or "") for meta in page.css(f"meta[itemprop='{name}']")[:PLACES_MAX]]
            for name in ("addressLocality", "addressRegion", "addressCountry")
        ]
        length = max(map(len, columns))
        named = [
            ", ".join(dict.fromkeys(column[place] for column in columns if place < len(column) and column[place]))
            for place in range(length)
        ]
    if not any(named):
        street = page.css_first("meta[itemprop='streetAddress']")
        shown = _said(page, "[data-careersite-propertyid='location'], [data-careersite-propertyid='city']")
        named = [line(street.attributes.get("content") or "") if street is not None else shown]
    return "; ".join(dict.fromkeys(filter(None, named)))
