"""SuccessFactors career sites: the whole feed where it is open, else the list's pages, else its tiles."""

import re
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import quote, urljoin, urlsplit

from workers.boards.board import COMPLETE_SHARE, Away, Blocked, Board, BoardError, ChangedShape, Found, Gone, Page, Stub
from workers.boards.countries import is_elsewhere
from workers.boards.job_posting import job_posting
from workers.boards.page import asks_for_a_person, page_tree, refuse
from workers.boards.successfactors_feed import NoFeed, items, stub_of
from workers.boards.successfactors_pages import Listed, is_list, listed, microdata, tiles
from workers.web import Web

FEEDS = ("/googlefeed.xml", "/sitemal.xml")
"""The second one is spelt like that."""
PAGES_MAX = 2_000

_BRACKET = re.compile(r"\(([^()]+)\)$")
_GONE = re.compile(r"no longer (?:available|accepting)|position has been filled|job (?:was )?not found", re.IGNORECASE)
_OWN_PATH = re.compile(r"(.*?)/(?:search/?|job/.*/\d{3,20}/?|go/.*/\d+/?.*|tile-search-results/?)$")


class SuccessFactors:
    """`passes_to_close` is one where the feed answered and two where pages had to do; it is known after `pages`."""

    platform: ClassVar[str] = "successfactors"

    def __init__(self, board: Board, web: Web) -> None:
        self.passes_to_close: int = 2
        self._board = board
        self._web = web
        self._root = board.url.rstrip("/")
        parts = urlsplit(board.url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def pages(self) -> AsyncIterator[Page]:
        for url in self._feeds():
            begun = False
            try:
                async for page in self._feed(url):
                    begun = True
                    yield page
            except NoFeed:
                continue
            except BoardError:
                # A feed that does not answer shuts one door; one that breaks off was the board's list.
                if begun:
                    raise
                continue
            self.passes_to_close = 1
            return
        async for page in self._list():
            yield page

    def _feeds(self) -> list[str]:
        named = self._board.options.get("feed")
        paths = dict.fromkeys([*([str(named)] if named else []), *FEEDS])
        # The feed stands at the host's root on some sites and below the board's path on others.
        return list(dict.fromkeys(f"{root}{path}" for path in paths for root in (self._origin, self._root)))

    async def _feed(self, url: str) -> AsyncIterator[Page]:
        async with self._web.stream(url) as stream:
            if stream.status != 200:
                raise NoFeed
            told, unread = 0, 0
            async for batch in items(stream.chunks):
                stubs = [stub_of(item) for item in batch]
                told += len(stubs)
                unread += stubs.count(None)
                yield Page(tuple(stub for stub in stubs if stub is not None and self._is_here(stub)))
        if not told:
            # Perhaps there is nothing, and perhaps the feed is not made any more: the list says which.
            raise NoFeed
        why = f"{unread:,} of {told:,} postings of the feed have no id or no title; look at it."
        enough = told - unread >= COMPLETE_SHARE * told
        yield Page((), complete=enough, partial=None if enough else why, short=unread > 0)

    def _is_here(self, stub: Stub) -> bool:
        country = self._board.country
        bracket = _BRACKET.search(stub.title)
        place = stub.location or (bracket[1] if bracket else None)
        return country is None or not is_elsewhere(place, country)

    async def _list(self) -> AsyncIterator[Page]:
        seen: set[str] = set()
        total, start, why = None, 0, None
        for _ in range(PAGES_MAX):
            found = await self._listed(start)
            total = found.total if found.total is not None else total
            new = [stub for stub in found.stubs if stub.external_id not in seen]
            if found.rows and not new:
                why = "The site showed a page twice."
                break
            seen.update(stub.external_id for stub in new)
            here = tuple(stub for stub in new if self._is_here(stub))
            yield Page(here, total if self._board.country is None else None)
            start += found.rows
            if not found.rows or (total is not None and start >= total):
                break
        else:
            why = f"The list has more than {PAGES_MAX:,} pages."
        if total is None and not seen:
            raise ChangedShape(f"{self._board.url} shows no rows and does not say that there are none; look at it.")
        if why is None and total is not None and len(seen) < COMPLETE_SHARE * total:
            why = f"{len(seen):,} of {total:,} advertised postings were shown."
        elif why is not None and total is not None and len(seen) >= COMPLETE_SHARE * total:
            why = None
        short = total is not None and len(seen) < total
        advertised = total if self._board.country is None else None
        yield Page((), advertised, complete=why is None, partial=why, short=short)

    async def _listed(self, start: int) -> Listed:
        """A page of the list, or of tiles where the site has no list."""
        country = self._board.country
        narrowed = f"&optionsFacetsDD_country={quote(country)}" if country else ""
        own = self._board.options.get("list")
        url = (
            f"{self._origin}{str(own).rstrip('/')}/{start}/?q=&sortColumn=referencedate&sortDirection=desc"
            if own
            else f"{self._root}/search/?createNewAlert=false&q=&sortColumn=referencedate&sortDirection=desc"
            f"{narrowed}&startrow={start}"
        )
        answer = await self._web.request("GET", url)
        page = page_tree(answer)
        if answer.status == 200 and is_list(page):
            return listed(page, answer.url)
        if asks_for_a_person(answer, page):
            raise Blocked(f"{answer.url} shows a login or a challenge; a person has to look.")
        tiled = await self._web.request("GET", f"{self._root}/tile-search-results/?q={narrowed}&startrow={start}")
        found = tiles(page_tree(tiled), tiled.url) if tiled.status == 200 else None
        if found is None or (not found.rows and start == 0):
            raise refuse(answer, page, "a list of postings")
        return found

    async def detail(self, stub: Stub) -> Found:
        answer = await self._web.request("GET", stub.url)
        if answer.status in (404, 410):
            raise Gone
        if answer.status >= 400:
            raise Away(f"{stub.url} answers {answer.status}; it is asked for again.")
        page = page_tree(answer)
        found = microdata(page, stub) or job_posting(page, stub.external_id)
        if found is not None:
            return found
        # A posting that is no more leads to the search.
        if answer.url.rstrip("/") != stub.url.rstrip("/") and stub.external_id not in answer.url and is_list(page):
            raise Gone
        if _says_gone(page.text()):
            raise Gone
        raise refuse(answer, page, "a posting")

    @classmethod
    def board_from_url(cls, url: str) -> dict[str, Any] | None:
        """Sites have hosts of their own: only the platform's own paths give them away."""
        parts = urlsplit(url)
        found = _OWN_PATH.match(parts.path)
        if found is None or not parts.hostname:
            return None
        return {"url": urljoin(url, found[1] or "/").rstrip("/"), "tenant": parts.hostname.split(".")[-2]}


def _says_gone(text: str) -> bool:
    return (
        re.search(r"no longer (?:available|accepting)|position has been filled|job (?:was )?not found", text, re.I)
        is not None
    )
