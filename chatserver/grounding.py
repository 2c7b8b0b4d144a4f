"""What an answer stands on: the seeker's resume, the retrieved jobs under their numbers, the history."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID

from chatserver.consents import Consents
from chatserver.core.chat_ports import ChatStore, SessionRow
from chatserver.core.events import Logged
from chatserver.core.gate import Gate
from chatserver.core.grounding import HISTORY_MAX_CHARACTERS, HISTORY_STEP
from chatserver.core.job import Job, Match
from chatserver.core.ports import AnswerFailed, AnswerRequest, Card, HistoryEntry, Proposal, Unavailable
from chatserver.core.protocol import REASON_MAX_CHARACTERS
from chatserver.core.redaction import clean, redact
from chatserver.core.server_frames import Source, SourceReason

HISTORY_EVENTS = 200
HISTORY_CHARACTERS = 100_000
"""What came before so much of a conversation stands in no prompt; it is not read."""
READ_HERE_CHARACTERS = 20_000
"""More is read by a thread, which lets others have their turn between one expression and the next."""
MATCHES_PER_ANSWER = 6
MATCHES_PER_SEARCH = 5
GREETING_MATCHES = 3
DESCRIPTION_IN_SEARCH = 600
REFUSED = "answer_failed:refused"
GREETING = "greeting"
UNREAD = "resume_unread"
"""In a message's meta: it was written without a look at the seeker's resume."""


class Catalogue(Protocol):
    """What grounding needs of the jobs."""

    async def by_ids(self, ids: Sequence[UUID]) -> list[Job]: ...
    async def matches(
        self, seeker: UUID, *, question: str | None = None, limit: int = 10, source: str | None = None,
        location: str | None = None, include: Sequence[UUID] = (),
    ) -> list[Match]: ...  # fmt: skip


class ResumeText(Protocol):
    @property
    def text(self) -> str: ...


class ResumeTexts(Protocol):
    async def get(self, user_id: UUID) -> ResumeText | None: ...


class Grounding:
    """Retrieves, numbers and stores what an answer may speak of, before a word of it is written."""

    def __init__(self, store: ChatStore, jobs: Catalogue, resumes: ResumeTexts, consents: Consents) -> None:
        self._store = store
        self._jobs = jobs
        self._resumes = resumes
        self._consents = consents

    async def cards(
        self, row: SessionRow, *, question: str | None, limit: int, location: str | None = None
    ) -> list[Card]:
        """The best active jobs as cards, numbered; the session's own job is always among them."""
        if row.seeker is None:
            return []
        include = (row.job,) if row.job else ()
        matches = await self._jobs.matches(
            row.seeker, question=question, limit=limit, location=location, include=include
        )
        return await self._numbered(row.id, matches)

    async def _numbered(self, session: UUID, matches: Sequence[Match]) -> list[Card]:
        if not matches:
            return []
        stored = [(match.job.id, _stored(match)) for match in matches]
        refs = await self._store.number(session, stored)
        return [card(ref, match) for ref, match in zip(refs, matches, strict=True)]

    async def said(self, row: SessionRow) -> tuple[HistoryEntry, ...]:
        events = _newest(await self._store.events_before(row.id, row.seq + 1, HISTORY_EVENTS))
        if _size(events) > READ_HERE_CHARACTERS:
            return tuple(await asyncio.to_thread(history, events))
        return tuple(history(events))

    async def request(
        self, row: SessionRow, said: tuple[HistoryEntry, ...], cards: Sequence[Card],
        proposal: Proposal | None = None,
    ) -> AnswerRequest:  # fmt: skip
        resume = await self._resumes.get(row.seeker) if row.seeker else None
        words = await _redacted(resume.text) if resume else None
        about = next((one.ref for one in cards if one.job == row.job), None)
        # Asked last: whoever withdraws while the rest is read is heard.
        if not await self.may_read(row):
            unread = tuple(entry for entry in said if not entry.may_quote_resume)
            plain = tuple(without_resume(one) for one in cards)
            return AnswerRequest("", unread, plain, None, about, proposal, is_withheld=resume is not None)
        return AnswerRequest(row.seeker_name, said, tuple(cards), words, about, proposal)

    async def may_read(self, row: SessionRow) -> bool:
        """Whether the assistant may be given something of the seeker's resume just now. Raises `Unavailable`."""
        return row.seeker is None or await self._consents.let_model_read(row.seeker)

    async def has_resume(self, row: SessionRow) -> bool:
        return row.seeker is not None and await self._resumes.get(row.seeker) is not None

    async def job(self, row: SessionRow, ref: int) -> tuple[Card, Job] | None:
        """A job that was retrieved in this session, as it is now."""
        found = await self._store.sources(row.id, [ref])
        if not found:
            return None
        jobs = await self._jobs.by_ids([found[0].job])
        if not jobs:
            return None
        reasons = tuple((reason.resume, reason.job) for reason in found[0].reasons)
        job = jobs[0]
        return Card(
            ref, job.id, job.title, job.company_name or "", job.location, job.status, job.description_raw,
            job.skills_required, tuple(found[0].matched_skills), tuple(found[0].missing_skills), reasons,
            job.resume_guide_generated, tuple((q.question, q.answer_strategy) for q in job.prep_guide_generated),
            job.external_apply_url,
        ), job  # fmt: skip


async def _redacted(text: str) -> str:
    return redact(text) if len(text) <= READ_HERE_CHARACTERS else await asyncio.to_thread(redact, text)


def _size(events: Sequence[Logged]) -> int:
    return sum(len(event.content) for event in events)


def _newest(events: Sequence[Logged]) -> Sequence[Logged]:
    """Those that are read; the last one in any case."""
    first, room = len(events), HISTORY_CHARACTERS
    while first and (room := room - len(events[first - 1].content)) >= 0:
        first -= 1
    if not first:
        return events
    first = min(first, len(events) - 1)
    # Several leave together, or every prompt would begin elsewhere; but not for that what a prompt has room for.
    for place in range(first, min(first + HISTORY_STEP, len(events))):
        if events[place].seq % HISTORY_STEP == 1 and _size(events[place:]) >= HISTORY_MAX_CHARACTERS:
            return events[place:]
    return events[first:]


def history(events: Sequence[Logged]) -> list[HistoryEntry]:
    """The messages as an assistant may read them: no notes, no statuses, no contact data.

    A question that a model refused stays out of later prompts, once another one has been asked.
    """
    entries: list[HistoryEntry] = []
    refused: list[HistoryEntry] = []
    for event in events:
        if event.kind == "status" and event.meta.get("reason") == REFUSED:
            refused += _last_questions(entries)
        if event.kind != "message" or event.role is None or not event.content:
            continue
        author = event.meta.get("author") or {}
        entries.append(HistoryEntry(
            event.role, redact(event.content), author.get("name"), bool(event.meta.get("interrupted")),
            # A greeting says the name, which nobody outside is told unasked.
            event.role in ("assistant", "admin") and (not event.meta.get(UNREAD) or event.meta.get("code") == GREETING),
        ))  # fmt: skip
    asked_last = _last_questions(entries)
    left_out = [entry for entry in refused if not any(entry is asked for asked in asked_last)]
    return [entry for entry in entries if not any(entry is one for one in left_out)]


def _last_questions(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The run of the seeker's messages at the end."""
    start = len(entries)
    while start and entries[start - 1].role == "user":
        start -= 1
    return list(entries[start:])


def _stored(match: Match) -> dict[str, Any]:
    return {
        "reasons": [{"resume": reason.resume, "job": reason.job} for reason in match.reasons],
        "matched_skills": list(match.matched_skills),
        "missing_skills": list(match.missing_skills),
    }


def card(ref: int, match: Match) -> Card:
    job = match.job
    return Card(
        ref, job.id, job.title, job.company_name or "", job.location, job.status, job.description_raw,
        job.skills_required, match.matched_skills, match.missing_skills,
        tuple((reason.resume, reason.job) for reason in match.reasons), job.resume_guide_generated,
        tuple((q.question, q.answer_strategy) for q in job.prep_guide_generated), job.external_apply_url,
    )  # fmt: skip


def source_of(one: Card) -> Source:
    """A card as the wire shows it: what the log would say of it just now."""
    return Source(
        ref=f"J{one.ref}", job=one.job, title=one.title, company=one.company, status=one.status, location=one.location,
        apply_url=one.apply_url, reasons=[SourceReason(resume, job) for resume, job in one.reasons],
        matched_skills=list(one.matched_skills), missing_skills=list(one.missing_skills),
    )  # fmt: skip


def without_resume(one: Card) -> Card:
    """The job alone: what matches, what is missing and why are said of the resume."""
    return replace(one, matched_skills=(), missing_skills=(), reasons=())


def said_of(one: Card) -> dict[str, Any]:
    """A card as a tool's result."""
    return {
        "ref": f"J{one.ref}", "title": one.title, "company": one.company, "location": one.location,
        "status": one.status, "skills": list(one.skills), "matched_skills": list(one.matched_skills),
        "missing_skills": list(one.missing_skills), "description": redact(one.description)[:DESCRIPTION_IN_SEARCH],
    }  # fmt: skip


def texts_of(cards: Sequence[Card]) -> dict[int, str]:
    """By number all that is read of each job: what an answer says of it has to stand there."""
    return {
        one.ref: "\n".join((
            one.title, one.company, one.location or "", one.description, *one.skills, *one.tips,
            *(words for pair in one.questions for words in pair),
        ))
        for one in cards
    }  # fmt: skip


def heard_of(request: AnswerRequest) -> str:
    """What the seeker and the team wrote, and the resume."""
    return "\n".join((request.resume or "", *(one.content for one in request.history if one.role in ("user", "admin"))))


class AnswerTools:
    """The tools of one answer. User and session come from the session, never from the model's arguments."""

    def __init__(
        self, grounding: Grounding, row: SessionRow, request: AnswerRequest, retrieved: dict[int, str], ask_human: Any
    ) -> None:
        """What a tool retrieves is put into `retrieved`: the number of a job, and all that was read of it."""
        self._grounding = grounding
        self._row = row
        self._has_read = request.resume is not None
        self._retrieved = retrieved
        self._ask_human = ask_human

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Raises `AnswerFailed` (`withdrawn`) where the prompt that would be sent again has what may not go now."""
        try:
            if self._has_read and not await self._grounding.may_read(self._row):
                raise AnswerFailed("withdrawn", "The seeker withdrew their consent meanwhile.")
            match name:
                case "search_jobs":
                    return await self._search(str(arguments.get("query", "")), arguments.get("location"))
                case "get_job":
                    return await self._job(arguments.get("ref"), guides=False)
                case "get_guides":
                    return await self._job(arguments.get("ref"), guides=True)
                case "ask_human":
                    asked = await self._ask_human(_reason(arguments.get("reason")))
                    return {"asked": True} if asked else {"asked": False, "why": "A person was asked already."}
            return {"error": f"There is no tool named {name[:50]!r}."}
        except Unavailable as away:
            return {"error": str(away)}

    async def _search(self, query: str, location: object) -> dict[str, Any]:
        if not query.strip():
            return {"error": "The query is empty; say what to look for."}
        where = location if isinstance(location, str) and location.strip() else None
        cards = await self._grounding.cards(self._row, question=query[:500], limit=MATCHES_PER_SEARCH, location=where)
        self._retrieved.update(texts_of(cards))
        return {"jobs": [said_of(self._known(one)) for one in cards]}

    async def _job(self, ref: object, *, guides: bool) -> dict[str, Any]:
        digits = str(ref).strip().strip("[]").removeprefix("J")
        found = await self._grounding.job(self._row, int(digits)) if digits.isdecimal() and len(digits) < 7 else None
        if found is None:
            return {"error": "There is no such reference; use one that was retrieved, like J1."}
        one = self._known(found[0])
        self._retrieved.update(texts_of([one]))
        if guides:
            return {
                "ref": f"J{one.ref}", "resume_tips": list(one.tips),
                "interview_questions": [{"question": q, "answer_strategy": s} for q, s in one.questions],
            }  # fmt: skip
        return {**said_of(one), "description": redact(one.description)}

    def _known(self, one: Card) -> Card:
        """What an answer that has not read the resume knows of a job, whatever has been agreed to since."""
        return one if self._has_read else without_resume(one)


def _reason(said: object) -> str | None:
    """Why a model asks for a person, as an admin may read it: the model may have read it in an advertisement."""
    gate = Gate(lambda _: False)
    words = gate.feed(str(said or "")[: 2 * REASON_MAX_CHARACTERS]) + gate.finish()
    return " ".join(clean(words).split())[:REASON_MAX_CHARACTERS] or None
