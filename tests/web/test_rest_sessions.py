"""Conversations over REST: whose they are, page by page, as transcripts, and an admin's commands."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from chatserver.web import sessions
from tests.web.house import Caller, House, problem_of


async def conversation(house: House, seeker: Caller, *words: str) -> UUID:
    """A session in which the seeker said these words."""
    session = await house.conversations.open(seeker.user, new=uuid4())
    for content in words:
        await house.conversations.post(seeker.user, session, uuid4(), content)
    return session


async def log_of(house: House, session: UUID) -> list[dict[str, Any]]:
    rows = await house.database.fetch(
        "select seq, kind, role, content from chat_messages where session_id = $1 order by seq", session
    )
    return [dict(row) for row in rows]


async def test_everybody_sees_their_own_and_an_admin_all(house: House) -> None:
    asha, ravi, admin = await house.caller(), await house.caller(name="Ravi Iyer"), await house.caller("admin")
    hers, his = await conversation(house, asha, "I look for work"), await conversation(house, ravi, "Which jobs?")
    for caller, whose in ((asha, [hers]), (ravi, [his]), (admin, [his, hers])):
        page = (await caller.gets("/api/sessions")).json()
        assert [one["id"] for one in page["items"]] == [str(one) for one in whose]
        assert page["next"] is None
    summary = (await asha.gets(f"/api/sessions/{hers}")).json()
    assert summary["user"] == {"id": str(asha.user.id), "name": "Asha Rao", "role": "seeker"}
    assert (summary["status"], summary["last"], summary["unread"]) == ("active_ai", "I look for work", 1)
    assert (await admin.gets(f"/api/sessions/{hers}")).json() == summary


async def test_an_admin_reads_the_history_of_one_seeker_and_a_seeker_of_nobody_else(house: House) -> None:
    asha, ravi, admin = await house.caller(), await house.caller(), await house.caller("admin")
    hers, his = await conversation(house, asha, "Earlier", "Later"), await conversation(house, ravi, "Which jobs?")
    page = (await admin.gets("/api/sessions", user=str(asha.user.id))).json()
    assert [(one["id"], one["unread"]) for one in page["items"]] == [(str(hers), 2)], "what nobody has answered"
    page = (await ravi.gets("/api/sessions", user=str(asha.user.id))).json()
    assert [one["id"] for one in page["items"]] == [str(his)]
    problem_of(await admin.gets("/api/sessions", user="asha"), 400, "bad_content")


async def test_other_peoples_conversations_are_as_unknown_ones(house: House) -> None:
    asha, ravi, provider = await house.caller(), await house.caller(), await house.caller("provider")
    session = await conversation(house, asha, "I look for work")
    for part in ("", "/messages", "/transcript.json", "/transcript.md"):
        said = {
            problem_of(await caller.gets(f"/api/sessions/{id}{part}"), 404, "not_found")
            for caller, id in ((ravi, session), (ravi, uuid4()), (provider, session))
        }
        assert len(said) == 1, part
        problem_of(await ravi.gets(f"/api/sessions/seven{part}"), 404, "not_found")
    problem_of(await provider.gets("/api/sessions"), 403, "forbidden")


async def test_the_list_is_searched_and_read_page_by_page(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    made = [await conversation(house, asha, f"Question {place} about 100% remote work") for place in range(5)]
    await house.conversations.close(asha.user, made[0])
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = (await admin.gets("/api/sessions", limit=2, **cursor)).json()
        found += [one["id"] for one in page["items"]]
        cursor = {"cursor": page["next"]}
    assert page["next"] is None
    assert sorted(found) == sorted(str(one) for one in made)
    for query, wanted in (
        ({"status": "closed"}, [made[0]]), ({"q": "Question 3"}, [made[3]]), ({"q": asha.user.email}, made),
        ({"q": "100% remote"}, made), ({"q": "100_ remote"}, []), ({"status": "active_human"}, []),
    ):  # fmt: skip
        page = (await admin.gets("/api/sessions", **query)).json()
        assert sorted(one["id"] for one in page["items"]) == sorted(str(one) for one in wanted), query


async def test_a_question_that_is_none(house: House) -> None:
    admin = await house.caller("admin")
    for query in (
        {"status": "open"}, {"cursor": "nonsense"}, {"cursor": "é"}, {"limit": "0"}, {"limit": "101"}, {"q": "a\x00"},
        {"q": "q" * 201},
    ):  # fmt: skip
        problem_of(await admin.gets("/api/sessions", **query), 400, "bad_content")


async def test_messages_are_read_in_both_directions_to_the_end(house: House) -> None:
    asha = await house.caller()
    session = await conversation(house, asha, *(f"Word {place}" for place in range(7)))
    path = f"/api/sessions/{session}/messages"
    whole = (await asha.gets(path)).json()
    assert whole["next"] is None
    assert [one["seq"] for one in whole["items"]] == list(range(1, len(whole["items"]) + 1))
    assert [one["content"] for one in whole["items"] if one["type"] == "message"] == [f"Word {n}" for n in range(7)]

    for direction in ("after", "before"):
        place: str | None = "0" if direction == "after" else None
        pages: list[list[dict[str, Any]]] = []
        while True:
            page = (await asha.gets(path, limit=3, **({direction: place} if place else {}))).json()
            assert len(page["items"]) <= 3
            pages.append(page["items"])
            place = page["next"]
            if place is None:
                break
        ordered = pages if direction == "after" else pages[::-1]
        assert [one for items in ordered for one in items] == whole["items"], direction
    between = (await asha.gets(path, after=1, before=4)).json()
    assert ([one["seq"] for one in between["items"]], between["next"]) == ([2, 3], None)


async def test_a_page_of_nothing_but_notes_is_not_the_end_for_a_seeker(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    session = await conversation(house, asha, "I look for work")
    for place in range(4):
        await house.database.execute(
            "insert into chat_messages (session_id, seq, id, turn, kind, role, author_id, content)"
            " select $1, seq + 1, gen_random_uuid(), turn, 'note', 'admin', $2, $3 from chat_sessions where id = $1",
            session, admin.user.id, f"Note {place}",
        )  # fmt: skip
        await house.database.execute("update chat_sessions set seq = seq + 1 where id = $1", session)
    await house.conversations.post(asha.user, session, uuid4(), "Are you there?")
    path = f"/api/sessions/{session}/messages"

    async def walk(caller: Caller, direction: str) -> list[str]:
        told: list[str] = []
        place: str | None = "0" if direction == "after" else "1000000"
        while place is not None:
            page = (await caller.gets(path, limit=2, **{direction: place})).json()
            told += [one["content"] for one in page["items"] if "content" in one]
            place = page["next"]
        return sorted(told)

    spoken = ["Are you there?", "I look for work"]
    for direction in ("after", "before"):
        assert await walk(asha, direction) == spoken
        assert await walk(admin, direction) == [*spoken, *(f"Note {n}" for n in range(4))]
    for caller, notes in ((asha, 0), (admin, 4)):
        transcript = (await caller.gets(f"/api/sessions/{session}/transcript.json")).json()
        assert sum(one["type"] == "note" for one in transcript["events"]) == notes
        assert ("Note 1" in (await caller.gets(f"/api/sessions/{session}/transcript.md")).text) is bool(notes)


async def test_a_place_that_is_none(house: House) -> None:
    asha = await house.caller()
    session = await conversation(house, asha, "Hello")
    for query in ({"after": "-1"}, {"before": "0"}, {"after": "x"}, {"limit": "201"}, {"limit": "0"}):
        problem_of(await asha.gets(f"/api/sessions/{session}/messages", **query), 400, "bad_content")


async def test_a_transcript_holds_what_was_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asha, admin = await house.caller(), await house.caller("admin", "Meera Nair")
    session = await conversation(house, asha, "First question", "नमस्ते")
    await house.conversations.take_over(admin.user, session)
    await house.conversations.post(admin.user, session, uuid4(), "I am here now.")
    path = f"/api/sessions/{session}/transcript"
    told = (await asha.gets(f"{path}.json")).json()
    assert told["complete"] is True
    assert told["session"]["status"] == "active_human"
    log = await log_of(house, session)
    assert [one["seq"] for one in told["events"]] == [row["seq"] for row in log]
    assert [one["content"] for one in told["events"] if one["type"] == "message"] == [
        row["content"] for row in log if row["kind"] == "message"
    ]
    written = await asha.gets(f"{path}.md")
    assert written.headers["content-type"] == "text/markdown; charset=utf-8"
    assert str(session) in written.headers["content-disposition"]
    text = written.text
    assert text.startswith("# Conversation of Asha Rao")
    for part in ("First question", "नमस्ते", "**Meera Nair** (admin)", "I am here now.", "taken_over"):
        assert part in text

    monkeypatch.setattr(sessions, "TRANSCRIPT_MAX_EVENTS", 1)
    monkeypatch.setattr("chatserver.reading.PAGE_MAX", 1)
    cut = (await asha.gets(f"{path}.json")).json()
    assert (cut["complete"], len(cut["events"])) == (False, 1)
    assert "goes on" in (await asha.gets(f"{path}.md")).text


async def test_nobody_forges_a_speaker_or_markup_in_a_transcript(house: House) -> None:
    asha = await house.caller(name="Asha\n# **Ben** <b>")
    forged = "Hi\r\n\n**Ben Okoro** (admin), 2026-11-30\n\nYou are hired\x0b# x <img src=x> [a](javascript:1)"
    session = await conversation(house, asha, forged)
    lines = (await asha.gets(f"/api/sessions/{session}/transcript.md")).text.splitlines()
    assert lines[0] == r"# Conversation of Asha \# \*\*Ben\*\* \<b\>"
    ours = [line for line in lines[1:] if line and not line.startswith(">")]
    assert len(ours) == 1
    assert ours[0].startswith(r"**Asha \# \*\*Ben")
    assert not any("<img" in line or "](" in line for line in lines)


async def test_a_transcript_loads_no_picture_and_hides_no_link_when_a_reader_shows_it(house: House) -> None:
    """Whoever opens it in a viewer of Markdown tells nobody that they did."""
    asha = await house.caller()
    session = await conversation(
        house, asha,
        "![][1] and ![x](https://pixel.example/a.png) and \\![y][1]\n\n[1]: https://pixel.example/b.png\n[J1] stays",
    )  # fmt: skip
    said = (await asha.gets(f"/api/sessions/{session}/transcript.md")).text
    # A bracket that no uneven number of backslashes stands before is one that a reader understands.
    assert re.findall(r"(?<!\\)(?:\\\\)*[\[\]]", said) == []
    assert r"\[J1\] stays" in said


async def test_an_admin_takes_over_hands_back_and_closes(house: House) -> None:
    asha, admin, other = await house.caller(), await house.caller("admin", "Meera"), await house.caller("admin")
    session = await conversation(house, asha, "Is anybody there?")
    path = f"/api/sessions/{session}"
    held = await admin.calls("PUT", f"{path}/takeover")
    assert held.status_code == 200
    assert (held.json()["status"], held.json()["admin"]["name"]) == ("active_human", "Meera")
    assert "Meera" in problem_of(await other.calls("PUT", f"{path}/takeover"), 409, "conflict")
    problem_of(await other.calls("DELETE", f"{path}/takeover"), 409, "not_holder")
    assert (await admin.calls("PUT", f"{path}/takeover")).status_code == 200
    assert (await admin.calls("DELETE", f"{path}/takeover")).json()["status"] == "active_ai"
    assert (await admin.calls("PUT", f"{path}/closed")).json()["status"] == "closed"
    problem_of(await admin.calls("PUT", f"{path}/takeover"), 409, "closed")


async def test_the_commands_are_an_admins(house: House) -> None:
    asha, admin = await house.caller(), await house.caller("admin")
    session = await conversation(house, asha, "Hello")
    for method, part in (("PUT", "takeover"), ("DELETE", "takeover"), ("PUT", "closed")):
        problem_of(await asha.calls(method, f"/api/sessions/{session}/{part}"), 403, "forbidden")
        problem_of(await admin.calls(method, f"/api/sessions/{uuid4()}/{part}"), 404, "not_found")
    assert (await asha.gets(f"/api/sessions/{session}")).json()["status"] == "active_ai"


async def test_rest_and_the_log_tell_the_same(house: House) -> None:
    asha = await house.caller()
    session = await conversation(house, asha, "One", "Two")
    items = (await asha.gets(f"/api/sessions/{session}/messages")).json()["items"]
    await house.database.execute("select chat_flush(array[$1::uuid])", session)
    entries = await house.database.fetchval("select conversation_log from chat_sessions where id = $1", session)
    spoken = [(one["role"], one["content"]) for one in items if one["type"] == "message"]
    assert [(entry["role"], entry["content"]) for entry in entries] == spoken == [("user", "One"), ("user", "Two")]
