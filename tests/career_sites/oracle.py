"""A site that speaks Oracle Recruiting Cloud's shape, with texts of our own and with its faults."""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_LIST = "/hcmRestApi/resources/latest/recruitingCEJobRequisitions"


@dataclass
class OracleJob:
    title: str
    country: str = "IN"
    place: str = "Bengaluru, Karnataka, India"
    others: tuple[tuple[str, str], ...] = ()
    """(name, country) of further places."""
    office: str = ""
    """Where the work is, as another part of the answer says it."""
    description: str = "<p>You build dashboards.</p>"
    responsibilities: str = ""
    qualifications: str = "<ul><li>SQL</li></ul>"
    gone: bool = False


@dataclass
class OracleSite:
    """`cap` rows come at most; `moves` is added to the total from page to page, the last of them to the rest."""

    jobs: dict[str, OracleJob]
    cap: int = 200
    moves: tuple[int, ...] = ()
    exponents: str = ""
    """`number` or `text`: how its total is written so."""
    repeats: bool = False
    glitches: dict[int, str] = field(default_factory=dict)
    """By offset, what its page is once instead: `empty` (its total too), `short`, or `first` (the first page again)."""
    hollow: bool = False
    """A total and no rows, as where the rows are not asked for."""
    faults: list[int | str] = field(default_factory=list)
    fails_from: int | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route(_LIST, self._list), Route(f"{_LIST.removesuffix('s')}Details", self._detail)])

    def _fault(self) -> Response | None:
        if self.fails_from is not None and len(self.asked) >= self.fails_from:
            return Response(status_code=503)
        if not self.faults:
            return None
        fault = self.faults.pop(0)
        if fault == "html":
            return Response("<html>Busy.</html>", media_type="text/html")
        return Response(status_code=int(fault))

    async def _list(self, request: Request) -> Response:
        query = request.scope["query_string"].decode()
        self.asked.append(query)
        if (fault := self._fault()) is not None:
            return fault
        # Only what is written inside the finder counts, and only as it is written there.
        finder = re.search(r"&finder=findReqs;siteNumber=CX_1,facetsList=LOCATIONS%3BWORK_LOCATIONS%3B([^&]*)", query)
        if finder is None:
            return Response(status_code=400)
        numbers = {name: int(number) for name, number in re.findall(r"(limit|offset)=(\d+)", finder[1])}
        limit, offset = numbers.get("limit", 25), numbers.get("offset", 0)
        glitch = self.glitches.pop(offset, None)
        if self.repeats or glitch == "first":
            offset = 0
        if glitch == "short":
            limit = 4
        chosen = [(id, job) for id, job in self.jobs.items() if not job.gone]
        rows = [] if glitch == "empty" else chosen[offset : offset + min(limit, self.cap)]
        if "expand=requisitionList." not in query or self.hollow:
            rows = []
        place = min(len(self.asked), len(self.moves)) - 1
        total = 0 if glitch == "empty" else len(chosen) + (self.moves[place] if self.moves else 0)
        body = {"items": [{"TotalJobsCount": total, "requisitionList": [self._row(*row) for row in rows]}]}
        text = msgspec.json.encode(body).decode()
        if self.exponents:
            written = f"{total / 10:g}E+1" if self.exponents == "number" else f'"{total / 10:g}E+1"'
            text = text.replace(f'"TotalJobsCount":{total}', f'"TotalJobsCount":{written}')
        return Response(text, media_type="application/json")

    def _row(self, id: str, job: OracleJob) -> dict[str, Any]:
        town, _, country = job.office.partition(", ")
        return {
            "Id": id, "Title": job.title, "PostedDate": "2026-11-20", "PrimaryLocation": job.place,
            "PrimaryLocationCountry": job.country or None, "WorkplaceTypeCode": "ORA_HYBRID",
            "secondaryLocations": [{"Name": name, "CountryCode": code} for name, code in job.others],
            "workLocation": [{"TownOrCity": town, "Region2": None, "Country": country}] if job.office else [],
        }  # fmt: skip

    async def _detail(self, request: Request) -> Response:
        query = request.scope["query_string"].decode()
        self.asked.append(query)
        if (fault := self._fault()) is not None:
            return fault
        found = re.search(r"&finder=ById;Id=%22([\w-]+)%22,siteNumber=CX_1$", query)
        job = self.jobs.get(found[1]) if found else None
        if found is None or job is None or job.gone:
            return Response(b'{"items":[]}', media_type="application/json")
        row = self._row(found[1], job) | {
            "ExternalDescriptionStr": job.description, "ExternalResponsibilitiesStr": job.responsibilities,
            "ExternalQualificationsStr": job.qualifications, "ExternalPostedStartDate": "2026-11-19T04:30:00+00:00",
        }  # fmt: skip
        return Response(msgspec.json.encode({"items": [row]}), media_type="application/json")
