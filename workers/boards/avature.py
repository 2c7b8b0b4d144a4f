"""Avature portals: a list of pages, and a page for each posting."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from workers.boards.avature_detail import read_detail
from workers.boards.avature_list import Card, ListPage, posting_at, read_list
from workers.boards.board import COMPLETE_SHARE, Blocked, Board, Found, Gone, Page, Stub, Withheld
from workers.boards.page import asks_for_a_person, is_challenge, page_tree, refuse
from workers.web import Answer, Web

PAGE_ROWS = 10
"""What is asked for; some portals show more or fewer whatever they are asked."""
PAGES_MAX = 3_000
WITHHELD_MAX = 50
"""So many postings in a row that nobody may see are a refusal of ours, not of theirs."""

_LIST = "SearchJobs"
_ROUTE = re.compile(
    r"/(?P<list>SearchJobs|SearchJobsMaps|OpenRoles|JobDetail|FolderDetail|PipelineDetail)(?:/|$)", re.IGNORECASE
)
_PORTAL = re.compile(r"(?:/[a-z]{2}_[A-Z]{2})?/[\w-]{1,80}", re.ASCII)
_LOGIN = re.compile(r"/(?:Login|Register)(?:/|$)", re.IGNORECASE)
_HOUSE = frozenset(["apply", "careers", "career", "jobs", "job", "www", "recruitment", "recruiting", "talent"])
_COUNTRIES = {
    "IN": ("india",),
    "US": ("united states", "united states of america", "usa"),
    "GB": ("united kingdom", "uk", "great britain", "england", "scotland", "wales"),
    "IE": ("ireland",),
    "DE": ("germany",),
    "CH": ("switzerland",),
    "CA": ("canada",),
    "AU": ("australia",),
    "SG": ("singapore",),
    "MX": ("mexico",),
}


class Avature:
    """Reads one portal.

    The option `list` names the list's page where it is not `SearchJobs`. The feed is never read: it ends after twenty.
    """

    platform: ClassVar[str] = "avature"
    passes_to_close: int = 2

    def __init__(self, board: Board, web: Web) -> None:
        self._board = board
        self._web = web
        self._list = f"{board.url.rstrip('/')}/{board.options.get('list', _LIST)}/"
        self._elsewhere = 0
        self._withheld = 0

    async def pages(self) -> AsyncIterator[Page]:
        seen: set[str] = set()
        offset, unread, had_more, kind, why = 0, 0, False, "job", ""
        self._elsewhere = 0
        for _ in range(PAGES_MAX):
            page = await self._page(kind, offset)
            new = [card for card in page.cards if card.id not in seen]
            if page.rows == 0 or (offset and not new):
                why = "The site showed a page twice." if page.rows else ""
                break
            kind, had_more = page.kind or kind, had_more or page.more
            offset += page.rows
            unread += page.rows - len(page.cards)
            seen |= {card.id for card in page.cards}
            total = None if page.at_least else page.total
            stubs = tuple(_stub(card) for card in new if not self._is_elsewhere(card))
            self._elsewhere += len(new) - len(stubs)
            yield Page(stubs, self._advertised(total))
            if not page.more and (offset >= total if total is not None else had_more):
                break
        else:
            why = f"The list has more than {PAGES_MAX:,} pages; split the board."
        yield self._end(page, len(seen), unread, why)

    async def _page(self, kind: str, offset: int) -> ListPage:
        url = f"{self._list}?{kind}RecordsPerPage={PAGE_ROWS}&{kind}Offset={offset}"
        answer = await self._web.request("GET", url, throttled=_too_fast)
        tree = page_tree(answer)
        page = read_list(tree, answer.url, self._board.company)
        if answer.status == 200 and (page.rows or page.says_none):
            return page
        # Behind the last page some portals show an empty one that does not say so.
        if answer.status == 200 and offset and page.is_avature and not asks_for_a_person(answer, tree):
            return page
        raise refuse(answer, tree, "a list of postings")

    def _end(self, page: ListPage, seen: int, unread: int, why: str) -> Page:
        total = page.total
        if total is not None and not page.at_least and not why.startswith("The list has more"):
            # A site that repeats its last page has still given all of them.
            why = "" if seen >= COMPLETE_SHARE * total else f"{seen:,} of {total:,} advertised postings were shown."
        elif total is not None and page.at_least and seen < total:
            why = f"{seen:,} of more than {total:,} advertised postings were shown."
        elif unread and not why:
            why = f"{unread:,} rows of the list could not be read."
        advertised = self._advertised(None if page.at_least else total)
        return Page((), advertised, complete=not why, partial=why or None)

    def _advertised(self, total: int | None) -> int | None:
        return None if total is None else max(total - self._elsewhere, 0)

    def _is_elsewhere(self, card: Card) -> bool:
        """Whether the card's own place is in another country than the board's; where it names none it is not."""
        if self._board.country is None or card.location is None:
            return False
        named = {
            code for place in card.location.split(";") for code, names in _COUNTRIES.items()
            if place.rpartition(",")[2].strip().casefold() in (*names, code.casefold())
        }  # fmt: skip
        return bool(named) and self._board.country.upper() not in named

    async def detail(self, stub: Stub) -> Found:
        answer = await self._web.request("GET", stub.url, throttled=_too_fast)
        if answer.status in (404, 410):
            raise Gone(f"{stub.url} answers {answer.status}.")
        tree = page_tree(answer)
        if _is_withheld(answer) and not is_challenge(tree):
            self._withheld += 1
            if self._withheld > WITHHELD_MAX:
                raise Blocked(f"{WITHHELD_MAX} postings in a row are not shown; look whether {stub.url} is for you.")
            raise Withheld(f"{stub.url} is not shown ({answer.status}).")
        if answer.status != 200 or not _is_about(answer, stub):
            raise refuse(answer, tree, "a posting")
        found = read_detail(tree, stub.external_id, stub.title)
        if not found.description:
            raise refuse(answer, tree, "a description")
        self._withheld = 0
        return replace(found, location=found.location or stub.location, url=stub.url)

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        try:
            parts = urlsplit(url.strip())
            host = (parts.hostname or "").lower()
        except ValueError:
            return None
        route = _ROUTE.search(parts.path)
        prefix = parts.path[: route.start()] if route else parts.path.rstrip("/")
        is_known = host.endswith(".avature.net")
        if parts.scheme not in ("http", "https") or not _PORTAL.fullmatch(prefix) or not (route or is_known):
            return None
        board: dict[str, Any] = {"url": f"{parts.scheme}://{parts.netloc}{prefix}", "tenant": _tenant(host)}
        if route and not route["list"].lower().endswith("detail") and route["list"] != _LIST:
            board["list"] = route["list"]
        return board


def _too_fast(answer: Answer) -> bool:
    return answer.status == 406


def _is_withheld(answer: Answer) -> bool:
    # Some postings in a list answer 403 for ever, whatever is sent along, or lead to the portal's login.
    return answer.status in (401, 403) or bool(_LOGIN.search(urlsplit(answer.url).path))


def _is_about(answer: Answer, stub: Stub) -> bool:
    """Whether this is still the posting's page: portals lead to their list, their error or another posting instead."""
    asked, shown = posting_at(stub.url), posting_at(answer.url)
    return asked is None or (shown is not None and shown[0] == asked[0])


def _stub(card: Card) -> Stub:
    return Stub(card.id, card.title, card.url, card.location, card.posted_at)


def _tenant(host: str) -> str:
    labels = host.split(".")
    return labels[1] if labels[0] in _HOUSE and len(labels) > 2 else labels[0]
