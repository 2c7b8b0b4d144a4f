"""What Workday says of one posting: its requisition, where it is, and its text."""

import re
from collections.abc import Mapping
from typing import Any

from workers.boards.board import Found, Stub
from workers.boards.text import day, line, plain
from workers.boards.workday_facets import COUNTRIES

PLACES_MAX = 50

_TWIN = re.compile(r"-\d{1,2}$")
_BARE_TWIN = re.compile(r"(?<=\d)(\D*)-\d$")
"""Where no bullet says what the requisition is: `REQ-12` is one, `JR-0012-1` is its twin."""


def posting(info: Mapping[str, Any], stub: Stub) -> Found:
    """The whole, by the answer's `jobPostingInfo`."""
    told = str(info.get("externalUrl") or "")
    url = told if told.startswith(("https://", "http://")) else stub.url
    return Found(
        line(str(info.get("title") or "")) or stub.title, plain(str(info.get("jobDescription") or "")),
        "; ".join(places(info)) or stub.location, posted_at=day(str(info.get("startDate") or "")),
        closes_at=day(str(info.get("endDate") or "")), url=url, apply_url=f"{url.rstrip('/')}/apply",
        requisition=str(info.get("jobReqId") or stub.external_id),
    )  # fmt: skip


def requisition(path: str, bullets: Any) -> str:
    """The requisition's id: a bullet that the path ends with, but for a twin's number; else the path's tail."""
    tail = path.rsplit("_", 1)[-1] if "_" in path else path.rsplit("/", 1)[-1]
    for bullet in bullets if isinstance(bullets, list) else []:
        said = str(bullet).strip()
        if said and (path.endswith((f"_{said}", f"/{said}")) or _TWIN.sub("", path).endswith(f"_{said}")):
            return said
    return _BARE_TWIN.sub(r"\1", tail)


def is_in(country: str, info: Mapping[str, Any]) -> bool:
    """Whether a posting's own page puts it there; where it says no country that we know, it stays."""
    id, name = COUNTRIES.get(country, (None, None))
    if name is not None and any(re.search(rf"\b{re.escape(name)}\b", place) for place in places(info)):
        return True
    place = info.get("jobRequisitionLocation")
    inner = place.get("country") if isinstance(place, dict) else None
    alpha = inner.get("alpha2Code") if isinstance(inner, dict) else None
    if isinstance(alpha, str) and alpha:
        return alpha.upper() == country
    told = info.get("country")
    if id is None or not isinstance(told, dict):
        return True
    return told.get("id") == id or told.get("descriptor") == name


def places(info: Mapping[str, Any]) -> list[str]:
    others = info.get("additionalLocations")
    told = [info.get("location"), *(others[:PLACES_MAX] if isinstance(others, list) else [])]
    return list(dict.fromkeys(filter(None, (line(str(place or "")) for place in told))))
