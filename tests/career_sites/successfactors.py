"""A site that speaks SuccessFactors' shapes, with texts of our own and with its faults."""

import gzip
from dataclasses import dataclass, field
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

PAGE = 25


@dataclass
class SuccessFactorsJob:
    title: str
    location: str = "Pune, IN, 411001"
    description: str = "<p>You close the <b>books</b>.</p><ul><li>SAP</li></ul>"
    published: str | None = None
    requisition: str = "REQ-7"
    gone: int | str | None = None
    """A status, or `redirect` to the search, or `word`."""


@dataclass
class SuccessFactorsSite:
    """`feed`: `open`, `html`, `none`, `down`, `hollow`, `cut`, `entities` or `gzip`.

    `pages`: `rows`, `tiles`, `login` or `other`.
    """

    jobs: dict[str, SuccessFactorsJob]
    feed: str = "open"
    pages: str = "rows"
    root: str = ""
    repeats: bool = False
    dates: bool = False
    encoding: str = "utf-8"
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._any)])

    @property
    def there(self) -> dict[str, SuccessFactorsJob]:
        return {id: job for id, job in self.jobs.items() if job.gone is None}

    async def _any(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(f"{path}?{request.url.query}" if request.url.query else path)
        if path == f"{self.root}/googlefeed.xml":
            return self._feed(str(request.base_url).rstrip("/"))
        if path == f"{self.root}/search/":
            return self._list(
                int(request.query_params["startrow"]), request.query_params.get("optionsFacetsDD_country")
            )
        if path == f"{self.root}/tile-search-results/":
            return self._tiles(int(request.query_params["startrow"]))
        if path.startswith(f"{self.root}/job/"):
            return self._detail(path.rstrip("/").rsplit("/", 1)[-1])
        return Response(status_code=404)

    def _feed(self, base: str) -> Response:
        if self.feed == "none":
            return Response(status_code=404)
        if self.feed == "down":
            return Response(status_code=503)
        if self.feed == "html":
            return HTMLResponse("<!DOCTYPE html><html><body>This feed is disabled.</body></html>")
        head = '<!DOCTYPE rss [<!ENTITY a "aaaa">]>' if self.feed == "entities" else ""
        shown = {} if self.feed == "hollow" else self.there
        items = "".join(self._item(base, id, job) for id, job in shown.items())
        whole = (
            f'<?xml version="1.0" encoding="UTF-8"?>{head}<rss version="2.0" '
            f'xmlns:g="http://base.google.com/ns/1.0"><channel><title>Careers</title>{items}</channel></rss>'
        ).encode()
        if self.feed == "cut":
            whole = whole[: len(whole) * 2 // 3]
        if self.feed == "gzip":
            return Response(gzip.compress(whole), headers={"content-encoding": "gzip"}, media_type="application/xml")
        return Response(whole, media_type="application/xml")

    def _item(self, base: str, id: str, job: SuccessFactorsJob) -> str:
        title = f"{job.title} ({job.location})"
        published = f"<pubDate>{job.published}</pubDate>" if job.published else ""
        return (
            f"<item><title>{escape(title)}</title><link>{base}{self.root}/job/Somewhere/{id}/</link>"
            f"<description>{escape(job.description or title)}</description><guid>{id}</guid>"
            f"<g:location>{escape(job.location)}</g:location><g:employer>Careers</g:employer>"
            f"<g:job_function>ATS_WEBFORM</g:job_function>{published}</item>"
        )

    def _list(self, start: int, country: str | None) -> Response:
        if self.pages == "login":
            return HTMLResponse("<html><head><title>Sign in</title></head><body><input type=password></body></html>")
        if self.pages in ("other", "tiles"):
            return HTMLResponse("<!DOCTYPE html><html><body><div id=app></div></body></html>")
        chosen = {id: job for id, job in self.there.items() if country is None or country in job.location}
        start = 0 if self.repeats else start
        shown = list(chosen.items())[start : start + PAGE]
        rows = "".join(self._row(id, job) for id, job in shown)
        total = f"{len(chosen):,}"
        label = (
            f'<span class="paginationLabel">Results <b>{start + 1} - {start + len(shown)}</b> of <b>{total}</b></span>'
        )
        if not chosen:
            label = "<div id='noresults'>There are currently no open positions matching this search.</div>"
        page = f"<html><body>{label}<table id='searchresults'>{rows}</table></body></html>"
        return HTMLResponse(page.encode(self.encoding))

    def _row(self, id: str, job: SuccessFactorsJob) -> str:
        link = f'<a class="jobTitle-link" href="{self.root}/job/Somewhere/{id}/">{escape(job.title)}</a>'
        place = f'<span class="jobLocation">{job.location} <small>+1 more…</small></span>'
        date = '<td class="colDate"><span class="jobDate">Sep 9, 2026 </span></td>' if self.dates else ""
        return (
            f'<tr class="data-row"><td><span class="hidden-phone">{link}</span><div class="visible-phone">{link}'
            f"{place}</div></td><td class='colLocation'>{place}</td>{date}</tr>"
        )

    def _tiles(self, start: int) -> Response:
        shown = list(self.there.items())[start : start + PAGE] if self.pages == "tiles" else []
        return HTMLResponse("<!DOCTYPE html>" + "".join(
            f'<li class="job-tile job-id-{id}"><a class="jobTitle-link" href="{self.root}/job/Somewhere/{id}/">'
            f'{escape(job.title)}</a><div id="job-{id}-desktop-section-location-value">{job.location}</div></li>'
            for id, job in shown
        ))  # fmt: skip

    def _detail(self, id: str) -> Response:
        job = self.jobs.get(id)
        if job is None or isinstance(job.gone, int):
            return Response(status_code=404 if job is None else int(job.gone or 404))
        if job.gone == "redirect":
            return RedirectResponse(f"{self.root}/search/?startrow=0")
        if job.gone == "word":
            return HTMLResponse("<html><body>This position has been filled.</body></html>")
        city, *rest = [part.strip() for part in job.location.split(",")]
        country = rest[0] if rest else ""
        return HTMLResponse(
            f"<html><head><title>{escape(job.title)}</title></head><body>"
            f"<span data-careersite-propertyid='title' itemprop='title'>{escape(job.title)}</span>"
            f"<span data-careersite-propertyid='customfield5'>{job.requisition}</span>"
            "<meta itemprop='datePosted' content='Wed Sep 16 00:00:00 UTC 2026'>"
            f"<meta itemprop='addressLocality' content='{city}'><meta itemprop='addressCountry' content='{country}'>"
            "<meta itemprop='addressLocality' content='Kochi'><meta itemprop='addressCountry' content='IN'>"
            "<span itemprop='description'>Apply today.</span>"
            f"<span itemprop='description'><span class='jobdescription'>{job.description}</span></span></body></html>"
        )
