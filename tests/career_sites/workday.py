"""A site that speaks Workday's shape, with texts of our own and with its faults."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from workers.boards.workday import CAP, COUNTRIES, LIMIT


@dataclass
class WorkdayJob:
    title: str
    country: str = "IN"
    places: tuple[str, ...] = ("Pune",)
    family: str = "advisory"
    twin: str = ""
    """`-1` where another site has it too."""
    description: str = "<p>You close the <b>books</b>.</p><ul><li>SAP</li></ul>"
    gone: str | None = None
    """`404`, `S22` or `posted`."""


@dataclass
class WorkdaySite:
    """`faults` are answered first, one a request: a status, `html`, or `redirect`."""

    jobs: dict[str, WorkdayJob]
    facet: str | None = "locationCountry"
    nested: bool = False
    wraps: bool = True
    """Behind the cap the first page comes again; else the rest does."""
    forbidden: bool = False
    fails_from: int | None = None
    faults: list[int | str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/wday/cxs/acme/Careers/jobs", self._list, methods=["POST"]),
                Route("/wday/cxs/acme/Careers/job/{place}/{slug}", self._detail),
            ]
        )

    def _fault(self) -> Response | None:
        if self.fails_from is not None and len(self.asked) >= self.fails_from:
            return Response(status_code=503)
        match self.faults.pop(0) if self.faults else None:
            case None:
                return None
            case "html":
                return HTMLResponse("<html><body>One moment.</body></html>")
            case "redirect":
                return Response(status_code=303)
            case status:
                return Response(status_code=int(status))

    async def _list(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        self.asked.append(asked)
        if (fault := self._fault()) is not None:
            return fault
        if self.forbidden:
            return Response(status_code=401)
        if asked.keys() != {"appliedFacets", "limit", "offset", "searchText"}:
            return Response(status_code=422)
        if asked["limit"] > LIMIT:
            return Response(status_code=400)
        chosen = [(id, job) for id, job in self.jobs.items() if job.gone is None and self._applies(job, asked)]
        total, offset = min(len(chosen), CAP), asked["offset"]
        if offset >= CAP and self.wraps:
            offset -= CAP
        rows = [self._row(id, job) for id, job in chosen[offset : offset + LIMIT]]
        # Only the first page knows how many there are.
        said = total if asked["offset"] == 0 else 0
        return JSONResponse({"total": said, "jobPostings": rows, "facets": self._facets(), "userAuthenticated": False})

    def _applies(self, job: WorkdayJob, asked: dict[str, Any]) -> bool:
        applied = asked["appliedFacets"]
        country = applied.get(self.facet) if self.facet else None
        families = applied.get("jobFamilyGroup")
        return (country is None or COUNTRIES[job.country][0] in country) and (
            families is None or job.family in families
        )

    def _facets(self) -> list[dict[str, Any]]:
        families = sorted({job.family for job in self.jobs.values()})
        counts = {name: sum(job.family == name for job in self.jobs.values()) for name in families}
        found: list[dict[str, Any]] = [
            {"facetParameter": "jobFamilyGroup", "descriptor": "Family",
             "values": [{"descriptor": name, "id": name, "count": counts[name]} for name in families]},
        ]  # fmt: skip
        if self.facet:
            values = [
                {"descriptor": name, "id": id, "count": sum(job.country == code for job in self.jobs.values())}
                for code, (id, name) in COUNTRIES.items()
            ]
            country = {"facetParameter": self.facet, "descriptor": "Country", "values": values}
            group = {"facetParameter": "locationMainGroup", "descriptor": None, "values": [country]}
            found.append(group if self.nested else country)
        return found

    def _row(self, id: str, job: WorkdayJob) -> dict[str, Any]:
        row: dict[str, Any] = {
            "title": job.title, "externalPath": self.path(id), "postedOn": "Posted 30+ Days Ago", "bulletFields": [id],
        }  # fmt: skip
        if job.places:
            row["locationsText"] = job.places[0] if len(job.places) == 1 else f"{len(job.places)} Locations"
        return row

    def path(self, id: str) -> str:
        job = self.jobs[id]
        return f"/job/Somewhere/{job.title.replace(' ', '-')}_{id}{job.twin}"

    async def _detail(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if (fault := self._fault()) is not None:
            return fault
        id = next((id for id in self.jobs if self.path(id).endswith(f"/{request.path_params['slug']}")), None)
        job = self.jobs.get(id or "")
        if id is None or job is None or job.gone == "404":
            return JSONResponse({"errorCode": "HTTP_404"}, 404)
        if job.gone == "S22":
            return JSONResponse({"errorCode": "S22", "message": "permission denied"}, 403)
        code, name = COUNTRIES[job.country]
        return JSONResponse({"jobPostingInfo": {
            "title": job.title, "jobDescription": job.description, "location": job.places[0] if job.places else None,
            "additionalLocations": list(job.places[1:]), "postedOn": "Posted Yesterday", "startDate": "2026-11-20",
            "endDate": "2026-12-20", "jobReqId": id, "posted": job.gone != "posted",
            "country": {"descriptor": name, "id": code},
            "externalUrl": f"https://acme.example.com/Careers{self.path(id)}",
        }})  # fmt: skip
