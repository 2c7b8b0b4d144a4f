"""No admin sees something of a resume, by whatever way, without an entry in the trail that they did."""

from uuid import UUID, uuid4

from starlette.routing import Route

from tests.adapters.resume_files import LINES
from tests.town import Town
from tests.web.house import Caller, House

MARK = "online shop"
"""In the resume, so in what is said of it."""


async def a_seeker_who_is_helped(house: House) -> tuple[Caller, UUID]:
    """With a resume, a job that it matches, and an answer that quotes it."""
    asha = await house.caller("seeker", "Asha Rao")
    assert any(MARK in line for line in LINES)
    paula = await house.caller("provider", "Paula")
    job = {"title": "Data Engineer", "description_raw": f"Python, SQL and Apache Spark for an {MARK}, six years."}
    await paula.calls("POST", "/api/jobs", json=job)
    await house.work()
    await asha.calls("PUT", "/api/me/resume", json={"text": " ".join(LINES)})
    session = await house.conversations.open(asha.user, new=uuid4())
    await house.conversations.greet(
        session, f"You worked for an {MARK}.", {"author": {"name": "A", "kind": "offline"}}, []
    )
    await house.conversations.post(asha.user, session, uuid4(), f"Yes, for an {MARK}.")
    return asha, session


async def trail(house: House, seeker: UUID) -> list[str]:
    rows = await house.database.fetch("select action from audit_log where subject_id = $1 order by id", seeker)
    return [row["action"] for row in rows]


async def test_every_way_to_read_it_leaves_an_entry(house: House) -> None:
    """All routes there are, those of tomorrow too: whatever bears a word of the resume is in the trail."""
    asha, session = await a_seeker_who_is_helped(house)
    shown: dict[str, list[str]] = {}
    for route in house.described():
        assert isinstance(route, Route)
        if "GET" not in (route.methods or ()):
            continue
        for id in (asha.user.id, session):
            esha = await house.caller("admin", "Esha")
            answer = await esha.gets(route.path.replace("{id}", str(id)))
            if answer.status_code == 200 and MARK in answer.text:
                query = "select action from audit_log where actor_id = $1 and subject_id = $2"
                rows = await house.database.fetch(query, esha.user.id, asha.user.id)
                shown[route.path] = [row["action"] for row in rows]
    # The queue shows the last words of everybody who waits, and jobs are public.
    for queue in ("/api/sessions", "/api/sessions/{id}", "/api/jobs", "/api/jobs/{id}"):
        shown.pop(queue, None)
    assert shown == {
        "/api/users/{id}/resume": ["resume_read"], "/api/users/{id}/matches": ["matches_read"],
        "/api/sessions/{id}/messages": ["conversation_read"],
        "/api/sessions/{id}/transcript.json": ["conversation_read"],
        "/api/sessions/{id}/transcript.md": ["conversation_read"],
    }  # fmt: skip


async def test_the_trail_says_which_conversation_and_once_for_each_sitting(house: House) -> None:
    asha, session = await a_seeker_who_is_helped(house)
    esha = await house.caller("admin", "Esha")
    for _ in range(3):
        await esha.gets(f"/api/sessions/{session}/messages")
    assert await trail(house, asha.user.id) == ["conversation_read"]
    assert await house.database.fetchval("select detail ->> 'session' from audit_log") == str(session)
    await house.database.execute("update audit_log set created_at = created_at - interval '11 minutes'")
    await esha.gets(f"/api/sessions/{session}/transcript.md")
    ben = await house.caller("admin", "Ben")
    await ben.gets(f"/api/sessions/{session}/transcript.json")
    assert await trail(house, asha.user.id) == ["conversation_read"] * 3
    # One's own conversation is nobody else's business.
    await asha.gets(f"/api/sessions/{session}/transcript.md")
    assert len(await trail(house, asha.user.id)) == 3


async def test_to_search_what_everybody_said_is_in_the_trail_and_the_words_are_not(house: House) -> None:
    asha, _ = await a_seeker_who_is_helped(house)
    esha = await house.caller("admin", "Esha")
    assert (await esha.gets("/api/sessions")).status_code == 200
    assert await house.database.fetch("select action from audit_log") == []
    for words in (MARK, "six years"):
        assert (await esha.gets("/api/sessions", q=words)).status_code == 200
        assert (await asha.gets("/api/sessions", q=words)).status_code == 200
    rows = await house.database.fetch("select * from audit_log")
    assert [(row["actor_id"], row["action"]) for row in rows] == [(esha.user.id, "conversations_searched")]
    assert MARK not in str(rows)


async def test_to_ask_for_a_proposal_is_to_read_the_conversation(town: Town) -> None:
    """Also for who takes a conversation over and never opens it."""
    node = await town.node()
    asha, esha = [town.device(await town.person(role, role), node) for role in ("seeker", "admin")]
    session = str(await asha.joins())
    assert (await esha.sends("take_over", session=session))["type"] == "ok"
    assert await town.database.fetch("select action from audit_log") == []
    assert (await esha.sends("draft", session=session))["type"] == "ok"
    rows = await town.database.fetch("select actor_id, action, subject_id from audit_log")
    assert [tuple(row) for row in rows] == [(esha.user.id, "conversation_read", asha.user.id)]


async def test_to_join_a_conversation_is_to_read_it(town: Town) -> None:
    node = await town.node()
    asha, esha = [town.device(await town.person(role, role), node) for role in ("seeker", "admin")]
    session = await asha.joins()
    await esha.joins(session)
    rows = await town.database.fetch("select actor_id, action, subject_id from audit_log")
    assert [tuple(row) for row in rows] == [(esha.user.id, "conversation_read", asha.user.id)]
