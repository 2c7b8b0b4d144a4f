"""One page of an Avature portal's list of postings, read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workers.boards.text import day, line

ROWS_MAX = 1_000
"""More than any portal shows on one page; the rest of a page is left out."""

_DETAIL = re.compile(r"/(?P<kind>Job|Folder|Pipeline)Detail(?:/(?P<rest>.*))?$", re.IGNORECASE)
_ID = re.compile(r"\d{1,20}", re.ASCII)
_OFFSET = re.compile(r"[?&](\w{1,40})Offset=\d", re.ASCII)
_LEGENDS = (
    '.list-controls__text__legend, .pagination__legend, .jobListTotalRecords, [aria-label$="results" i],'
    " .section__header--top"
)
_NUMBER = r"\d{1,3}(?:[ .,'’]\d{3})+(?!\d)|\d+"
_OF = re.compile(rf"(?:\b(?:of|von|sur|de|di|av|van)|/) *({_NUMBER}) *(\+?)", re.IGNORECASE)
_ALONE = re.compile(rf"\D*?({_NUMBER}) *(\+?)\D*")
_AT_LEAST = re.compile(r"more than|over|at least", re.IGNORECASE)
_NONE = re.compile(
    r"\b(?:no|0) (?:(?:matching|open|current|available|suitable|relevant|active) ){0,2}(?:jobs|results?|roles|positions"
    r"|vacancies|openings|records|opportunities)\b(?! (?:saved|selected))|did not match any|currently no open",
    re.IGNORECASE,
)
_SAYS = "article, h1, h2, h3, h4, p, [class*=results], [class*=list-controls], [class*=empty]"

_LOCATION = re.compile(r"(?:^|[-_])(?:job|work)?locations?$", re.IGNORECASE)
_NEAR = re.compile(r"(?:^|[-_])(?:city|state|region|country)$", re.IGNORECASE)
_DATED = re.compile(r"posted|postdate|publi|(?:^|[-_])date$", re.IGNORECASE)
_POSTED = re.compile(r"\bposted\b.*", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s[|•·]\s|[|•]")
_MANY = re.compile(r"(?:multiple|various|several|\d+) locations?", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:ref|req|role|job|requisition|vacancy)\b.*\d.*|[A-Z]*[-_ #]?\d+", re.IGNORECASE)
_WORK = re.compile(
    r"(?:full|part)[ -]?time.*|permanent.*|temporary.*|fixed[ -]term.*|contract.*|regular|hybrid|on-?site"
    r"|intern(?:ship)?|experienced.*|student.*|graduate.*|apprentice.*",
    re.IGNORECASE,
)
_TRADE = re.compile(r"&|\band\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Card:
    id: str
    title: str
    url: str
    location: str | None
    posted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListPage:
    cards: tuple[Card, ...]
    rows: int
    """Cards, those too that cannot be read: so far the next page's offset moves on."""
    total: int | None
    at_least: bool
    """`total` is only where the site stops counting ("999+")."""
    more: bool
    """There is a link to a next page."""
    kind: str | None
    """What the portal calls its postings in the address of a page: `job`, `folder`, `pipeline`."""
    is_avature: bool
    says_none: bool


def read_list(page: LexborHTMLParser, url: str, company: str = "") -> ListPage:
    """`url` is where the page was found; a part of a card that names the `company` is no place."""
    nodes = list(_card_nodes(page))
    cards = [card for node in nodes if (card := _card(node, url, company)) is not None]
    unread = sum(_NONE.search(node.text()) is None for node in nodes) - len(cards) if len(cards) < len(nodes) else 0
    total, at_least = _total(page)
    is_avature = page.css_first('meta[name^="avature.portal" i]') is not None
    kind = next((found for link in page.css("a[href]") if (found := _OFFSET.search(_href(link)))), None)
    kinds = (match["kind"].lower() for card in cards if (match := _DETAIL.search(urlsplit(card.url).path)))
    return ListPage(
        tuple(cards), len(cards) + max(unread, 0), total, at_least, _more(page),
        kind.group(1) if kind else next(kinds, None), is_avature,
        not cards and (total == 0 or (total is None and is_avature and _says_none(page))),
    )  # fmt: skip


def _says_none(page: LexborHTMLParser) -> bool:
    return any(_NONE.search(" ".join(node.text(separator=" ").split())) for node in page.css(_SAYS))


def posting_at(url: str) -> tuple[str, str] | None:
    """A posting's id and its address without what varies; None where the address is none of a posting."""
    parts = urlsplit(url)
    match = _DETAIL.search(parts.path.rstrip("/"))
    if match is None or parts.scheme not in ("http", "https"):
        return None
    tail = (match["rest"] or "").rpartition("/")[2]
    if _ID.fullmatch(tail):
        return tail, urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    name = f"{match['kind'].lower()}Id"
    asked = parse_qs(parts.query, max_num_fields=50).get(name, [""])[0]
    if not _ID.fullmatch(asked):
        return None
    return asked, urlunsplit((parts.scheme, parts.netloc, parts.path, f"{name}={asked}", ""))


def total_in(text: str) -> tuple[int, bool] | None:
    """How many there are by a legend such as "1-10 of 1,826 results", and whether that is only a lower bound."""
    said = " ".join(text.split())
    match = _OF.search(said) or _ALONE.fullmatch(said)
    if match is None:
        return None
    return int(re.sub(r"\D", "", match.group(1))[:9]), bool(match.group(2) or _AT_LEAST.search(said))


def _total(page: LexborHTMLParser) -> tuple[int | None, bool]:
    for legend in page.css(_LEGENDS):
        for said in (legend.attributes.get("aria-label") or "", legend.text(separator=" ")):
            if (found := total_in(said)) is not None:
                return found
    return None, False


def _more(page: LexborHTMLParser) -> bool:
    for node in page.css(".paginationNextLink"):
        links = [node] if node.tag == "a" else node.css("a")
        if "disabled" not in (node.attributes.get("class") or "") and any(_href(link) for link in links):
            return True
    return False


def _card_nodes(page: LexborHTMLParser) -> Iterator[LexborNode]:
    marked = page.css("article.article--result")
    if marked:
        yield from marked[:ROWS_MAX]
        return
    for tag in ("article", "li", "tr"):
        found = [node for node in page.css(tag) if any(_DETAIL.search(_path(link)) for link in _own(node, "a[href]"))]
        if found:
            yield from found[:ROWS_MAX]
            return


def _card(node: LexborNode, base: str, company: str) -> Card | None:
    for link in _own(node, "a[href]"):
        found = posting_at(_joined(base, _href(link)))
        title = line(link.text(separator=" "))
        if found is None or "button" in (link.attributes.get("class") or "").split():
            continue
        if title:
            location, posted_at = _facts(node, company)
            return Card(found[0], title, found[1], location, posted_at)
    return None


def _facts(node: LexborNode, company: str) -> tuple[str | None, datetime | None]:
    below = _own(node, ".article__header__text__subtitle") or ([node] if node.tag == "tr" else [])
    pieces = [piece for subtitle in below for piece in _pieces(subtitle)]
    if not any(_marked(marks, _LOCATION) for marks, _ in pieces):
        pieces += [(mark, said) for mark, said in _elsewhere(node) if _marked(mark, _LOCATION)]
    posted_at = None
    rest: list[tuple[list[str], str]] = []
    for marks, said in pieces:
        posted = _POSTED.search(said)
        date = posted.group() if posted else said
        if (when := day(date)) is not None and (posted or _marked(marks, _DATED)):
            posted_at = posted_at or when
        if posted:
            said = said[: posted.start()].strip(" |•·-")
        if (said or not posted) and day(said) is None:
            rest.append((marks, said))
    return _place(rest, company), posted_at


def _place(pieces: Sequence[tuple[list[str], str]], company: str) -> str | None:
    for pattern, between in ((_LOCATION, "; "), (_NEAR, ", ")):
        marked = [said for marks, said in pieces if said and _marked(marks, pattern)]
        if marked:
            return between.join(dict.fromkeys(said for said in marked if not _MANY.fullmatch(said))) or None
    if any(mark.lower().startswith("list-item-") for marks, _ in pieces for mark in marks):
        return None
    # Nothing is marked: the place comes last, where it is not clearly something else.
    said = [text for _, text in pieces if not _REFERENCE.fullmatch(text)]
    if not said or not said[-1] or _MANY.fullmatch(said[-1]):
        return None
    places = [text for text in said if text and not _WORK.fullmatch(text) and not _names(text, company)]
    with_region = [text for text in places if "," in text and not _TRADE.search(text)]
    if with_region:
        return with_region[-1]
    return said[-1] if places and places[-1] == said[-1] and len(said) != 2 else None


def _names(text: str, company: str) -> bool:
    return bool(company) and text.casefold().startswith(company.casefold())


def _pieces(subtitle: LexborNode) -> list[tuple[list[str], str]]:
    """The parts of a card's second line with the class names that say what they are."""
    found = []
    for node in subtitle.css("*"):
        if node == subtitle or node.tag in ("br", "svg", "path", "script") or _has_elements(node):
            continue
        said = line(node.text())
        if said and not any(char.isalnum() for char in said):
            continue
        marks = _classes(node)
        if said and (parent := node.parent) is not None and parent != subtitle:
            marks = (
                marks
                + _classes(parent)
                + [mark for other in parent.css("*") if not other.text() for mark in _classes(other)]
            )
        if said or not any("icon" in mark for mark in marks):
            found.append((marks, said))
    if not any(said for _, said in found):
        found = [([], said) for part in _SEPARATORS.split(subtitle.text(separator=" ")) if (said := line(part))]
    return found


def _elsewhere(node: LexborNode) -> Iterator[tuple[list[str], str]]:
    for other in _own(node, "[class*=ocation]"):
        if said := line(other.text(separator=" ")):
            yield _classes(other), said


def _own(node: LexborNode, selector: str) -> list[LexborNode]:
    """What is in this card and not in one inside of it, as where the end of one is missing."""
    return [found for found in node.css(selector) if _holder(found, node.tag or "") in (None, node)]


def _holder(node: LexborNode, tag: str) -> LexborNode | None:
    at = node.parent
    while at is not None and at.tag != tag:
        at = at.parent
    return at


def _has_elements(node: LexborNode) -> bool:
    return any(child.tag not in ("br", "wbr") for child in node.iter())


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()


def _marked(marks: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(mark) for mark in marks)


def _href(link: LexborNode) -> str:
    return (link.attributes.get("href") or "").strip()


def _path(link: LexborNode) -> str:
    return _href(link).partition("#")[0].partition("?")[0].rstrip("/")


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return ""
