"""One pass over one board: its list, the pages behind it, and what is missing from it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from uuid import UUID

from chatserver.adapters.cron_locks import Lost
from chatserver.adapters.listings import TRIES_MAX, Line, Listing, Listings, Writer
from chatserver.adapters.runs import RunStore
from chatserver.core.draft import (
    LOCATION_MAX_CHARACTERS,
    URL_MAX_CHARACTERS,
    JobDraft,
    Posting,
)
from chatserver.core.errors import Refused
from chatserver.core.job import DESCRIPTION_MAX_CHARACTERS, TITLE_MAX_CHARACTERS
from chatserver.core.ports import Unavailable
from chatserver.core.run import BoardStatus
from chatserver.intake import Intake
from workers.boards.board import (
    Adapter,
    Board,
    BoardError,
    Carried,
    ChangedShape,
    Found,
    Gone,
    Page,
    Resting,
    Stub,
    Withheld,
)
from workers.boards.config import Source
from workers.boards.text import language
from workers.together import together
from workers.verdict import Pass, Verdict, judge

log = logging.getLogger(__name__)

POSTINGS_MAX = 100_000
BOARD_SECONDS_MAX = 5 * 3600.0
WRITES_AT_ONCE = 3
DETAILS_AT_ONCE = 4
DETAILS_BATCH = 100
FAILED_IN_A_ROW_MAX = 10
"""So many pages one after another that fail are not about the postings any more; the next run begins with others."""

Progress = Callable[[str, int, int | None, str], None]
"""Told the board, how many postings are through, of how many (None: not known), and what is being done."""


class BoardPass:
    """Made for one pass. What it was not told the end of, it closes nothing for."""

    def __init__(
        self, runs: RunStore, listings: Listings, intake: Intake, by: Writer, source: Source, board: Board,
        adapter: Adapter, boards_read: Sequence[str], progress: Progress | None,
    ) -> None:  # fmt: skip
        self._runs = runs
        self._listings = listings
        self._intake = intake
        self._by = by
        self._source = source
        self._board = board
        self._adapter = adapter
        self._boards_read = boards_read
        self._progress = progress
        self._seen: set[str] = set()
        self._advertised: int | None = None
        self._list_errors = 0
        self._page_errors = 0
        self._failed_in_a_row = 0
        self._turns: dict[str, asyncio.Lock] = {}
        self._gave_up: BoardError | None = None
        self._rested: Resting | None = None

    async def run(self) -> BoardStatus:
        name = self._board.name
        await self._runs.begin_board(self._by.run, name)
        held = await self._runs.held(name, self._by.run)
        try:
            verdict = await self._pass(held)
        except (Unavailable, Lost):
            raise
        except Exception as unexpected:
            # What one site brings out of us is no reason to leave the others unread.
            log.exception("%s stops here", name)
            self._list_errors += 1
            verdict = Verdict("failed", f"{type(unexpected).__name__} while reading it; the worker's log says where.")
        closed = await self._listings.finish(
            self._by, name, status=verdict.status, detail=verdict.detail, fetched=len(self._seen),
            errors=self._list_errors, advertised=self._advertised, measures=verdict.measures,
            close_after=verdict.passes(self._adapter.passes_to_close),
            boards_read=self._boards_read,
        )  # fmt: skip
        log.info(
            "%s: %s, %d postings, %d closed, %d errors", name, verdict.status, len(self._seen), closed,
            self._list_errors + self._page_errors,
        )  # fmt: skip
        self._tell(len(self._seen), len(self._seen), verdict.status)
        return verdict.status

    async def _pass(self, held: int) -> Verdict:
        verdict = judge(await self._read(), held)
        if verdict.status in ("disallowed", "blocked"):
            return verdict
        try:
            async with asyncio.timeout(BOARD_SECONDS_MAX):
                await self._details()
        except (BoardError, TimeoutError) as error:
            why = f"The pages behind the list: {error}" if str(error) else _too_long("pages behind the list")
            status = "partial" if verdict.status == "ok" else verdict.status
            return replace(verdict, status=status, detail=verdict.detail or why)
        return verdict

    async def _read(self) -> Pass:
        complete, partial, short, error = False, None, False, None
        try:
            async with asyncio.timeout(BOARD_SECONDS_MAX):
                async for page in self._adapter.pages():
                    self._advertised = page.advertised if page.advertised is not None else self._advertised
                    complete, partial, short = page.complete, page.partial, page.short
                    await self._take(page)
                    if len(self._seen) > POSTINGS_MAX:
                        complete, partial = False, f"The list has more than {POSTINGS_MAX:,} postings; split the board."
                        break
        except BoardError as failed:
            error = failed
            self._list_errors += 1
        except TimeoutError:
            complete, partial = False, _too_long("list")
        return Pass(len(self._seen), self._advertised, complete, partial, short, error)

    async def _take(self, page: Page) -> None:
        stubs = {stub.external_id: stub for stub in page.stubs}
        if not stubs:
            return
        self._seen |= stubs.keys()
        lines = [_line(stub) for stub in stubs.values()]
        waiting = asyncio.Semaphore(WRITES_AT_ONCE)

        async def one(listing: Listing) -> None:
            stub = stubs[listing.external_id]
            if listing.gone and _wanted(stub):
                return
            carried = stub.carried
            async with waiting:
                if carried is not None:
                    if listing.job is None or listing.closed or listing.gone or carried.digest != listing.content_hash:
                        await self._carried(listing, carried)
                elif listing.closed and listing.job is not None:
                    await self._intake.reopen(listing.job)

        listings = await self._listings.seen(self._by, self._board.name, lines)
        await together(one(listing) for listing in listings)
        await self._progressed()
        self._tell(len(self._seen), self._advertised, "reading the list")

    async def _carried(self, listing: Listing, carried: Carried) -> None:
        try:
            found = await asyncio.to_thread(carried.read)
        except Exception:
            log.exception("%s: %s", self._board.name, listing.external_id)
            self._page_errors += 1
            await self._listings.tried(self._by, self._board.name, listing.external_id)
            return
        await self._make(listing, found, carried.digest, wanted=listing.wanted)

    async def _details(self) -> None:
        after, through = (-1, ""), 0
        waiting = asyncio.Semaphore(DETAILS_AT_ONCE)

        async def one(listing: Listing) -> None:
            async with waiting:
                if self._gave_up is None:
                    await self._detail(listing)

        while batch := await self._listings.wanted(self._by.run, self._board.name, after, DETAILS_BATCH):
            await together(one(listing) for listing in batch)
            if self._gave_up is not None:
                raise self._gave_up
            after = batch[-1].tries, batch[-1].external_id
            through += len(batch)
            await self._progressed()
            self._tell(through, None, "reading the pages behind the list")
        if self._rested is not None:
            raise self._rested

    async def _detail(self, listing: Listing) -> None:
        stub = Stub(
            listing.external_id, listing.title, listing.url, listing.location, listing.posted_at, listing.handle
        )
        try:
            found = await self._adapter.detail(stub)
        except Gone:
            self._failed_in_a_row = 0
            await self._listings.gone(self._by, self._board.name, listing.external_id, self._boards_read)
            return
        except Withheld:
            found = None
        except Resting as resting:
            # Nobody was asked: it says nothing about this posting.
            self._rested = resting
            self._in_a_row(resting)
            return
        except BoardError as failed:
            await self._failed(listing, failed)
            return
        except Exception as odd:
            log.exception("%s: %s", self._board.name, listing.external_id)
            await self._failed(listing, ChangedShape(f"{stub.url} cannot be read ({type(odd).__name__})."))
            return
        self._failed_in_a_row = 0
        if listing.job is not None and (found is None or listing.content_hash is not None):
            await self._complete(listing, listing.job, found)
        else:
            await self._make(listing, found or Found(listing.title, ""), None)

    async def _failed(self, listing: Listing, why: BoardError) -> None:
        """A page that fails takes nothing from a job that is there; one that never answered leaves the list's line."""
        self._page_errors += 1
        log.warning("%s: %s: %s", self._board.name, listing.external_id, why)
        if listing.job is None and not listing.gone and listing.tries + 1 >= TRIES_MAX:
            await self._make(listing, Found(listing.title, ""), None, wanted=True)
        await self._listings.tried(self._by, self._board.name, listing.external_id)
        self._in_a_row(why)

    def _in_a_row(self, why: BoardError) -> None:
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= FAILED_IN_A_ROW_MAX:
            self._gave_up = why

    async def _complete(self, listing: Listing, job: UUID, found: Found | None) -> None:
        """The text stays as the list has it, or as it was when the site still showed it."""
        if found is not None:
            try:
                await self._intake.complete(job, self._posting(listing, found))
            except Refused as refused:
                await self._refused(listing, refused)
                return
        if listing.gone:
            await self._intake.reopen(job)
        await self._listings.settle(self._by, self._board.name, listing.external_id, job=job)

    async def _make(self, listing: Listing, found: Found, content: str | None, *, wanted: bool = False) -> None:
        posting = self._posting(listing, found)
        aliases = self._source.keys(self._board, listing.external_id)[1:]
        # Two languages of one requisition, read side by side, would each find that the other is not there yet.
        async with self._turns.setdefault(found.requisition, asyncio.Lock()) if found.requisition else nullcontext():
            if found.requisition:
                twin = await self._listings.twin(
                    self._board.name, listing.external_id, found.requisition, posting.language
                )
                aliases = (twin, *aliases) if twin else aliases
            try:
                job = await self._intake.take_in(posting, companies=self._source.companies, also_known_as=aliases)
            except Refused as refused:
                await self._refused(listing, refused)
                return
            await self._listings.settle(
                self._by, self._board.name, listing.external_id, job=job, content_hash=content, wanted=wanted,
                requisition=found.requisition,
            )  # fmt: skip

    async def _refused(self, listing: Listing, refused: Refused) -> None:
        self._page_errors += 1
        log.warning("%s: %s cannot be stored: %s", self._board.name, listing.external_id, refused.message)
        await self._listings.settle(self._by, self._board.name, listing.external_id, job=None, failed=True)

    def _posting(self, listing: Listing, found: Found) -> Posting:
        title = (found.title or listing.title)[:TITLE_MAX_CHARACTERS]
        location = found.location or listing.location
        # Where the site never shows the text, its own line has to do: nothing is made up.
        description = found.description.strip() or "\n".join(filter(None, (title, location)))
        url = found.apply_url or found.url or listing.url
        return Posting(
            JobDraft(
                title, description[:DESCRIPTION_MAX_CHARACTERS], company_name=self._source.company,
                location=location[:LOCATION_MAX_CHARACTERS] if location else None,
                external_apply_url=url if len(url) <= URL_MAX_CHARACTERS else None,
            ),
            self._source.name, self._board.name, self._source.keys(self._board, listing.external_id)[0],
            found.language or language(description), found.posted_at or listing.posted_at, found.closes_at,
        )  # fmt: skip

    async def _progressed(self) -> None:
        errors = self._list_errors + self._page_errors
        await self._runs.progress(self._by.run, self._board.name, len(self._seen), errors, self._advertised)

    def _tell(self, through: int, of: int | None, what: str) -> None:
        if self._progress is not None:
            self._progress(self._board.name, through, of, what)


def _wanted(stub: Stub) -> bool:
    return stub.carried is None or stub.incomplete is not None


def _line(stub: Stub) -> Line:
    title = stub.title[:TITLE_MAX_CHARACTERS]
    return Line(stub.external_id, title, stub.url, stub.location, stub.posted_at, stub.handle, _wanted(stub))


def _too_long(what: str) -> str:
    return f"The {what} took longer than {BOARD_SECONDS_MAX / 3600:.0f} hours; the next run goes on."
