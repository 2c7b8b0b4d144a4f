"""KPMG's site in the United States: its list, its postings' pages, and what it does wrong."""

import json
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PAGE_ROWS = 12
LIST = "/wp-content/themes/understrap-child-main/page-templates/google/get-jobs.php"


@dataclass
class KpmgUsJob:
    title: str = "Lighthouse Auditor"
    places: tuple[str, ...] = ("Austin, TX",)
    practice: str = "Audit and Assurance"
    text: str = "<p>You will count lamps on three coasts, and say without fear which of them are dark.</p>"
    posted: str = "2026-11-12"
    closes: str | None = None


class KpmgUsSite:
    """`jobs` by id, in the order of the list; a job with more than `card_places` places stands on several cards."""

    def __init__(
        self, jobs: dict[str, KpmgUsJob] | None = None, *, card_places: int = 49, says_none: bool = True,
        counted: bool = True, repeats_past_end: bool = False, structured: bool = True,
        fails_from: int | None = None, fails_with: int = 500,
    ) -> None:  # fmt: skip
        self.jobs = jobs if jobs is not None else {}
        self.card_places = card_places
        self.says_none = says_none
        self.counted = counted
        self.counts: int | None = None
        """What it says, whatever it has."""
        self.repeats_past_end = repeats_past_end
        self.structured = structured
        """The postings' pages carry JSON-LD."""
        self.fails_from = fails_from
        self.fails_with = fails_with
        self.removed: set[str] = set()
        self.list_shows: Any = None
        """Instead of the list: an object, or HTML."""
        self.details_show: tuple[int, str] | None = None
        """Instead of every posting's page."""
        self.asked: list[str] = []
        self.app = Starlette(routes=[Route(LIST, self._list), Route("/jobdetail/", self._detail)])

    def _in_the_way(self, request: Request) -> Response | None:
        self.asked.append(f"{request.url.path}?{request.url.query}")
        if self.fails_from is not None and len(self.asked) >= self.fails_from:
            return HTMLResponse("<h1>Error establishing a database connection</h1>", self.fails_with)
        return None

    def _cards(self) -> list[str]:
        first: list[str] = []
        further: list[str] = []
        for id, job in self.jobs.items():
            for start in range(0, max(len(job.places), 1), self.card_places):
                card = _card(id, job, job.places[start : start + self.card_places], start)
                (further if start else first).append(card)
        return first + further

    async def _list(self, request: Request) -> Response:
        if (failure := self._in_the_way(request)) is not None:
            return failure
        if self.list_shows is not None:
            return HTMLResponse(self.list_shows) if isinstance(self.list_shows, str) else JSONResponse(self.list_shows)
        cards = self._cards()
        page = int(request.query_params["spage"])
        if self.repeats_past_end:
            page = min(page, max((len(cards) + PAGE_ROWS - 1) // PAGE_ROWS, 1))
        shown = cards[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
        none = "<p>Sorry, no jobs matched your search.</p>" if self.says_none else ""
        count = len(cards) if self.counts is None else self.counts
        showing = f'<span data-action="count">{count:,}</span> Results' if self.counted else ""
        jobs = "".join(shown) if shown else none
        return JSONResponse(
            {"showing": showing, "pagination": "<ul></ul>", "postings": {"size": len(cards), "jobs": jobs}},
            media_type="text/html; charset=UTF-8",
        )

    async def _detail(self, request: Request) -> Response:
        if (failure := self._in_the_way(request)) is not None:
            return failure
        if self.details_show is not None:
            return HTMLResponse(self.details_show[1], self.details_show[0])
        id = request.query_params["jobId"]
        if id in self.removed or id not in self.jobs:
            return HTMLResponse("<html><head><title>Job Posting Not Found</title></head><body></body></html>")
        job = self.jobs[id]
        block = ""
        if self.structured:
            city, _, state = (job.places or ("", ""))[0].partition(", ")
            address = {
                "@type": "PostalAddress",
                "addressLocality": city,
                "addressRegion": state,
                "addressCountry": "US",
            }
            said: dict[str, Any] = {
                "@context": "https://schema.org/", "@type": "JobPosting", "title": job.title, "description": job.text,
                "identifier": {"@type": "PropertyValue", "name": "KPMG", "value": id}, "datePosted": job.posted,
                "jobLocation": {"@type": "Place", "address": address},
            }  # fmt: skip
            if job.closes:
                said["validThrough"] = job.closes
            block = f'<script type="application/ld+json">{json.dumps(said)}</script>'
        return HTMLResponse(
            f"<html><head><title>{escape(job.title)}</title>{block}</head><body><p id='jd-jobid'>{id}</p>"
            f"<p id='jd-location'>{'; '.join(job.places)}</p><div class='job-description'>{job.text}</div></body>"
        )


def _card(id: str, job: KpmgUsJob, places: tuple[str, ...], start: int) -> str:
    listed = f"{escape(job.practice)} | {'; '.join(places)}"
    return (
        f'<div class="search--item mb-2 search--experienced "><a href="/jobdetail/?jobId={id}" data-id="9{id}{start}">'
        f'<div class="grid-view"><div class="eyebrow">{escape(job.practice)}<svg><path d="M1,2"/></svg></div>'
        f'<div class="h4 mb-4">{escape(job.title)}</div><div class="text-xs">{len(places)} Locations</div></div>'
        f'<div class="list-view d-flex"><div class="p-2"><div class="h5">{escape(job.title)}</div>'
        f'<div class="text-xs text-dark-grey">{listed}</div></div></div></a></div>'
    )
