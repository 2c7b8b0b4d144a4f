"""The offline assistant answers from what was retrieved, at the pace of reading, and says what it is."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from chatserver.adapters.offline import (
    LISTED_MAX,
    NO_RESUME_TEXT,
    NOTHING_TEXT,
    PERSON_COMES_TEXT,
    PERSON_NOT_ASKED_TEXT,
    PERSON_WAS_ASKED_TEXT,
    OfflineAssistant,
)
from chatserver.core.ports import AnswerRequest, Assistant, Card, HistoryEntry, Proposal, Usage
from chatserver.core.system_texts import help_in_distress

AUDITOR = Card(
    1, UUID(int=1), "Senior Auditor", "Alpha Audit", "Pune", "active", "Audits banks.", ("Ind AS", "SAP"), ("Ind AS",),
    ("SAP",), (("audited three banks", "audits of banks"),), ("Put the bank audits first.", "Name the standards."),
    (("Why audit?", "Say what drew you to it."), ("A finding you are proud of?", "Tell one with a number.")),
)  # fmt: skip
ANALYST = Card(
    2, UUID(int=2), "Risk Analyst", "Beta Bank", "Mumbai", "active", "Models risk.", ("Python",), ("Python",)
)
CLOSED = {
    "ref": "J9", "title": "Tax Associate", "company": "Gamma Tax", "location": "Delhi", "status": "closed",
    "skills": ["GST"], "matched_skills": [], "missing_skills": ["GST"], "description": "Files returns.",
    "resume_tips": ["Name the returns."],
    "interview_questions": [{"question": "Why tax?", "answer_strategy": "Be honest."}],
}  # fmt: skip
GREETED = HistoryEntry("assistant", "Hello Asha! I am the offline assistant.")


class Tools:
    """A toolbox that notes what it was asked and answers from a table."""

    def __init__(self, results: dict[str, dict[str, Any]] | None = None) -> None:
        self.called: list[tuple[str, dict[str, Any]]] = []
        self._results = results or {}

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.called.append((name, dict(arguments)))
        return self._results.get(name, {"error": "There is nothing here."})


async def said(
    question: str, *history: HistoryEntry, cards: tuple[Card, ...] = (AUDITOR, ANALYST), resume: str | None = "Audits",
    about_job: int | None = None, tools: Tools | None = None,
) -> str:  # fmt: skip
    async def no_pause(_: float) -> None:
        return

    asked = AnswerRequest("Asha", (*(history or (GREETED,)), HistoryEntry("user", question)), cards, resume, about_job)
    said: list[str] = []
    await OfflineAssistant(sleep=no_pause).answer(asked, tools or Tools(), said.append)
    return "".join(said)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Which jobs fit me?", ["[J1] Senior Auditor at Alpha Audit in Pune", "Ind AS", "SAP"]),
        ("Jobs in Python?", ["These open jobs come closest", "[J2]"]),
        ("How do I prepare for an interview in Pune for work as auditor?", ["Why audit?"]),
        ("Show me something", ["These open jobs come closest", "[J1]", "[J2]", "you bring Python"]),
        ("How do I prepare for the interview as Risk Analyst?", ["[J2]"]),
        ("Interview questions for the auditor job?", ["[J1]", "1. **Why audit?** Say what drew", "2. **A finding"]),
        ("Resume tips for [J1]", ["[J1]", "1. Put the bank audits first.", "2. Name the standards."]),
        ("What skills am I missing?", ["[J1]", "Not found in your resume: SAP", "“audited three banks”"]),
        ("Which job in Pune lets me lead, and what is missing in my resume?", ["[J1]", "Not found in your resume"]),
        ("Why [J2]?", ["[J2]", "Python", "no skill in the posting that your resume lacks"]),
        ("Anything in other cities than Pune? I would relocate as an auditor", ["[J2]"]),
        ("What would a recruiter ask in an interview?", ["[J1]", "Why audit?"]),
    ],
)  # fmt: skip
async def test_answers_from_what_was_retrieved(question: str, parts: list[str]) -> None:
    text = await said(question)
    for part in parts:
        assert part in text


async def test_the_same_question_gets_the_same_answer() -> None:
    assert await said("Which jobs fit me?") == await said("Which jobs fit me?")


async def test_the_job_of_the_session_and_the_one_spoken_of_last_come_before_the_best() -> None:
    assert "[J2]" in await said("Why does it fit?", about_job=2)
    spoken = HistoryEntry("assistant", "I am the offline assistant. [J2] is one.")
    assert (await said("What is missing?", spoken)).startswith("About [J2]")


async def test_a_place_is_searched_for() -> None:
    tools = Tools({"search_jobs": {"jobs": [{**CLOSED, "status": "active"}]}})
    text = await said("Audit jobs in New Delhi please", tools=tools)
    assert tools.called == [("search_jobs", {"query": "Audit jobs in New Delhi please", "location": "New Delhi"})]
    assert "New Delhi" in text
    assert "[J9] Tax Associate" in text
    nothing = await said("Audit jobs in Leh?", tools=Tools({"search_jobs": {"jobs": []}}))
    assert "no open job for that in Leh" in nothing
    assert "[J1]" in nothing


async def test_a_job_of_an_earlier_answer_is_looked_up() -> None:
    tools = Tools({"get_job": CLOSED, "get_guides": CLOSED})
    assert "[J9] Tax Associate at Gamma Tax in Delhi (closed)" in await said("Why [J9]?", tools=tools)
    assert "Why tax?" in await said("Interview questions for [J9]", tools=tools)
    assert await said("Why [J8]?") == NOTHING_TEXT


async def test_without_a_resume_it_asks_for_one() -> None:
    text = await said("Can you improve my resume?", resume=None)
    assert text.startswith(NO_RESUME_TEXT)
    assert NO_RESUME_TEXT in await said("Why does [J1] fit?", resume=None)
    assert await said("Improve my CV", resume=None, cards=()) == NO_RESUME_TEXT


async def test_without_a_match_it_says_so() -> None:
    assert await said("Jobs for astronauts?", cards=()) == NOTHING_TEXT


@pytest.mark.parametrize(
    "question", ["Can I talk to a real person?", "human", "I want to complain", "connect me with your team"]
)
@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"asked": True}, PERSON_COMES_TEXT),
        ({"asked": False}, PERSON_WAS_ASKED_TEXT),
        ({"error": "away"}, PERSON_NOT_ASKED_TEXT),
    ],
)
async def test_a_person_is_asked_for_and_what_came_of_it_is_told(
    question: str, result: dict[str, Any], text: str
) -> None:
    tools = Tools({"ask_human": result})
    assert await said(question, tools=tools) == text
    assert tools.called == [("ask_human", {"reason": question})]


@pytest.mark.parametrize(("question", "language"), [("I want to die", "en"), ("मैं आत्महत्या करना चाहता हूँ", "hi")])
async def test_in_distress_help_comes_first_and_a_person_is_asked(question: str, language: str) -> None:
    tools = Tools({"ask_human": {"asked": True}})
    text = await said(question, tools=tools)
    assert text == help_in_distress(language, again=False).content
    assert "URGENT" in tools.called[0][1]["reason"]


@pytest.mark.parametrize(
    "question", ["This deadline kills me, why audit?", "Agent jobs?", "How do I write about my team?"]
)
async def test_ordinary_words_call_nobody(question: str) -> None:
    tools = Tools()
    await said(question, tools=tools)
    assert all(name != "ask_human" for name, _ in tools.called)


async def test_it_says_what_it_is_when_asked_and_once_in_a_session() -> None:
    assert "without a language model" in await said("Are you a real person?")
    first = await said("Which jobs fit me?", HistoryEntry("assistant", "Hello, I am the assistant."))
    assert first.count("offline assistant") == 1
    assert "offline assistant" not in await said("Which jobs fit me?")


async def proposed(question: str, hint: str | None = None) -> tuple[str, Tools]:
    tools = Tools()
    request = AnswerRequest(
        "Asha", (HistoryEntry("user", question),), (AUDITOR, ANALYST), "Audited banks", proposal=Proposal("Ben", hint)
    )
    assistant = OfflineAssistant(words_per_second=1e9)
    said: list[str] = []
    await assistant.answer(request, tools, said.append)
    return "".join(said), tools


async def test_a_proposal_speaks_as_the_admin_and_not_of_the_program() -> None:
    text, tools = await proposed("Can I talk to a person?", hint="I can call you tomorrow.")
    assert text.startswith("Hello Asha, this is Ben. I can call you tomorrow.")
    assert "[J1]" in text
    for of_itself in ("assistant", "program", "I have asked for a person"):
        assert of_itself not in text
    assert tools.called == []


async def test_a_proposal_in_distress_has_the_numbers_and_no_jobs() -> None:
    text, _ = await proposed("I want to die")
    assert "14416" in text
    assert "program" not in text
    assert "[J1]" not in text


async def test_at_most_a_few_jobs_are_listed() -> None:
    cards = tuple(Card(n, UUID(int=n), f"Role {n}", "Alpha", None, "active", "") for n in range(1, 12))
    text = await said("Show me jobs", cards=cards)
    assert f"[J{LISTED_MAX}]" in text
    assert f"[J{LISTED_MAX + 1}]" not in text


async def test_words_come_one_by_one_at_the_pace() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    asked = AnswerRequest("Asha", (GREETED, HistoryEntry("user", "Why?")), (AUDITOR,), "Audits")
    pieces: list[str] = []
    await OfflineAssistant(20.0, sleep=pause).answer(asked, Tools(), pieces.append)
    assert all(len(piece.split()) == 1 for piece in pieces)
    assert pauses == [0.05] * len(pieces)


async def test_cancelling_ends_it_in_mid_word() -> None:
    reached = asyncio.Event()

    async def for_ever(_: float) -> None:
        reached.set()
        await asyncio.Event().wait()

    asked = AnswerRequest("Asha", (HistoryEntry("user", "Why?"),), (AUDITOR,), "Audits")
    words: list[str] = []
    answering = asyncio.create_task(OfflineAssistant(sleep=for_ever).answer(asked, Tools(), words.append))
    await reached.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert words == ["About "]


async def test_it_costs_nothing() -> None:
    assistant: Assistant = OfflineAssistant()
    assert assistant.kind == "offline"
    assert assistant.ceiling_usd(AnswerRequest("", (), (), None)) == assistant.cost_usd(Usage(9, 9)) == 0
