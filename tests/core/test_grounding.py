"""What a model is given: bounded, valid for the API, others' texts as data, nothing that reaches a person."""

import json
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.grounding import (
    CARDS_MAX,
    DESCRIPTION_MAX_CHARACTERS,
    ENTRY_MAX_CHARACTERS,
    HISTORY_MAX_CHARACTERS,
    HISTORY_STEP,
    RESUME_MAX_CHARACTERS,
    RULES,
    TOOL_RESULT_MAX_CHARACTERS,
    TOOLS,
    Prompt,
    greeting,
    render,
    tool_result,
)
from chatserver.core.ports import AnswerRequest, Card, HistoryEntry, Proposal

ASKED = HistoryEntry("user", "Which job fits me?")
CARD = Card(
    3, UUID(int=3), "Senior Auditor", "Alpha Audit", "Pune", "active", "Audits banks under Ind AS.",
    ("Ind AS", "SAP"), ("Ind AS",), ("SAP",), (("audited three banks", "audits banks"),),
)  # fmt: skip


def asked(*history: HistoryEntry, cards: tuple[Card, ...] = (CARD,), resume: str | None = "Audited banks") -> Prompt:
    return render(AnswerRequest("Asha Rao", history or (ASKED,), cards, resume))


def data(prompt: Prompt) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(prompt.messages[-1]["content"][0]["content"][0]["text"])
    return result


def said(prompt: Prompt) -> list[tuple[str, list[str]]]:
    return [(m["role"], [block["text"] for block in m["content"]]) for m in prompt.messages[:-2]]


def test_jobs_and_resume_come_as_the_result_of_a_search_and_nowhere_else() -> None:
    prompt = asked()
    call, result = prompt.messages[-2]["content"][0], prompt.messages[-1]["content"][0]
    assert call["type"] == "tool_use"
    assert call["name"] in {tool["name"] for tool in TOOLS}
    assert result["type"] == "tool_result"
    assert result["tool_use_id"] == call["id"]
    found = data(prompt)
    assert found["seeker"] == {"name": "Asha Rao", "resume": "Audited banks"}
    assert found["jobs"][0]["ref"] == "J3"
    assert found["jobs"][0]["missing_skills"] == ["SAP"]
    assert found["jobs"][0]["reasons"] == [{"resume": "audited three banks", "posting": "audits banks"}]
    assert "Senior Auditor" not in json.dumps(prompt.messages[:-1])
    assert prompt.system == RULES


def test_the_rules_name_what_the_product_promises() -> None:
    for word in (
        "[J3]",
        "seeker's language",
        "ask_human",
        "not a person",
        "promise nothing",
        "never write a link",
        "data",
    ):
        assert word in RULES


def test_who_said_what_is_told() -> None:
    prompt = asked(
        HistoryEntry("assistant", "Hello Asha!"),
        HistoryEntry("user", "Find me audit jobs"),
        HistoryEntry("assistant", "Here are [J1] and", interrupted=True),
        HistoryEntry("admin", "I will look at it", author="Meera"),
        HistoryEntry("system", "Meera handed the conversation back"),
        HistoryEntry("user", "And in Pune?"),
    )
    assert said(prompt) == [
        ("user", ["(The seeker opens the conversation.)"]),
        ("assistant", ["Hello Asha!"]),
        ("user", ["Find me audit jobs"]),
        ("assistant", ["Here are [J1] and"]),
        ("user", [
            "(The answer above was interrupted.)", "(Meera of the team wrote to the seeker:) I will look at it",
            "(Notice to the seeker:) Meera handed the conversation back", "And in Pune?",
        ]),
    ]  # fmt: skip


def test_nothing_that_reaches_a_person_leaves() -> None:
    secret = "asha@example.com, +91 98450 12345, PAN ABCPK1234L"
    card = Card(1, UUID(int=1), "Auditor", "Alpha", None, "active", f"Write to {secret}", reasons=((secret, secret),))
    prompt = asked(HistoryEntry("user", f"Mail me: {secret}"), cards=(card,), resume=f"Asha, {secret}")
    sent = json.dumps(prompt.messages)
    for part in ("asha@example.com", "98450", "ABCPK1234L"):
        assert part not in sent


def test_an_admins_proposal_is_asked_for_beside_the_data_and_without_contact_data() -> None:
    asked_for = AnswerRequest(
        "Asha", (HistoryEntry("user", "When?"),), (CARD,), None, proposal=Proposal("Ben", "Call +91 98765 43210")
    )
    *before, last = render(asked_for).messages
    assert [block["type"] for block in last["content"]] == ["tool_result", "text"]
    assert "(Ben, a person of the team" in last["content"][1]["text"]
    assert "What it should say: Call" in last["content"][1]["text"]
    assert "98765" not in json.dumps(last)
    without = AnswerRequest("Asha", (HistoryEntry("user", "When?"),), (CARD,), None)
    assert render(without).messages[:-1] == before, "it caches like the answer before it"


def test_what_nobody_sees_gives_no_orders() -> None:
    hidden = "Auditor\U000e0049\U000e0047\u200b\u202e"
    card = Card(1, UUID(int=1), hidden, hidden, hidden, "active", hidden, (hidden,), (hidden,), (hidden,))
    assert set(map(ord, json.dumps(data(asked(cards=(card,), resume=hidden)), ensure_ascii=False))) <= set(range(128))
    block = tool_result("toolu_1", {"jobs": [{"title": hidden}]})
    assert block["content"][0]["text"] == '{"jobs": [{"title": "Auditor"}]}'


def test_contact_data_in_a_title_or_a_guide_reaches_no_model() -> None:
    number = "Clerk, call +91 98765 43210 or write to hr@evil.example"
    card = Card(1, UUID(int=1), number, number, number, "active", number, (number,), (number,), (number,))
    block = tool_result("toolu_1", {"resume_tips": [number], "jobs": [{"title": number}]})
    for text in (json.dumps(data(asked(cards=(card,)))), block["content"][0]["text"]):
        assert "98765" not in text
        assert "hr@" not in text


def test_a_prompt_has_bounds() -> None:
    long = "word " * 6_000
    cards = tuple(
        Card(
            n,
            UUID(int=n),
            long,
            long,
            long,
            "active",
            long,
            (long,) * 90,
            (long,) * 90,
            (long,) * 90,
            ((long, long),) * 9,
        )
        for n in range(1, 15)
    )
    prompt = asked(*[HistoryEntry("user", long), HistoryEntry("assistant", long)] * 5, ASKED, cards=cards, resume=long)
    found = data(prompt)
    assert len(found["jobs"]) == CARDS_MAX
    assert len(found["jobs"][0]["description"]) == DESCRIPTION_MAX_CHARACTERS
    assert len(found["seeker"]["resume"]) == RESUME_MAX_CHARACTERS
    history = sum(len(text) for _, texts in said(prompt) for text in texts)
    assert history <= HISTORY_MAX_CHARACTERS
    assert said(prompt)[-1] == ("user", ["Which job fits me?"])


def test_one_message_longer_than_all_room_is_cut_and_kept() -> None:
    assert said(asked(HistoryEntry("user", "x" * 50_000))) == [("user", ["x" * ENTRY_MAX_CHARACTERS])]


def test_the_beginning_of_a_prompt_stays_as_it_was_so_that_it_caches() -> None:
    history = [ASKED]
    kept = 0
    turns = 16
    for turn in range(turns):
        before = asked(*history)
        history += [HistoryEntry("assistant", f"{turn} " + "words " * 500), HistoryEntry("user", f"And {turn}?")]
        after = asked(*history)
        kept += after.messages[: before.stable] == before.messages[: before.stable]
    assert kept >= turns - turns * 2 // HISTORY_STEP - 1
    assert len(said(asked(*history))) < len(history)


def test_the_marks_for_the_cache_stand_after_the_rules_and_after_the_history() -> None:
    prompt = asked(ASKED, HistoryEntry("assistant", "This one"), HistoryEntry("user", "Why?"))
    system, messages = prompt.cached()
    assert system[0]["cache_control"] == {"type": "ephemeral"}
    marked = [at for at, message in enumerate(messages) if "cache_control" in json.dumps(message)]
    assert marked == [2]
    assert "cache_control" not in json.dumps(prompt.messages)


ENTRIES = st.lists(
    st.builds(
        HistoryEntry,
        st.sampled_from(["user", "assistant", "admin", "system"]),
        st.sampled_from(["", " ", "Hello", "word " * 1_000, "asha@example.com"]),
        st.sampled_from([None, "Meera"]),
        st.booleans(),
    ),
    max_size=12,
)


@given(ENTRIES)
def test_whatever_was_said_the_messages_are_valid(history: list[HistoryEntry]) -> None:
    prompt = render(AnswerRequest("", tuple(history), (), None))
    roles = [message["role"] for message in prompt.messages]
    assert roles[0] == roles[-1] == "user"
    assert all(one != other for one, other in pairwise(roles))
    for _, texts in said(prompt):
        assert all(text.strip() for text in texts)
    assert 1 <= prompt.stable <= len(roles) - 2


@pytest.mark.parametrize("size", [10, 20_000, 200_000])
def test_a_tools_result_is_json_of_bounded_length(size: int) -> None:
    block = tool_result("toolu_1", {"description": "d" * size, "jobs": ["j" * size] * 2})
    text = block["content"][0]["text"]
    assert len(text) <= TOOL_RESULT_MAX_CHARACTERS
    assert json.loads(text)


def test_a_failed_tool_says_so() -> None:
    assert tool_result("toolu_1", {"error": "There is no such reference."})["is_error"] is True


def test_the_greeting_names_the_seeker_the_jobs_and_who_speaks() -> None:
    text = greeting("Asha Rao", [CARD], has_resume=True, offline=True)
    assert text.startswith("Hello Asha! I am the offline assistant")
    assert "- [J3] Senior Auditor at Alpha Audit, Pune (you bring Ind AS)" in text
    assert "offline" not in greeting("Asha Rao", [CARD], has_resume=True, offline=False)


def test_without_a_resume_the_greeting_asks_for_one() -> None:
    assert "Upload your resume" in greeting("", [], has_resume=False, offline=False)
    assert "Upload your resume" in greeting("", [CARD], has_resume=False, offline=True)
    assert "no open job" in greeting("Asha", [], has_resume=True, offline=True)


def test_a_title_brings_no_link_and_no_reference_into_the_greeting() -> None:
    card = Card(1, UUID(int=1), "Auditor [J9] https://evil.example", "www.evil.example", None, "active", "")
    text = greeting("evil.example", [card], has_resume=True, offline=True)
    assert "evil" not in text
    assert "J9" not in text
    assert "[J1] Auditor" in text
