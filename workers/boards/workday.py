"""Workday: a list by POST, twenty rows a time, and a detail for each; two thousand rows are all that one list shows."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from workers.boards.board import Blocked, Board, ChangedShape, Found, Gone, Page, Stub
from workers.boards.text import day, line, plain
from workers.web import Answer, Web

LIMIT = 20
CAP = 2_000
"""A list of exactly this many is cut; what lies behind wraps to its beginning."""
IDS_AT_ONCE = 100
OFFSET_MAX = 50_000
COMPLETE_SHARE = 0.99
PLACES_MAX = 50

COUNTRIES: Mapping[str, tuple[str, str]] = {
    "IN": ("c4f78be1a8f14da0ab49ce1162348a5e", "India"),
    "US": ("bc33aa3152ec42d4995f4791a106ed09", "United States of America"),
}
"""The facet value's id, seen alike on several tenants, and what it is called."""

_HOST = re.compile(r"([\w-]+)\.(wd\d+)\.myworkday(?:jobs|site)\.com", re.IGNORECASE)
_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_MANY = re.compile(r"\d+ Locations?", re.IGNORECASE)
_TWIN = re.compile(r"-\d{1,2}$")
_HEADERS = {"accept": "application/json", "content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to narrow the list: ids and counts of its values, by the parameter's name."""

    parameter: str
    values: tuple[tuple[str, str, int], ...]
    """(id, descriptor, count)"""


@dataclass(frozen=True, slots=True)
class Listed:
    total: int
    rows: tuple[dict[str, Any], ...]
    facets: tuple[Facet, ...]


class Workday:
    """Requisitions stand on several sites of a tenant, with twins as `-1`: their id is the requisition's."""

    platform: ClassVar[str] = "workday"
    passes_to_close: int = 1

    def __init__(self, board: Board, web: Web) -> None:
        parts = urlsplit(board.url)
        host = _HOST.fullmatch(parts.hostname or "")
        segments = [part for part in parts.path.split("/") if part and not _LOCALE.fullmatch(part)]
        if not segments:
            raise ChangedShape(f"{board.url} names no site; write https://TENANT.wdN.myworkdayjobs.com/SITE.")
        self._board = board
        self._web = web
        self._site = segments[0]
        self._page_root = f"{parts.scheme}://{parts.netloc}/{self._site}"
        tenant = host[1] if host else board.tenant
        self._api = f"{parts.scheme}://{parts.netloc}/wday/cxs/{tenant}/{self._site}"
        # Too many requests to one tenant are held against all of its pod.
        self._pace = host[2].lower() if host else None
        self._seen: set[str] = set()
        self._rows: set[str] = set()
        """Paths: a twin counts as a row of the list, though it is no posting of its own."""
        self._by_detail = False

    async def pages(self) -> AsyncIterator[Page]:
        first = await self._list({}, 0)
        applied: dict[str, list[str]] = {}
        if self._board.country is not None and first.total:
            country = _country(first.facets, self._board.country)
            if country is not None:
                applied = country
                first = await self._list(applied, 0)
            else:
                self._by_detail = True
        # Twins are counted by the site and not by us.
        advertised = 0 if first.total == 0 else None
        async for page in self._walk(applied, first, advertised):
            yield page
        why = None
        if first.total == CAP:
            facet = _splitting(first.facets, applied)
            groups = _groups(facet) if facet else []
            for group in groups:
                narrowed = {**applied, facet.parameter: group} if facet else applied
                async for page in self._walk(narrowed, await self._list(narrowed, 0), None):
                    yield page
            async for page in self._deeper(applied):
                yield page
            expected = max(CAP, sum(count for _, _, count in facet.values) if facet else 0)
            if len(self._seen) <= CAP or len(self._seen) < COMPLETE_SHARE * expected:
                why = (
                    f"{len(self._seen):,} of about {expected:,} postings were shown; the site cuts its list at {CAP:,}."
                )
        elif len(self._seen) < COMPLETE_SHARE * first.total:
            why = f"{len(self._seen):,} of {first.total:,} advertised postings were shown."
        yield Page((), advertised, complete=why is None, partial=why)

    async def _walk(
        self, applied: Mapping[str, list[str]], listed: Listed, advertised: int | None
    ) -> AsyncIterator[Page]:
        """One list from its first page on; only that one tells its length."""
        offset, total = 0, listed.total
        while listed.rows:
            yield Page(self._new(listed.rows), advertised)
            offset += len(listed.rows)
            if offset >= min(total, OFFSET_MAX):
                return
            listed = await self._list(applied, offset)

    async def _deeper(self, applied: Mapping[str, list[str]]) -> AsyncIterator[Page]:
        """Some tenants do show what lies behind the cut; the others show their first page again."""
        offset = CAP
        while offset < OFFSET_MAX:
            listed = await self._list(applied, offset)
            new = self._new(listed.rows)
            if not new:
                return
            yield Page(new, None)
            offset += len(listed.rows)

    def _new(self, rows: tuple[dict[str, Any], ...]) -> tuple[Stub, ...]:
        stubs = []
        for row in rows:
            self._rows.add(str(row.get("externalPath")))
            stub = self._stub(row)
            if stub is not None and stub.external_id not in self._seen:
                self._seen.add(stub.external_id)
                stubs.append(stub)
        return tuple(stubs)

    def _stub(self, row: Mapping[str, Any]) -> Stub | None:
        path, title = str(row.get("externalPath") or ""), line(str(row.get("title") or ""))
        if not path.startswith("/") or not title:
            return None
        where = line(str(row.get("locationsText") or ""))
        place = None if not where or _MANY.fullmatch(where) else where
        return Stub(requisition(path, row.get("bulletFields")), title, f"{self._page_root}{path}", place, handle=path)

    async def _list(self, applied: Mapping[str, list[str]], offset: int) -> Listed:
        asked = {"appliedFacets": dict(applied), "limit": LIMIT, "offset": offset, "searchText": ""}
        answer = await self._web.request(
            "POST", f"{self._api}/jobs", json=asked, headers=_HEADERS, pace=self._pace, throttled=_throttled
        )
        if answer.status in (401, 403):
            raise Blocked(f"{self._board.url} gives its list to browsers only ({answer.status}); a person has to look.")
        body = _object(answer)
        rows, total = body.get("jobPostings"), body.get("total")
        if not isinstance(rows, list) or not isinstance(total, int):
            raise ChangedShape(f"{self._board.url} answers without postings or their number; look at it.")
        return Listed(total, tuple(row for row in rows if isinstance(row, dict)), tuple(facets(body.get("facets"))))

    async def detail(self, stub: Stub) -> Found:
        answer = await self._web.request(
            "GET", f"{self._api}{stub.handle}", headers={"accept": "application/json"}, pace=self._pace,
            throttled=_throttled,
        )  # fmt: skip
        if answer.status in (404, 410) or (answer.status == 403 and _error_code(answer) == "S22"):
            raise Gone
        info = _object(answer).get("jobPostingInfo")
        if not isinstance(info, dict):
            raise ChangedShape(f"{stub.url} answers without a posting; look at it.")
        if info.get("posted") is False or (self._by_detail and not self._is_here(info)):
            raise Gone
        others = info.get("additionalLocations")
        places = [info.get("location"), *(others[:PLACES_MAX] if isinstance(others, list) else [])]
        url = str(info.get("externalUrl") or stub.url)
        return Found(
            line(str(info.get("title") or "")) or stub.title, plain(str(info.get("jobDescription") or "")),
            "; ".join(dict.fromkeys(filter(None, (line(str(place or "")) for place in places)))) or stub.location,
            posted_at=day(str(info.get("startDate") or "")), closes_at=day(str(info.get("endDate") or "")), url=url,
            apply_url=f"{url.rstrip('/')}/apply", requisition=str(info.get("jobReqId") or stub.external_id),
        )  # fmt: skip

    def _is_here(self, info: Mapping[str, Any]) -> bool:
        """Where the list could not be narrowed to the country, the posting's own page says where it is."""
        wanted = COUNTRIES.get(str(self._board.country))
        country = info.get("country")
        if wanted is None or not isinstance(country, dict):
            return True
        return country.get("id") == wanted[0] or country.get("descriptor") == wanted[1]

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        parts = urlsplit(url)
        host = _HOST.fullmatch(parts.hostname or "")
        segments = [part for part in parts.path.split("/") if part and not _LOCALE.fullmatch(part)]
        if host is None or not segments:
            return None
        return {"url": f"https://{parts.netloc}/{segments[0]}", "tenant": host[1].lower()}


def requisition(path: str, bullets: Any) -> str:
    """The requisition's id: a bullet that the path ends with, but for a twin's number; else the path's tail."""
    tail = path.rsplit("_", 1)[-1] if "_" in path else path.rsplit("/", 1)[-1]
    for bullet in bullets if isinstance(bullets, list) else []:
        said = str(bullet).strip()
        if (said and path.endswith((f"_{said}", f"/{said}"))) or (said and _TWIN.sub("", path).endswith(f"_{said}")):
            return said
    return _TWIN.sub("", tail)


def facets(told: Any) -> list[Facet]:
    """All of them, those inside groups too."""
    found: list[Facet] = []
    waiting = list(told) if isinstance(told, list) else []
    while waiting:
        one = waiting.pop(0)
        values = one.get("values") if isinstance(one, dict) else None
        if not isinstance(values, list):
            continue
        waiting += [value for value in values if isinstance(value, dict) and "facetParameter" in value]
        plain_values = tuple(
            (str(value["id"]), str(value.get("descriptor") or ""), int(value.get("count") or 0))
            for value in values
            if isinstance(value, dict) and "id" in value
        )
        if plain_values:
            found.append(Facet(str(one.get("facetParameter")), plain_values))
    return found


def _country(found: tuple[Facet, ...], country: str) -> dict[str, list[str]] | None:
    id, name = COUNTRIES.get(country, ("", country))
    for facet in found:
        ids = [value for value, said, _ in facet.values if value == id or said == name]
        if ids:
            return {facet.parameter: ids}
    return None


def _splitting(found: tuple[Facet, ...], applied: Mapping[str, Any]) -> Facet | None:
    """The facet that covers most, none of whose values is cut itself."""
    usable = [
        facet
        for facet in found
        if facet.parameter not in applied and len(facet.values) > 1 and all(n < CAP for _, _, n in facet.values)
    ]
    return max(usable, key=lambda facet: sum(count for _, _, count in facet.values), default=None)


def _groups(facet: Facet) -> list[list[str]]:
    """Values together that stay below the cut."""
    groups: list[list[str]] = []
    size = CAP
    for id, _, count in sorted(facet.values, key=lambda value: -value[2]):
        if size + count >= CAP or len(groups[-1]) >= IDS_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(id)
        size += count
    return groups


def _throttled(answer: Answer) -> bool:
    """A redirect or a page of HTML in the place of an answer passes; to follow it would be to ask something else."""
    return answer.status in (302, 303) or (answer.status == 200 and answer.body.lstrip()[:1] != b"{")


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ChangedShape(f"{answer.url} answers {answer.status} and no JSON object; look at it.")
    return body


def _error_code(answer: Answer) -> str:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return ""
    return str(body.get("errorCode") or "") if isinstance(body, dict) else ""
