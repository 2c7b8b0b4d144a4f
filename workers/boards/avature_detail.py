"""The page of one posting on an Avature portal, read: JSON-LD first, the page's labels second."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from workers.boards.board import Found
from workers.boards.job_posting import PLACES_MAX, job_posting
from workers.boards.text import day, language, line, plain

FIELDS_MAX = 500
LONG_CHARACTERS = 200
"""A field of so much text is a part of the description, though nothing marks it as one."""

_FIELDS = (
    (
        ".article__content__view__field",
        ".article__content__view__field__label",
        ".article__content__view__field__value",
    ),
    (".article__view__item", ".field-title", ".field-value"),
)
_WHOLE = "article.article--details .article__content"
_PLACES = '[class*="header--locations"] p, [class*="header--locations"] li'
_SEVERAL = re.compile(r"same job available in \d+ locations?", re.IGNORECASE)
_MANY = re.compile(r"(?:multiple|various|several|\d+) locations?|same job available.*", re.IGNORECASE)
_PLACE_CLASS = re.compile(r"(?:^|[-_])locations?$", re.IGNORECASE)
_PLACE = re.compile(r"(?:[\w/]+ ){0,3}locations?(?: ?\(s\))?(?: ?[-–(/].*)?|ort|standort|lieu|ubicación", re.IGNORECASE)
_NEAR = (
    re.compile(r"(?:job |work )?(?:city|town)", re.IGNORECASE),
    re.compile(r"(?:job |work )?(?:state|province|region|county)\b.*", re.IGNORECASE),
    re.compile(r"(?:job |work )?country\b.*", re.IGNORECASE),
)
_SAID_INSIDE = re.compile(r"(?:additional )?locations? ?: *", re.IGNORECASE)
_POSTED = re.compile(
    r"(?:job )?(?:date )?(?:posted|published)(?: (?:since|on|date))?|(?:job )?posting (?:start )?date|publication date",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"(?:application )?(?:closing|expiry|expiration|end) date|(?:application )?deadline|apply (?:by|before)"
    r"|applications? clos\w+(?: date| on)?|posting end date",
    re.IGNORECASE,
)
_REQUISITION = re.compile(
    r"(?:job |vacancy )?(?:ref(?:erence)?|req(?:uisition)?|job|role) ?(?:id|code|number|no\.?|#)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Field:
    label: str
    value: LexborNode
    marks: tuple[str, ...]

    @property
    def is_rich(self) -> bool:
        return any(mark.endswith("rich-text") for mark in self.marks)

    @property
    def is_place(self) -> bool:
        return any(_PLACE_CLASS.search(mark) for mark in self.marks) or _PLACE.fullmatch(self.label) is not None


def read_detail(page: LexborHTMLParser, external_id: str, title: str) -> Found:
    """What the page says; `title` is the list's. The description is empty where the page has none."""
    block = job_posting(page, external_id)
    fields = _fields(page)
    found = block or Found("", "")
    description = found.description or _description(page, fields)
    several = _several(page)
    said = found.location or _places(fields) or None
    return replace(
        found,
        # A block without an identifier may carry the title that only the firm itself uses.
        title=(found.title if found.requisition else title) or found.title or title,
        description=description,
        location="; ".join(several) if len(several) > 1 or not said else said,
        posted_at=found.posted_at or _date(fields, _POSTED),
        closes_at=found.closes_at or _date(fields, _CLOSES),
        requisition=found.requisition or _labelled(fields, _REQUISITION) or None,
        language=found.language or language(description),
    )


def _fields(page: LexborHTMLParser) -> list[_Field]:
    found = []
    for field, label, value in _FIELDS:
        for node in page.css(field)[:FIELDS_MAX]:
            if _inside(node, field[1:]) or _hidden(node):
                continue
            told, holds = node.css_first(label), node.css_first(value)
            if told is None and holds is None:
                holds = node
            if holds is not None:
                said = line(told.text(separator=" ")).rstrip(" :*") if told is not None else ""
                found.append(_Field(said, holds, tuple(_classes(node))))
    return found


def _description(page: LexborHTMLParser, fields: list[_Field]) -> str:
    ways: tuple[Callable[[], list[_Field]], ...] = (
        lambda: [field for field in fields if field.is_rich],
        lambda: [field for field in fields if len(field.value.text()) >= LONG_CHARACTERS],
    )
    for way in ways:
        texts = [(field.label, plain(field.value.html or "")) for field in way()]
        parts = [f"{label}\n\n{text}" if label else text for label, text in dict.fromkeys(texts) if text]
        if parts:
            return plain("\n\n".join(parts))
    whole = (plain(node.html or "") for node in page.css(_WHOLE)[:FIELDS_MAX] if not _hidden(node))
    return plain("\n\n".join(dict.fromkeys(filter(None, whole))))


def _several(page: LexborHTMLParser) -> list[str]:
    """The places of a block "Same job available in N locations"."""
    places = [line(node.text(separator=" ")) for node in page.css(_PLACES)[:PLACES_MAX]]
    if not places:
        for node in page.css("a, button, span, p, h3, h4, strong"):
            if _SEVERAL.fullmatch(line(node.text(separator=" "))) and (after := _next_element(node)) is not None:
                places = _lines(after)
                break
    return list(dict.fromkeys(place for place in places if place and not _MANY.fullmatch(place)))


def _places(fields: list[_Field]) -> str:
    for field in fields:
        if field.is_place and not field.is_rich:
            places = [_SAID_INSIDE.sub("", place, count=1) for place in _lines(field.value)]
            if places := [place for place in places if place and not _MANY.fullmatch(place)]:
                return "; ".join(dict.fromkeys(places))
    return ", ".join(dict.fromkeys(filter(None, (_labelled(fields, pattern) for pattern in _NEAR))))


def _labelled(fields: list[_Field], pattern: re.Pattern[str]) -> str:
    said = (line(field.value.text(separator=" ")) for field in fields if pattern.fullmatch(field.label))
    return next(filter(None, said), "")


def _date(fields: list[_Field], pattern: re.Pattern[str]) -> datetime | None:
    return day(_labelled(fields, pattern))


def _lines(node: LexborNode) -> list[str]:
    return [line(said) for said in plain(node.html or "").splitlines()[:PLACES_MAX]]


def _next_element(node: LexborNode) -> LexborNode | None:
    after = node.next
    while after is not None and after.is_text_node:
        after = after.next
    return after


def _inside(node: LexborNode, mark: str) -> bool:
    at = node.parent
    while at is not None:
        if mark in _classes(at):
            return True
        at = at.parent
    return False


def _hidden(node: LexborNode) -> bool:
    return any(mark in ("visibility--hidden", "hidden") for mark in _classes(node))


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split()
