"""Oracle Recruiting Cloud: a list and details as JSON, behind a finder that is written into the address."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from workers.boards.board import COMPLETE_SHARE, Blocked, Board, ChangedShape, Found, Gone, Page, Stub
from workers.boards.text import day, line, plain
from workers.web import Answer, Web

LIMIT = 200
"""Rows asked for; some sites give 25, whatever is asked."""
OVERLAP = 3
"""Rows read twice from one page to the next: the list moves while it is read."""
WINDOW_MAX = 10_000
"""Further rows are not shown."""
PAGES_MAX = 1_000
TRIES_MAX = 3
"""So often a page is asked for that is empty, or shows again what was shown, where more is to come."""
PLACES_MAX = 50

_BOARD = re.compile(r"(https?://[^/]+)/hcmUI/CandidateExperience/[\w-]+/sites/([\w-]+)/?", re.IGNORECASE)
_LIST = (
    "{origin}/hcmRestApi/resources/latest/recruitingCEJobRequisitions?onlyData=true"
    "&expand=requisitionList.workLocation,requisitionList.otherWorkLocations,requisitionList.secondaryLocations,"
    "flexFieldsFacet.values,requisitionList.requisitionFlexFields"
    "&finder=findReqs;siteNumber={site},"
    "facetsList=LOCATIONS%3BWORK_LOCATIONS%3BWORKPLACE_TYPES%3BTITLES%3BCATEGORIES%3BORGANIZATIONS%3BPOSTING_DATES"
    "%3BFLEX_FIELDS,limit={limit},offset={offset},sortBy=POSTING_DATES_DESC"
)
_DETAIL = (
    "{origin}/hcmRestApi/resources/latest/recruitingCEJobRequisitionDetails?expand=all&onlyData=true"
    "&finder=ById;Id=%22{id}%22,siteNumber={site}"
)
_ID = re.compile(r"[\w-]{1,60}", re.ASCII)
_TEXTS = ("ExternalDescriptionStr", "ExternalResponsibilitiesStr", "ExternalQualificationsStr")
_WORK_PLACES = ("workLocation", "otherWorkLocations")
_ADDRESS = ("TownOrCity", "Region2", "Country")
_HEADERS = {"accept": "application/json"}


class Oracle:
    """A board is one site of a tenant; ids are the tenant's."""

    platform: ClassVar[str] = "oracle"
    passes_to_close: int = 1

    def __init__(self, board: Board, web: Web) -> None:
        found = _BOARD.match(board.url)
        if found is None:
            raise ChangedShape(f"{board.url} is no address of an Oracle site; write …/sites/NAME into boards.toml.")
        self._board = board
        self._web = web
        self._origin, self._site = found.groups()
        self._page_root = found[0].rstrip("/")

    async def pages(self) -> AsyncIterator[Page]:
        seen: set[str] = set()
        offset, total, tries = 0, 0, 0
        why = None
        for _ in range(PAGES_MAX):
            told, rows = await self._page(offset)
            if offset == 0 and bool(rows) != bool(told):
                raise ChangedShape(f"{self._board.url} tells of {told:,} postings and shows {len(rows)}; look at it.")
            # It moves, and a page in trouble says less than there is: the most that was said counts.
            total = max(total, told)
            fresh = {_id(row): row for row in rows if _id(row) not in seen}
            tries = 0 if fresh else tries + 1
            seen |= fresh.keys()
            if tries == 0:
                yield Page(tuple(filter(None, map(self._stub, fresh.values()))), self._advertised(total))
                end = offset + len(rows)
                if end >= WINDOW_MAX and total > end:
                    why = f"The site shows {WINDOW_MAX:,} of its {total:,} postings."
                    break
                offset = end if end >= total or len(rows) <= 2 * OVERLAP else end - OVERLAP
            if offset >= total or tries == TRIES_MAX:
                break
        else:
            why = f"The list has more than {PAGES_MAX:,} pages."
        if why is None and len(seen) < COMPLETE_SHARE * total:
            again = " The site showed a page again and again." if tries else ""
            why = f"{len(seen):,} of {total:,} advertised postings were shown.{again}"
        yield Page((), self._advertised(total), complete=why is None, partial=why, short=len(seen) < total)

    def _advertised(self, total: int) -> int | None:
        """Of one country's postings the site tells no number."""
        return total if self._board.country is None else None

    async def _page(self, offset: int) -> tuple[int, list[dict[str, Any]]]:
        limit = min(LIMIT, WINDOW_MAX - offset)
        url = _LIST.format(origin=self._origin, site=self._site, limit=limit, offset=offset)
        body = _object(await self._web.request("GET", url, headers=_HEADERS, throttled=_throttled))
        items = body.get("items")
        if not isinstance(items, list) or not items or not isinstance(items[0], dict):
            raise ChangedShape(f"{self._board.url} answers without items; look at it.")
        rows = items[0].get("requisitionList")
        total = _number(items[0].get("TotalJobsCount"))
        if total is None or not isinstance(rows, list | None):
            raise ChangedShape(f"{self._board.url} answers without a list or its length; look at it.")
        return total, [row for row in rows or [] if isinstance(row, dict) and _ID.fullmatch(_id(row))]

    def _stub(self, row: Mapping[str, Any]) -> Stub | None:
        country, told = self._board.country, _countries(row)
        if country is not None and told and country not in told:
            return None
        id = _id(row)
        return Stub(
            id, line(str(row.get("Title") or "")), f"{self._page_root}/job/{id}", _location(row),
            day(str(row.get("PostedDate") or "")), id,
        )  # fmt: skip

    async def detail(self, stub: Stub) -> Found:
        url = _DETAIL.format(origin=self._origin, site=self._site, id=stub.handle)
        answer = await self._web.request("GET", url, headers=_HEADERS, throttled=_throttled)
        if answer.status in (404, 410):
            raise Gone
        items = _object(answer).get("items")
        if items == []:
            raise Gone
        if not isinstance(items, list) or not isinstance(items[0], dict):
            raise ChangedShape(f"{stub.url} answers without items; look at it.")
        row = items[0]
        texts = [plain(str(row.get(name) or "")) for name in _TEXTS]
        posted = row.get("ExternalPostedStartDate") or ""
        return Found(
            line(str(row.get("Title") or "")) or stub.title, "\n\n".join(filter(None, texts)),
            _location(row) or stub.location, posted_at=day(str(posted)) or stub.posted_at,
            closes_at=day(str(row.get("ExternalPostedEndDate") or "")), url=stub.url, requisition=stub.external_id,
        )  # fmt: skip

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        found = _BOARD.match(url.strip())
        host = found[1].partition("//")[2].lower() if found else ""
        if found is None or not host.endswith(".oraclecloud.com"):
            return None
        return {"url": found[0].rstrip("/"), "tenant": host.partition(".")[0]}


def _throttled(answer: Answer) -> bool:
    """Refusals that pass are everyday here, and so is a page of HTML in the place of an answer."""
    return answer.status in (302, 303, 403) or (answer.status == 200 and answer.body.lstrip()[:1] != b"{")


def _object(answer: Answer) -> dict[str, Any]:
    if answer.status == 401:
        raise Blocked(f"{answer.url} wants a sign-in; a person has to look.")
    try:
        body = json.loads(answer.body) if answer.status == 200 else None
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ChangedShape(f"{answer.url} answers {answer.status} and no JSON object; look at it.")
    return body


def _number(value: Any) -> int | None:
    """Also `1E+1`, as a number or in quotation marks."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _id(row: Mapping[str, Any]) -> str:
    value = row.get("Id")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value or "")


def _all(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    told = row.get(name)
    return [one for one in told[:PLACES_MAX] if isinstance(one, dict)] if isinstance(told, list) else []


def _countries(row: Mapping[str, Any]) -> set[str]:
    """Of all its places; empty where it says none."""
    told = [row.get("PrimaryLocationCountry"), *(one.get("CountryCode") for one in _all(row, "secondaryLocations"))]
    told += [one.get("Country") for name in _WORK_PLACES for one in _all(row, name)]
    return {one.upper() for one in told if isinstance(one, str) and one}


def _location(row: Mapping[str, Any]) -> str | None:
    """The places that it is posted for; the offices where it is posted for none."""
    names = [row.get("PrimaryLocation"), *(one.get("Name") for one in _all(row, "secondaryLocations"))]
    if not any(names):
        offices = [one for name in _WORK_PLACES for one in _all(row, name)]
        names = [", ".join(str(one[part]) for part in _ADDRESS if one.get(part)) for one in offices]
    return "; ".join(dict.fromkeys(filter(None, (line(str(name or "")) for name in names)))) or None
