"""The assistant without a model: it composes answers from matches, tips and questions, and says what it is."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chatserver.core.distress import language_of_distress
from chatserver.core.ports import AnswerRequest, AssistantKind, Card, Proposal, Say, Toolbox, Usage
from chatserver.core.references import refs_in
from chatserver.core.system_texts import FROM_A_PERSON, URGENT_REASON, help_in_distress

WORDS_PER_SECOND = 25.0
LISTED_MAX = 4
SKILLS_MAX = 5
REASONS_MAX = 2
REASON_MAX_CHARACTERS = 300

_PERSON = re.compile(
    r"\b(talk|speak|chat|connect|transfer)\b[^.?!]{0,15}\b(to|with)\b[^.?!]{0,15}"
    r"\b(human|person|someone|somebody|agent|your team)\b"
    r"|\b(real|actual|live) (human|person|agent|being)\b|^\W*(human|person|agent)\W*$|\bcomplain(t|ts|ing)?\b",
    re.IGNORECASE,
)
_WHO = re.compile(
    r"\b(who|what) are you\b|\bare you (a |an |really )*(human|real|bot|robot|ai|person|machine|model)\b", re.IGNORECASE
)
_INTERVIEW = re.compile(
    r"\binterview\w*|\bprepar(e|ation|ing)\b|\bpracti[sc]e\b|\b(which|what|some|more) questions\b"
    r"|\bquestions? (to|they|for)\b",
    re.IGNORECASE,
)
_RESUME = re.compile(r"\b(resume|résumé|cv|tips?|improve\w*|rewrite|tailor\w*|cover letter)\b", re.IGNORECASE)
_GAP = re.compile(r"\b(why|missing|miss|gaps?|lack\w*)\b", re.IGNORECASE)
_FIT = re.compile(r"\b(fits?|match(es)?|skills?|suit\w*|learn|qualif\w*)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(elsewhere|relocat\w*|anywhere|other (places?|cit(y|ies)|locations?|countr(y|ies))|somewhere else|abroad)\b",
    re.IGNORECASE,
)
_JOBS = re.compile(r"\b(jobs?|roles?|work|openings?|positions?|vacanc(y|ies)|anything|something)\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:[Ii]n|[Nn]ear|[Aa]round)\s+([A-Z][\w'-]+(?:\s[A-Z][\w'-]+)?)|\b([Rr]emote)\b")

PERSON_COMES_TEXT = (
    "I have asked for a person of our team. Until somebody joins, I can go on with jobs, tips and questions."
)
PERSON_WAS_ASKED_TEXT = (
    "A person of our team was asked for already. Until somebody joins, I can go on with jobs, tips and questions."
)
PERSON_NOT_ASKED_TEXT = "I could not reach our team just now. Please use the button that asks for a person."
WHO_TEXT = (
    "I am the offline assistant of Ottobon Jobs: a program without a language model. I answer from your resume, from "
    "open jobs and from their guides. You can ask for a person of the team at any time."
)
OFFLINE_TEXT = "I am the offline assistant, without a language model: I answer from your resume and from the postings."
NOTHING_TEXT = (
    "I found no open job for that. Tell me a role, a skill or a city in other words, or upload a resume so that I can "
    "compare."
)
NO_RESUME_TEXT = "There is no resume yet: upload one and I will compare it with open jobs."
WITHHELD_TEXT = "I answer without your resume, because you did not agree that it is read; you can under “Your data”."


class OfflineAssistant:
    """Speaks at the pace of reading. `sleep` is asked for each pause, in seconds."""

    kind: AssistantKind = "offline"
    model = "offline"

    def __init__(
        self, words_per_second: float = WORDS_PER_SECOND, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._pause_seconds = 1 / words_per_second
        self._sleep = sleep

    async def answer(self, request: AnswerRequest, toolbox: Toolbox, say: Say) -> None:
        if request.proposal is not None:
            text = await _proposed(request, request.proposal, toolbox)
        else:
            text = await self._said(request, toolbox)
        for word in re.findall(r"\S+\s*", text):
            say(word)
            await self._sleep(self._pause_seconds)

    async def _said(self, request: AnswerRequest, toolbox: Toolbox) -> str:
        text = await _composed(request, toolbox)
        said_already = any(
            "offline assistant" in entry.content for entry in request.history if entry.role == "assistant"
        )
        if not said_already and "offline assistant" not in text:
            text = f"{text}\n\n{OFFLINE_TEXT}"
        return text

    def ceiling_usd(self, request: AnswerRequest) -> float:
        return 0.0

    def cost_usd(self, usage: Usage) -> float:
        return 0.0


async def _proposed(request: AnswerRequest, proposal: Proposal, toolbox: Toolbox) -> str:
    """What an admin might send: their hint and what the postings say, without what a program says of itself."""
    question = _question(request)
    begins = f"{' '.join(('Hello', request.seeker_name)).strip()}, this is {proposal.admin_name}."
    if proposal.hint:
        begins = f"{begins} {proposal.hint.strip()}"
    if language_of_distress(question):
        return f"{begins}\n\n{FROM_A_PERSON}"
    return f"{begins}\n\n{await _about_jobs(request, toolbox, question)}"


def _without(request: AnswerRequest) -> str:
    return WITHHELD_TEXT if request.is_withheld else NO_RESUME_TEXT


def _question(request: AnswerRequest) -> str:
    return next((entry.content for entry in reversed(request.history) if entry.role == "user"), "")


async def _composed(request: AnswerRequest, toolbox: Toolbox) -> str:
    question = _question(request)
    if language := language_of_distress(question):
        # Answered before anybody is asked; what another program wrote into the log comes here.
        await toolbox.call("ask_human", {"reason": URGENT_REASON})
        return help_in_distress(language, again=False).content
    if _WHO.search(question):
        return WHO_TEXT
    if _PERSON.search(question):
        return await _asked(toolbox, question[:300])
    return await _about_jobs(request, toolbox, question)


async def _about_jobs(request: AnswerRequest, toolbox: Toolbox, question: str) -> str:
    if place := _place(request, question):
        return await _listed_there(request, toolbox, question, place)
    card = await _meant(request, toolbox, question)
    if card is None:
        return NOTHING_TEXT if request.resume or not _RESUME.search(question) else _without(request)
    if _ELSEWHERE.search(question):
        return _listed([one for one in request.cards if one.location != card.location] or request.cards)
    if _INTERVIEW.search(question) and card.questions:
        return _interview(card)
    gap = _GAP.search(question) is not None
    if _RESUME.search(question) and not gap:
        if request.resume is None and not refs_in(question):
            return f"{_without(request)}\n\n{_listed(request.cards)}"
        if card.tips:
            return _tips(card)
    if gap or _FIT.search(question) or refs_in(question) or request.about_job is not None:
        return _fit(card, request)
    return _listed(request.cards)


def _place(request: AnswerRequest, question: str) -> str | None:
    found = _PLACE.search(question)
    if found is None or not _JOBS.search(question) or _INTERVIEW.search(question) or _RESUME.search(question):
        return None
    place: str = found[1] or found[2]
    # "Jobs in Python" names a skill.
    skills = {skill.lower() for card in request.cards for skill in card.skills}
    return None if place.lower() in skills else place


async def _asked(toolbox: Toolbox, reason: str) -> str:
    result = await toolbox.call("ask_human", {"reason": reason})
    if "error" in result:
        return PERSON_NOT_ASKED_TEXT
    return PERSON_COMES_TEXT if result.get("asked") else PERSON_WAS_ASKED_TEXT


async def _listed_there(request: AnswerRequest, toolbox: Toolbox, question: str, place: str) -> str:
    result = await toolbox.call("search_jobs", {"query": question[:300], "location": place})
    there = [_card(job) for job in result.get("jobs", ())]
    if there:
        return _listed(there, f"These open jobs in {place} come closest:" if place.lower() != "remote" else None)
    here = _listed(request.cards, "Elsewhere these come closest:") if request.cards else NOTHING_TEXT
    return f"I found no open job for that in {place}. {here}"


async def _meant(request: AnswerRequest, toolbox: Toolbox, question: str) -> Card | None:
    """The job that the question names, that its words name, that was spoken of last, or the best one."""
    by_ref = {card.ref: card for card in request.cards}
    for ref in refs_in(question)[:1]:
        return by_ref.get(ref) or await _recalled(toolbox, ref)
    if request.about_job in by_ref:
        return by_ref[request.about_job]
    if not request.cards:
        return None
    words = set(re.findall(r"\w{4,}", question.lower()))

    def shared(card: Card) -> int:
        return len(words & set(re.findall(r"\w{4,}", f"{card.title} {card.company} {card.location or ''}".lower())))

    best = max(request.cards, key=shared)
    if shared(best):
        return best
    for entry in reversed(request.history):
        if entry.role == "assistant" and (spoken := [ref for ref in refs_in(entry.content) if ref in by_ref]):
            return by_ref[spoken[0]]
    return request.cards[0]


async def _recalled(toolbox: Toolbox, ref: int) -> Card | None:
    """A job of this session that is not among the matches any more."""
    job = await toolbox.call("get_job", {"ref": f"J{ref}"})
    if "error" in job:
        return None
    guides = await toolbox.call("get_guides", {"ref": f"J{ref}"})
    return _card({**job, **({} if "error" in guides else guides)})


def _card(job: Mapping[str, Any]) -> Card:
    """A job as the tools tell it."""
    return Card(
        int(str(job["ref"]).removeprefix("J")), UUID(int=0), job["title"], job["company"], job["location"],
        job["status"], job["description"], tuple(job["skills"]), tuple(job["matched_skills"]),
        tuple(job["missing_skills"]), tips=tuple(job.get("resume_tips", ())),
        questions=tuple((one["question"], one["answer_strategy"]) for one in job.get("interview_questions", ())),
    )  # fmt: skip


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _name(card: Card) -> str:
    where = f" in {card.location}" if card.location else ""
    closed = "" if card.status == "active" else " (closed)"
    return f"[J{card.ref}] {card.title} at {card.company or 'an employer'}{where}{closed}"


def _listed(cards: Sequence[Card], begins: str | None = None) -> str:
    lines = []
    for card in cards[:LISTED_MAX]:
        line = f"- {_name(card)}"
        if card.matched_skills:
            line += f": you bring {_and(card.matched_skills[:SKILLS_MAX])}"
        if card.missing_skills:
            line += f"; it also asks for {_and(card.missing_skills[:3])}"
        lines.append(f"{line}.")
    ends = "Ask me why one of them fits, for resume tips, or for interview questions."
    return "\n".join([begins or "These open jobs come closest:", "", *lines, "", ends])


def _fit(card: Card, request: AnswerRequest) -> str:
    parts = [f"About {_name(card)}."]
    if request.resume is None:
        asks = f" It asks for {_and(card.skills[:SKILLS_MAX])}." if card.skills else ""
        return f"{parts[0]}{asks}\n\n{_without(request)}"
    if card.matched_skills:
        parts.append(f"Your resume shows {_and(card.matched_skills[:SKILLS_MAX])}, which the posting asks for.")
    for resume, job in card.reasons[:REASONS_MAX]:
        parts.append(f"You write “{resume[:REASON_MAX_CHARACTERS]}”; the posting says “{job[:REASON_MAX_CHARACTERS]}”.")
    if card.missing_skills:
        parts.append(
            f"Not found in your resume: {_and(card.missing_skills[:SKILLS_MAX])}. If you have used any of these, add "
            "the project where you did; if not, say what comes nearest."
        )
    elif card.matched_skills:
        parts.append("I found no skill in the posting that your resume lacks.")
    else:
        parts.append("I found no skill that both texts name; ask for resume tips, or for a person's opinion.")
    return "\n\n".join(parts)


def _tips(card: Card) -> str:
    return "\n".join([f"Resume tips for {_name(card)}:", "", *(f"{n}. {tip}" for n, tip in enumerate(card.tips, 1))])


def _interview(card: Card) -> str:
    lines = [f"{n}. **{question}** {strategy}" for n, (question, strategy) in enumerate(card.questions, 1)]
    return "\n".join([f"Questions to expect for {_name(card)}, and how to go about them:", "", *lines])
