"""Workday: a list by POST, twenty rows a time, and a detail for each; two thousand rows are all that one list shows."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from workers.boards.board import COMPLETE_SHARE, Blocked, Board, ChangedShape, Found, Gone, Page, Stub
from workers.boards.text import line
from workers.boards.workday_facets import (
    CAP,
    Applied,
    Facet,
    divisions,
    estimated,
    facets,
    fewest,
    groups,
    narrowed_to,
)
from workers.boards.workday_posting import is_in, posting, requisition
from workers.web import Answer, Web

LIMIT = 20
OVERLAP = 2
"""Rows read twice from one page to the next: what is taken down meanwhile moves the others up."""
OFFSET_MAX = 50_000
DIVISIONS_MAX = 3
"""So many facets one after the other: each may leave out postings, or count them twice."""
DEPTH_MAX = 3
"""So many facets inside each other, where one value alone is cut."""

_HOST = re.compile(r"([\w-]+)\.(wd\d+)\.myworkdayjobs\.com", re.IGNORECASE)
_LOCALE = re.compile(r"[a-z]{2}-[A-Z]{2}")
_MANY = re.compile(r"\d+ Locations?", re.IGNORECASE)
_HEADERS = {"accept": "application/json", "content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Listed:
    total: int
    rows: tuple[dict[str, Any], ...]
    facets: tuple[Facet, ...]


@dataclass(slots=True)
class _Parts:
    """What a list gave in parts: the paths of its rows, and how many there are of them by the site's own counts."""

    paths: set[str] = field(default_factory=set)
    told: int = 0


class Workday:
    """Requisitions stand on several sites of a tenant, with twins as `-1`: their id is the requisition's."""

    platform: ClassVar[str] = "workday"
    passes_to_close: int = 1

    def __init__(self, board: Board, web: Web) -> None:
        parts = urlsplit(board.url)
        host = _HOST.fullmatch(parts.hostname or "")
        site = _site(parts.path)
        if site is None:
            raise ChangedShape(f"{board.url} names no site; write https://TENANT.wdN.myworkdayjobs.com/SITE.")
        self._board = board
        self._web = web
        self._page_root = f"{parts.scheme}://{parts.netloc}/{site}"
        self._api = f"{parts.scheme}://{parts.netloc}/wday/cxs/{host[1] if host else board.tenant}/{site}"
        # Too many requests to one tenant are held against all of its pod.
        self._pace = host[2] if host else None
        self._seen: set[str] = set()
        self._rows: set[str] = set()
        """Paths: a twin counts as a row of the list, though it is no posting of its own."""
        self._by_detail = False

    async def pages(self) -> AsyncIterator[Page]:
        first = await self._list({}, 0)
        applied: Applied = {}
        if self._board.country is not None and first.total:
            narrowed = narrowed_to(self._board.country, first.facets)
            self._by_detail = narrowed is None
            if narrowed is not None:
                applied, first = narrowed, await self._list(narrowed, 0)
        if first.total and not any(map(self._stub, first.rows)):
            raise ChangedShape(f"{self._board.url} tells of {first.total:,} postings and shows none; look at it.")
        if first.total == CAP:
            async for page in self._cut(applied, first):
                yield page
            return
        async for page in self._walk(applied, first, set(), first.total):
            yield page
        enough = len(self._rows) >= COMPLETE_SHARE * first.total
        why = None if enough else f"{len(self._rows):,} of {first.total:,} advertised postings were shown."
        # Twins are counted by the site and not by us.
        twins = len(self._rows) - len(self._seen)
        short = len(self._rows) < first.total
        yield Page((), first.total - twins, complete=enough, partial=why, short=short)

    async def _walk(
        self, applied: Applied, listed: Listed, found: set[str], advertised: int | None = None
    ) -> AsyncIterator[Page]:
        """One list from its first page on, into `found`; only that page tells its length."""
        offset, total = 0, listed.total
        while listed.rows:
            yield Page(self._new(listed.rows, found), advertised)
            end = offset + len(listed.rows)
            if end >= total or end + LIMIT > OFFSET_MAX:
                return
            offset = end - OVERLAP if len(listed.rows) > 2 * OVERLAP else end
            listed = await self._list(applied, offset)

    async def _cut(self, applied: Applied, first: Listed) -> AsyncIterator[Page]:
        """A list that is cut: as far as it goes, then by its facets, then behind the cut where that is shown."""
        direct: set[str] = set()
        async for page in self._walk(applied, first, direct):
            yield page
        shown = set(direct)
        parts = _Parts()
        for facet in divisions(first.facets, applied)[:DIVISIONS_MAX]:
            if parts.paths and facet.count <= len(self._rows):
                continue
            one = _Parts()
            async for page in self._by(facet, applied, one):
                yield page
            parts = _Parts(parts.paths | one.paths, max(parts.told, one.told))
        ended = False
        offset = CAP
        while offset < OFFSET_MAX:
            listed = await self._list(applied, offset)
            before = len(direct)
            stubs = self._new(listed.rows, direct)
            # Nothing at the cut itself may be the cut as well as the end.
            ended = not listed.rows and offset > CAP
            if len(direct) == before:
                break
            yield Page(stubs)
            offset += len(listed.rows)
        expected = float(len(direct)) if ended else estimated(shown, parts.paths)
        expected = max(expected, parts.told, fewest(first.facets, applied))
        enough = len(self._rows) >= COMPLETE_SHARE * expected
        of = (
            f"of about {expected:,.0f} postings were shown"
            if expected < float("inf")
            else "postings were shown and perhaps not all"
        )
        why = f"{len(self._rows):,} {of}; the site cuts its list at {CAP:,}."
        # What is cut is counted by estimate: one such list proves nothing.
        yield Page((), complete=enough, partial=None if enough else why, short=True)

    async def _by(self, facet: Facet, applied: Applied, parts: _Parts, depth: int = 1) -> AsyncIterator[Page]:
        for group in groups(facet):
            narrowed = {**applied, facet.parameter: [value.id for value in group]}
            first, part = await self._list(narrowed, 0), _Parts()
            async for page in self._walk(narrowed, first, part.paths):
                yield page
            cut = first.total == CAP and depth < DEPTH_MAX
            for inner in divisions(first.facets, narrowed)[:1] if cut else []:
                async for page in self._by(inner, narrowed, part, depth + 1):
                    yield page
            # Values together may share postings; one alone counts its own exactly, also where its list is cut.
            count = max(first.total, group[0].count if len(group) == 1 else 0, part.told)
            parts.told += max(count - len(part.paths), 0) + len(part.paths - parts.paths)
            parts.paths |= part.paths

    def _new(self, rows: tuple[dict[str, Any], ...], found: set[str]) -> tuple[Stub, ...]:
        stubs = []
        for row in rows:
            stub = self._stub(row)
            if stub is None:
                continue
            found.add(stub.handle)
            self._rows.add(stub.handle)
            if stub.external_id not in self._seen:
                self._seen.add(stub.external_id)
                stubs.append(stub)
        return tuple(stubs)

    def _stub(self, row: Mapping[str, Any]) -> Stub | None:
        path, title = str(row.get("externalPath") or ""), line(str(row.get("title") or ""))
        id = requisition(path, row.get("bulletFields"))
        if not path.startswith("/") or not title or not id:
            return None
        where = line(str(row.get("locationsText") or ""))
        vague = not where or _MANY.fullmatch(where) is not None
        return Stub(
            id, title, f"{self._page_root}{path}", None if vague else where, handle=path,
            incomplete=f"The list says {where or 'nothing'} of its places." if vague else None,
        )  # fmt: skip

    async def _list(self, applied: Applied, offset: int) -> Listed:
        asked = {"appliedFacets": dict(applied), "limit": LIMIT, "offset": offset, "searchText": ""}
        answer = await self._web.request(
            "POST", f"{self._api}/jobs", json=asked, headers=_HEADERS, pace=self._pace, throttled=_throttled
        )
        body = _object(answer, self._board.url)
        told, total = body.get("jobPostings"), body.get("total")
        if not isinstance(told, list) or (offset == 0 and not isinstance(total, int)):
            raise ChangedShape(f"{self._board.url} answers without postings or their number; look at it.")
        rows = tuple(row for row in told if isinstance(row, dict))
        if offset == 0 and total == 0 and rows:
            raise ChangedShape(f"{self._board.url} tells of no postings and shows {len(rows)}; look at it.")
        return Listed(total if isinstance(total, int) else 0, rows, facets(body.get("facets")))

    async def detail(self, stub: Stub) -> Found:
        answer = await self._web.request(
            "GET", f"{self._api}{stub.handle}", headers={"accept": "application/json"}, pace=self._pace,
            throttled=_throttled,
        )  # fmt: skip
        if answer.status in (404, 410) or (answer.status == 403 and _error_code(answer) == "S22"):
            raise Gone
        info = _object(answer, stub.url).get("jobPostingInfo")
        if not isinstance(info, dict):
            raise ChangedShape(f"{stub.url} answers without a posting; look at it.")
        if info.get("posted") is False or (self._by_detail and not is_in(str(self._board.country), info)):
            raise Gone
        return posting(info, stub)

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        try:
            parts = urlsplit(url.strip())
            host = _HOST.fullmatch(parts.hostname or "")
        except ValueError:
            return None
        site = _site(parts.path)
        if host is None or site is None:
            return None
        return {"url": f"https://{host[0].lower()}/{site}", "tenant": host[1].lower()}


def _site(path: str) -> str | None:
    """As a person or a program writes it: `/SITE/…`, behind a locale, or `/wday/cxs/TENANT/SITE/…`."""
    segments = [part for part in path.split("/") if part and not _LOCALE.fullmatch(part)]
    if segments[:2] == ["wday", "cxs"]:
        del segments[:3]
    return segments[0] if segments else None


def _throttled(answer: Answer) -> bool:
    """A redirect or a page of HTML in the place of an answer passes; to follow it would be to ask something else."""
    return answer.status in (302, 303) or (answer.status == 200 and answer.body.lstrip()[:1] != b"{")


def _object(answer: Answer, page: str) -> dict[str, Any]:
    if answer.status in (401, 403):
        raise Blocked(f"{page} is shown to browsers only ({answer.status}); a person has to look.")
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
