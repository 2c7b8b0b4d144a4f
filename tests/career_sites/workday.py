"""A site that speaks Workday's shape, with texts of our own and with its faults."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from workers.boards.workday import LIMIT
from workers.boards.workday_facets import CAP, COUNTRIES

_BODY = {"appliedFacets", "limit", "offset", "searchText"}


@dataclass
class WorkdayJob:
    title: str
    country: str = "IN"
    places: tuple[str, ...] = ("Pune",)
    family: str = "advisory"
    """Empty where the facet leaves it out."""
    level: str = "all"
    """Likewise."""
    twin: str = ""
    """`-1` where another site has it too."""
    twice: bool = False
    """The list has its twin as well."""
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
    says: int | None = None
    """A total that is not the true one."""
    hollow: bool = False
    """Rows without paths."""
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
            case 429:
                return Response(status_code=429, headers={"retry-after": "7"})
            case status:
                return JSONResponse({"errorCode": "HTTP"}, int(status))

    async def _list(self, request: Request) -> Response:
        asked = json.loads(await request.body())
        self.asked.append(asked)
        if (fault := self._fault()) is not None:
            return fault
        if self.forbidden:
            return Response(status_code=401)
        if asked.keys() != _BODY:
            return Response(status_code=422)
        if asked["limit"] > LIMIT or any(len(ids) > 100 for ids in asked["appliedFacets"].values()):
            return Response(status_code=400)
        applied = asked["appliedFacets"]
        rows = [row for id, job in self.jobs.items() if _applies(self._values(job), applied) for row in self._rows(id)]
        total, offset = min(len(rows), CAP) if self.says is None else self.says, asked["offset"]
        if offset >= CAP and self.wraps:
            offset -= CAP
        told: dict[str, Any] = {"total": 0, "jobPostings": rows[offset : offset + LIMIT], "userAuthenticated": False}
        # Only the first page knows how many there are.
        return JSONResponse(
            told if asked["offset"] else told | {"total": total, "facets": self._facets(applied)},
        )

    def _values(self, job: WorkdayJob) -> dict[str, tuple[str, ...]]:
        """By facet; of places a job has several."""
        told: dict[str, tuple[str, ...]] = {"locations": job.places}
        told["jobFamilyGroup"] = (job.family,) if job.family else ()
        told["jobLevel"] = (job.level,) if job.level else ()
        if self.facet:
            told[self.facet] = (COUNTRIES[job.country][0],)
        return told

    def _facets(self, applied: dict[str, list[str]]) -> list[dict[str, Any]]:
        """Each counts what the others leave; a value without postings is left out."""
        counts: dict[str, Counter[str]] = {}
        for job in self.jobs.values():
            told = self._values(job)
            for name, ids in told.items():
                others = {other: chosen for other, chosen in applied.items() if other != name}
                counted = job.gone is None and _applies(told, others)
                counts.setdefault(name, Counter()).update(set(ids) if counted else ())
        names = dict(COUNTRIES.values())
        found = {
            name: {"facetParameter": name, "descriptor": name.title(), "values": [
                {"descriptor": names.get(id, id), "id": id, "count": count} for id, count in counted.items()
            ]}
            for name, counted in counts.items()
        }  # fmt: skip
        if not self.nested:
            return list(found.values())
        places = [found.pop(name) for name in ("locations", self.facet) if name in found]
        group = {"facetParameter": "locationMainGroup", "descriptor": None, "values": places}
        return [*found.values(), group]

    def _rows(self, id: str) -> Iterable[dict[str, Any]]:
        job = self.jobs[id]
        if job.gone is not None:
            return
        row: dict[str, Any] = {"title": job.title, "postedOn": "Posted 30+ Days Ago", "bulletFields": [id]}
        if job.places:
            row["locationsText"] = job.places[0] if len(job.places) == 1 else f"{len(job.places)} Locations"
        if self.hollow:
            yield {"bulletFields": [id]}
            return
        yield row | {"externalPath": self.path(id)}
        if job.twice:
            yield row | {"externalPath": f"{self.path(id)}-1"}

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


def _applies(told: dict[str, tuple[str, ...]], applied: dict[str, list[str]]) -> bool:
    return all(not set(ids).isdisjoint(told.get(name, ())) for name, ids in applied.items())
