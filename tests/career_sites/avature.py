"""An Avature portal: its list, its postings' pages, and what real portals do wrong."""

import json
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

LOREM = (
    "You will plan the night trains of a country that does not exist, talk to the people who drive them, and write"
    " down what you learn so that the next planner need not learn it again."
)
CHALLENGE = "<html><head><title>Just a moment...</title></head><body><div id='challenge-form'></div></body></html>"
LOGIN = "<html><head><title>Sign in</title></head><body><form><input type='password'></form></body></html>"


@dataclass
class AvatureJob:
    title: str = "Night Train Planner"
    places: tuple[str, ...] = ("Hyderabad, Telangana, India",)
    """None at all are possible."""
    practice: str = "Rail, Road & Air"
    posted: str = "2026-11-02"
    text: str = f"<p>{LOREM}</p><ul><li>Timetables</li><li>C &amp; C++</li></ul>"
    listed_posted: str | None = None
    """As the list says it: "Posted 21-Aug-2026"."""


class AvatureSite:
    """`jobs` by id, in the order of the list; all of it may be changed between two requests.

    Each argument is one habit of some portal. `fails_from` is the request, counted from 1, from which on it answers
    `fails_with`.
    """

    def __init__(
        self, jobs: dict[str, AvatureJob] | None = None, *, portal: str = "/en_US/careersUSI", page_rows: int = 10,
        legend: str = "exact", next_link: bool = True, kind: str = "job", cards: str = "deloitte",
        detail: str = "json-ld", unclosed: bool = False, silent: bool = False, meta: bool = True,
        repeats_past_end: bool = False, ignores_offset: bool = False, too_fast: int = 0,
        fails_from: int | None = None, fails_with: int = 500, charset: str = "utf-8",
    ) -> None:  # fmt: skip
        self.jobs = jobs if jobs is not None else {}
        self.portal = portal
        self.page_rows = page_rows
        self.legend = legend
        """`exact`, `none`, `plus` ("999+"), or what it shall say."""
        self.next_link = next_link
        self.kind = kind
        self.cards = cards
        """`deloitte`: bare spans; `classes`: spans that are named; `table`: rows of a table."""
        self.detail = detail
        """`json-ld`, `dated-json-ld` (a title and a date alone), `labels`, `spans`, `text`."""
        self.unclosed = unclosed
        self.silent = silent
        """An empty list does not say that it is empty."""
        self.meta = meta
        self.repeats_past_end = repeats_past_end
        self.ignores_offset = ignores_offset
        self.too_fast = too_fast
        """So many requests yet are answered 406."""
        self.fails_from = fails_from
        self.fails_with = fails_with
        self.charset = charset
        self.withheld: set[str] = set()
        self.walled: set[str] = set()
        """Lead to the portal's login."""
        self.removed: set[str] = set()
        """Stand in the list, and their pages are no more."""
        self.list_shows: str | None = None
        """Instead of the list."""
        self.details_show: tuple[int, str] | None = None
        """Instead of every posting's page."""
        self.asked: list[str] = []
        listed = [Route(f"{portal}/{page}/", self._list) for page in ("SearchJobs", "SearchJobsMaps")]
        name = f"{kind.capitalize()}Detail"
        self.app = Starlette(
            routes=[
                *listed,
                Route(f"{portal}/{name}/{{slug}}/{{id}}", self._detail),
                Route(f"{portal}/Login", self._login),
            ]
        )

    def _in_the_way(self, request: Request) -> Response | None:
        self.asked.append(f"{request.url.path}?{request.url.query}".rstrip("?"))
        if self.too_fast > 0:
            self.too_fast -= 1
            return HTMLResponse("<h1>406 Not Acceptable</h1>", 406)
        if self.fails_from is not None and len(self.asked) >= self.fails_from:
            return HTMLResponse("<h1>Something went wrong</h1>", self.fails_with)
        return None

    async def _list(self, request: Request) -> Response:
        if (failure := self._in_the_way(request)) is not None:
            return failure
        if self.list_shows is not None:
            return HTMLResponse(self.list_shows)
        asked = int(request.query_params.get(f"{self.kind}Offset", 0))
        offset = 0 if self.ignores_offset else asked
        ids = list(self.jobs)
        if self.repeats_past_end and ids and offset >= len(ids):
            offset = (len(ids) - 1) // self.page_rows * self.page_rows
        shown = ids[offset : offset + self.page_rows]
        more = asked + len(shown) < len(ids) and bool(shown)
        address = f"{self.portal}/SearchJobs/?{self.kind}RecordsPerPage={self.page_rows}"
        body = "".join(self._card(id, self.jobs[id]) for id in shown)
        if self.cards == "table":
            body = f"<table>{body}</table>"
        if not ids and not self.silent:
            body = '<article class="article article--result"><h3>No jobs found</h3><p>Come back soon.</p></article>'
        legend = self._legend(offset, len(shown))
        href = f"{address}&amp;{self.kind}Offset={asked + len(shown)}"
        after = f'<div class="pagination"><i class="paginationNextLink"><a href="{href}">Next</a></i></div>'
        return self._page(
            "SearchJobs",
            f'<div class="list-controls"><a href="{self.portal}/Login">Log in</a>{legend}</div>'
            f'<div class="results results--listed">{body}</div>'
            + (after if more and self.next_link else ""),
        )  # fmt: skip

    def _legend(self, offset: int, shown: int) -> str:
        if self.legend == "none" or (not self.jobs and self.silent):
            return ""
        total = {"exact": f"{len(self.jobs):,}", "plus": "999+"}.get(self.legend, self.legend)
        said = f"{offset + 1}-{offset + shown} of {total} results" if shown else f"{total} results"
        return f'<div class="list-controls__text__legend" aria-label="{total} results">{said}</div>'

    def _card(self, id: str, job: AvatureJob) -> str:
        url = f"{self.portal}/{self.kind.capitalize()}Detail/{job.title.replace(' ', '-')}/{id}"
        link = f'<a class="link" href="{url}?qtvc=3f2a"> {escape(job.title)}\n </a>'
        place = "Multiple Locations" if len(job.places) > 1 else escape("".join(job.places))
        if self.cards == "table":
            return f"<tr><td>{place}</td><td>{link}</td></tr>"
        spans = f"<span> Deloitte US </span> | <span>{escape(job.practice)}</span> | <span>{place}</span>"
        if self.cards == "classes":
            between = '<span class="separator" aria-hidden="true">&nbsp;&#8226;&nbsp;</span>'
            named = {
                "siteLocation": "Tower 4",
                "location": place,
                "workType": "Permanent Full Time",
                "ref": f"Ref #{id}",
            }
            if not job.places:
                del named["location"]
            if job.listed_posted:
                named["posted"] = job.listed_posted
            spans = between.join(f'<span class="list-item-{name}">{said}</span>' for name, said in named.items())
        ends = "" if self.unclosed else "</div></div></div>"
        return (
            f'<article class="article article--result" id="a{id}"><div class="article__header">'
            f'<div class="article__header__text"><h3 class="article__header__text__title title">{link}</h3>'
            f'<div class="article__header__text__subtitle">{spans}</div>'
            f'{ends}<div class="article__footer"><a class="button button--primary" href="{url}">View details</a>'
            f"{'' if self.unclosed else '</div>'}</article>"
        )

    async def _detail(self, request: Request) -> Response:
        if (failure := self._in_the_way(request)) is not None:
            return failure
        id = request.path_params["id"]
        if self.details_show is not None:
            return HTMLResponse(self.details_show[1], self.details_show[0])
        if id in self.walled:
            return RedirectResponse(f"{self.portal}/Login?jobId={id}", 302)
        if id in self.withheld:
            return self._page("Error", "<h1>Access denied</h1><p>You may not see this.</p>", 403)
        if id in self.removed or id not in self.jobs:
            return self._page("Error", "<h1>This page does not exist</h1>", 404)
        return self._page("JobDetail", self._posting(id, self.jobs[id]))

    def _posting(self, id: str, job: AvatureJob) -> str:
        title = f'<h2 class="banner__text__title">{escape(job.title)}</h2>'
        several = "".join(f'<p class="paragraph">{escape(place)}</p>' for place in job.places)
        head = title + (
            f'<a class="link toggleLocations">Same job available in {len(job.places)} locations</a>'
            f'<div class="article__header--locations"><div class="fluid-cols">{several}</div></div>'
            if len(job.places) > 1
            else ""
        )
        if self.detail == "text":
            return f'{head}<article class="article--details"><div class="article__content">{job.text}</div></article>'
        if self.detail == "spans":
            return head + _spans(id, job)
        labels = _labels(id, job)
        if self.detail == "labels":
            return head + labels
        whole = self.detail == "json-ld"
        return head + (labels if not whole else "") + _blocks(id, job, whole)

    async def _login(self, request: Request) -> Response:
        return self._page("Login", LOGIN)

    def _page(self, name: str, body: str, status: int = 200) -> Response:
        meta = f'<meta name="avature.portal.id" content="4"><meta name="avature.portal.page" content="{name}">'
        head = f"<title>Careers</title>{meta if self.meta else ''}"
        html = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
        declared = {"content-type": f"text/html; charset={self.charset}"}
        return Response(html.encode(self.charset, "xmlcharrefreplace"), status, headers=declared)


def _blocks(id: str, job: AvatureJob, whole: bool) -> str:
    """Two of them: the first is the firm's own, with a title that nobody outside knows, and has no identifier."""
    kind = {"@context": "http://schema.org", "@type": "JobPosting"}
    inner: dict[str, Any] = kind | {"title": f"RR-{job.title}-{job.practice}-FY27"}
    outer: dict[str, Any] = kind | {"title": job.title, "datePosted": job.posted}
    if whole:
        inner |= {"identifier": None, "description": job.text[:20]}
        outer |= {"identifier": {"@type": "PropertyValue", "value": id}, "description": job.text}
    blocks = [json.dumps(inner), '{"@type": "BreadcrumbList", "itemListElement": [,]}', json.dumps(outer)]
    return "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks[0 if whole else 2 :])


def _labels(id: str, job: AvatureJob) -> str:
    def field(label: str, value: str, mark: str = "") -> str:
        name = "article__content__view__field"
        told = f'<div class="{name}__label">{label}</div>' if label else ""
        return f'<div class="{name} {mark}">{told}<div class="{name}__value"> {value} </div></div>'

    return (
        '<article class="article article--details"><div class="article__content">'
        + field("Location:", escape("".join(job.places[:1])))
        + field("Posted since", "21-Aug-2026")
        + field("Application deadline", "30 November 2026")
        + field("Ref #", f"R-{id}")
        + field("What you will do", job.text, "field--rich-text")
        + field("", "Equal chances for all.", "field--rich-text")
        + "</div></article>"
    )


def _spans(id: str, job: AvatureJob) -> str:
    def item(label: str, value: str, mark: str = "") -> str:
        told = f'<span class="field-title">{label}</span>'
        return f'<div class="article__view__item {mark}">{told}<span class="field-value">{value}</span></div>'

    return (
        '<article class="article article--details"><div class="article__content"><div class="article__view">'
        + item(" ", job.text, "view--row no-label view--rich-text")
        + item("Work type", "Hybrid")
        + item("City", "Pune")
        + item("Country/Region", "India")
        + item("Job ID", id, "visibility--hidden")
        + "</div></div></article>"
    )
