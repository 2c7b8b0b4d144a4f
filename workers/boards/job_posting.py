"""schema.org `JobPosting` blocks (JSON-LD) of a page, read as one posting."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from workers.boards.board import Found
from workers.boards.text import day, language, line, plain

BLOCKS_MAX = 30
BLOCK_MAX_CHARACTERS = 1_000_000
POSTINGS_MAX = 200
DEPTH_MAX = 12
PLACES_MAX = 100
"""More places than a firm has offices: the rest is left out."""

_TYPE = re.compile(r"(?:^|[/:#])JobPosting$")
# What some sites keep out of the description, in the order in which people read it.
_SECTIONS = (
    ("responsibilities", "Responsibilities"),
    ("qualifications", "Qualifications"),
    ("experienceRequirements", "Experience"),
    ("educationRequirements", "Education"),
    ("skills", "Skills"),
)
_BEFORE = ("<!--", "//<![CDATA[", "// <![CDATA[", "<![CDATA[")
_AFTER = ("-->", "//]]>", "// ]]>", "]]>", ";")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
# A line break that was escaped once too often; a path such as C:\new goes on with a letter.
_ESCAPED_BREAK = re.compile(r"(?:\\[rnt])+(?=[\s<\\]|$)")
_MANY = re.compile(r"(?:multiple|various|several|\d+) locations?|.*not (?:specified|available).*", re.IGNORECASE)


def job_posting(page: LexborHTMLParser, external_id: str = "") -> Found | None:
    """The posting that the page is about; None where no block tells of one.

    Of several blocks the one is taken that knows `external_id`, else one that has an identifier at all, else the one
    with the longest text. Blocks without an identifier tell of the page's own posting too, and fill its gaps.
    """
    blocks = list(_postings(page))
    if not blocks:
        return None
    chosen = max(blocks, key=lambda block: _rank(block, external_id))
    found = _found(chosen)
    for block in blocks:
        if block is not chosen and not _identifier(block):
            found = _filled(found, _found(block))
    return replace(found, language=language(found.description))


def _postings(page: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    left = POSTINGS_MAX
    for script in page.css('script[type*="ld+json" i]')[:BLOCKS_MAX]:
        for posting in _walk(_read(script.text() or ""), DEPTH_MAX):
            if left == 0:
                return
            left -= 1
            yield posting


def _read(text: str) -> Any:
    if len(text) > BLOCK_MAX_CHARACTERS:
        return None
    text = _unwrapped(text)
    for said in (text, _TRAILING_COMMA.sub("", text)):
        try:
            # Not strict: many sites leave line breaks inside of strings as they are.
            return json.loads(said, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _unwrapped(text: str) -> str:
    text = text.strip()
    for mark in _BEFORE:
        text = text.removeprefix(mark).lstrip()
    for mark in _AFTER:
        text = text.removesuffix(mark).rstrip()
    return text


def _walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, list):
        for entry in value:
            yield from _walk(entry, depth - 1)
    elif isinstance(value, dict):
        kinds = value.get("@type")
        if any(
            isinstance(kind, str) and _TYPE.search(kind) for kind in (kinds if isinstance(kinds, list) else [kinds])
        ):
            yield value
            return
        for name in ("@graph", "mainEntity", "mainEntityOfPage", "itemListElement", "item"):
            yield from _walk(value.get(name), depth - 1)


def _rank(block: dict[str, Any], external_id: str) -> tuple[bool, bool, int]:
    identifier = _identifier(block)
    known = bool(external_id) and (
        identifier == external_id
        or re.search(rf"(?<!\w){re.escape(external_id)}(?!\w)", str(block.get("url") or "")) is not None
    )
    return known, bool(identifier), len(str(block.get("description") or ""))


def _found(block: dict[str, Any]) -> Found:
    title = line(_text(block.get("title")) or _text(block.get("name")))
    url = _text(block.get("url")).strip()
    return Found(
        title,
        _description(block, title),
        _location(block) or None,
        line(_name(block.get("hiringOrganization"))) or None,
        day(_text(block.get("datePosted"))),
        day(_text(block.get("validThrough"))),
        url if url.startswith(("https://", "http://")) else None,
        requisition=line(_identifier(block)) or None,
    )


def _filled(found: Found, other: Found) -> Found:
    return replace(
        found,
        title=found.title or other.title,
        description=found.description or other.description,
        location=found.location or other.location,
        company=found.company or other.company,
        posted_at=found.posted_at or other.posted_at,
        closes_at=found.closes_at or other.closes_at,
        url=found.url or other.url,
    )


def _description(block: dict[str, Any], title: str) -> str:
    main = plain(_ESCAPED_BREAK.sub("\n", _text(block.get("description"))))
    # A title in the place of a text is no text.
    parts = [main] if line(main) != title else []
    for name, heading in _SECTIONS:
        said = plain(_ESCAPED_BREAK.sub("\n", _text(block.get(name))))
        if said and said not in "\n\n".join(parts):
            parts.append(f"{heading}\n\n{said}")
    return plain("\n\n".join(filter(None, parts)))


def _text(value: Any, depth: int = DEPTH_MAX) -> str:
    """A string, what stands for one, or several as lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if depth == 0:
        return ""
    if isinstance(value, dict):
        said = (_text(value.get(name), depth - 1) for name in ("@value", "value", "name", "description"))
        return next(filter(None, said), "")
    if isinstance(value, list):
        return "\n".join(filter(None, (_text(entry, depth - 1) for entry in value[:PLACES_MAX])))
    return ""


def _first(value: Any) -> Any:
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _name(value: Any) -> str:
    """The first name where there are several, as where a site repeats one for each place."""
    value = _first(value)
    return _text(_first(value.get("name")) if isinstance(value, dict) else value)


def _identifier(block: dict[str, Any]) -> str:
    value = _first(block.get("identifier"))
    if isinstance(value, dict):
        value = value.get("value") or value.get("@id")
    said = _text(value).strip()
    return "" if said.casefold() in ("null", "none", "undefined") else said


def _location(block: dict[str, Any]) -> str:
    value = block.get("jobLocation")
    entries = (value if isinstance(value, list) else [value])[:PLACES_MAX]
    addresses = [_address(entry) for entry in entries]
    names = [line(_name(entry)) if isinstance(entry, dict) else "" for entry in entries]
    # One address repeated under many names: the names are the places.
    if len(set(filter(None, addresses))) == 1 and len(set(filter(None, names))) > 1:
        addresses = names
    places = [address or name for address, name in zip(addresses, names, strict=True)]
    places = [place for place in dict.fromkeys(places) if place and not _MANY.fullmatch(place)]
    if not places and "TELECOMMUTE" in _text(block.get("jobLocationType")).upper():
        where = block.get("applicantLocationRequirements")
        regions = [line(_name(entry)) for entry in (where if isinstance(where, list) else [where])[:PLACES_MAX]]
        places = [f"Remote, {region}" for region in dict.fromkeys(regions) if region] or ["Remote"]
    return "; ".join(places)


def _address(place: Any) -> str:
    if isinstance(place, str):
        return line(place)
    address = _first(place.get("address")) if isinstance(place, dict) else None
    if not isinstance(address, dict):
        return line(_text(address))
    parts = (line(_name(address.get(name))) for name in ("addressLocality", "addressRegion", "addressCountry"))
    said = [part for part in dict.fromkeys(parts) if part and not _MANY.fullmatch(part)]
    return ", ".join(said) or line(_text(address.get("streetAddress")))
