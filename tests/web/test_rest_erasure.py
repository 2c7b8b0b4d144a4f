"""All that is kept of a person, told and taken out; and a receipt that says what remains."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from chatserver.adapters.storage import FolderStorage
from chatserver.core.ports import Unavailable
from tests.adapters.resume_files import plain_pdf
from tests.until import until
from tests.web.house import Caller, House, problem_of

WORDS = "My words about Pune and audit."


async def lives(house: House, name: str = "Asha Rao") -> tuple[Caller, UUID]:
    """A seeker with a resume, two conversations (one of them closed), and somebody who looked at the resume."""
    asha = await house.caller("seeker", name)
    answer: httpx2.Response = await asha.calls("PUT", "/api/me/resume", files={"file": ("resume.pdf", plain_pdf())})
    assert answer.status_code == 200, answer.text
    sessions = []
    for _ in range(2):
        session = await house.conversations.open(asha.user, job=None, new=uuid4())
        await house.conversations.post(asha.user, session, uuid4(), WORDS)
        sessions.append(session)
    await house.conversations.close(asha.user, sessions[0])
    esha = await house.caller("admin", "Esha")
    await esha.gets(f"/api/users/{asha.user.id}/resume")
    return asha, sessions[1]


async def rows_with(house: House, words: str) -> list[str]:
    """Every table in which these words stand anywhere."""
    tables = await house.database.fetch(
        "select table_schema || '.' || table_name as t from information_schema.tables"
        " where table_schema in ('public', 'private') and table_type = 'BASE TABLE'"
    )
    found = []
    for row in tables:
        query = f"select exists (select from {row['t']} x where x::text ilike '%' || $1 || '%')"
        if await house.database.fetchval(query, words):
            found.append(row["t"])
    return found


def files(house: House) -> list[Path]:
    return [path for path in house.files.rglob("*") if path.is_file()]


async def test_a_person_goes_and_nothing_of_them_is_left_but_what_the_receipt_names(house: House) -> None:
    asha, _ = await lives(house)
    ben, _ = await lives(house, "Ben Roy")
    assert len(files(house)) == 2
    receipt = (await asha.calls("DELETE", "/api/me")).json()
    assert (receipt["sessions"], receipt["messages"], receipt["resume"], receipt["jobs_closed"]) == (2, 2, True, 0)
    assert any("a-model" in sentence for sentence in receipt["remains"])
    assert all(sentence.endswith(".") for sentence in receipt["remains"])

    assert await rows_with(house, asha.user.email) == []
    assert await rows_with(house, "Asha Rao") == []
    assert await rows_with(house, str(asha.user.id)) == ["public.audit_log"], "who looked stays in the trail"
    assert len(files(house)) == 1
    assert [key async for key in house.redis.scan_iter("pad:*:text")] == []
    # Others are as they were.
    assert (await ben.gets("/api/me/resume")).status_code == 200
    assert len((await ben.gets("/api/sessions")).json()["items"]) == 2


async def test_coming_back_opens_an_empty_account(house: House) -> None:
    asha, session = await lives(house)
    await asha.calls("DELETE", "/api/me")
    asha.token = house.issuer.issue(asha.user.email, asha.user.id)
    assert (await asha.gets("/api/sessions")).json()["items"] == []
    problem_of(await asha.gets(f"/api/sessions/{session}"), 404, "not_found")
    problem_of(await asha.gets("/api/me/resume"), 404, "not_found")


async def test_what_an_admin_wrote_stays_with_those_it_was_written_for_but_not_their_name(house: House) -> None:
    asha, session = await lives(house)
    esha = await house.caller("admin", "Esha Gone")
    await house.conversations.take_over(esha.user, session)
    await house.conversations.post(esha.user, session, uuid4(), "I know that team.")
    receipt = (await esha.calls("DELETE", "/api/me")).json()
    assert any("other people's conversations" in sentence for sentence in receipt["remains"])
    assert await rows_with(house, "Esha Gone") == []
    messages = (await asha.gets(f"/api/sessions/{session}/messages")).json()["items"]
    assert [(m["content"], m["author"]["name"]) for m in messages if m.get("role") == "admin"] == [
        ("I know that team.", "An admin")
    ]


async def test_the_last_admin_stays(house: House) -> None:
    esha = await house.caller("admin", "Esha")
    await house.database.execute(
        "update users set deactivated_at = now() where role = 'admin' and id <> $1", esha.user.id
    )
    assert "only admin" in problem_of(await esha.calls("DELETE", "/api/me"), 409, "conflict")


async def test_a_providers_jobs_are_closed_and_whoever_was_shown_one_still_finds_it(house: House) -> None:
    paula = await house.caller("provider", "Paula")
    job = (await paula.calls("POST", "/api/jobs", json={"title": "Auditor", "description_raw": "Audits banks."})).json()
    await house.work()
    receipt = (await paula.calls("DELETE", "/api/me")).json()
    assert receipt["jobs_closed"] == 1
    assert any("jobs that you posted" in sentence for sentence in receipt["remains"])
    asha = await house.caller()
    shown = (await asha.gets(f"/api/jobs/{job['id']}")).json()
    assert (shown["status"], shown["title"]) == ("closed", "Auditor")


async def test_a_file_that_cannot_be_deleted_is_no_erasure(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asha, _ = await lives(house)

    async def away(self: FolderStorage, path: str) -> None:
        raise Unavailable("The folder of resumes cannot be written; try again.")

    monkeypatch.setattr(FolderStorage, "delete", away)
    problem_of(await asha.calls("DELETE", "/api/me"), 503, "unavailable")
    assert (await asha.gets("/api/me/resume")).status_code == 200, "it can be asked for again"
    monkeypatch.undo()
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200


async def test_the_export_is_all_that_the_person_may_see(house: House) -> None:
    asha, session = await lives(house)
    esha = await house.caller("admin", "Esha")
    await house.conversations.note(esha.user, session, uuid4(), "Internal words.")
    answer = await asha.gets("/api/me/export")
    assert "attachment" in answer.headers["content-disposition"]
    told: dict[str, Any] = json.loads(answer.content)
    assert told["profile"]["email"] == asha.user.email
    assert told["resume"]["text"]
    assert told["account"]["seen_at"]
    assert [(one["action"], one["by_yourself"]) for one in told["trail"]] == [("resume_read", False)]
    assert "Esha" not in answer.text
    await house.database.execute(
        "insert into spend (day, user_id, purpose, settled_usd) values ('2026-11-30', $1, 'answers', 0.25)",
        asha.user.id,
    )
    spend = (await asha.gets("/api/me/export")).json()["spend"]
    assert spend == [{"day": "2026-11-30", "purpose": "answers", "usd": 0.25}]
    said = [event["content"] for one in told["sessions"] for event in one["events"] if event["type"] == "message"]
    assert said == [WORDS, WORDS]
    assert "Internal words." not in answer.text


async def test_a_providers_export_has_their_jobs(house: House) -> None:
    paula, pavel = await house.caller("provider", "Paula"), await house.caller("provider", "Pavel")
    for provider, title in ((paula, "Auditor"), (pavel, "Lawyer")):
        await provider.calls("POST", "/api/jobs", json={"title": title, "description_raw": "Audits banks."})
    told = (await paula.gets("/api/me/export")).json()
    assert [job["title"] for job in told["jobs"]] == ["Auditor"]
    assert (told["resume"], told["sessions"]) == (None, [])


async def a_full_life(house: House, name: str, words: str) -> tuple[Caller, UUID]:
    """Everything that a seeker can leave behind, each time with the words in it."""
    asha = await house.caller("seeker", f"{name} {words}")
    other = await house.caller("admin", "Esha")
    await asha.calls("PUT", "/api/me/resume", files={"file": (f"{words}.pdf", plain_pdf())})
    await asha.calls("PUT", "/api/me/resume", json={"text": f"{words} audited banks with SAP for six years and more."})
    await asha.calls("PUT", "/api/me/consent", json={"version": 1, "recipients": []})
    await asha.calls("PATCH", "/api/me", json={"full_name": f"{name} {words}"})
    job = (
        await other.calls("POST", "/api/jobs", json={"title": "Auditor", "description_raw": "Audits with SAP."})
    ).json()
    session = await house.conversations.open(asha.user, job=None, new=uuid4())
    said = {"author": {"name": "Offline assistant", "kind": "offline"}}
    await house.conversations.greet(session, f"Hello {words}", said, [])
    await house.conversations.post(asha.user, session, uuid4(), f"Hello, {words} here.")
    await house.database.execute(
        "insert into chat_references (session_id, ref, job_id, match) values ($1, 1, $2, $3)",
        session, UUID(job["id"]), {"reasons": [{"resume": words, "job": "SAP"}]},
    )  # fmt: skip
    await house.conversations.ask_human(asha.user, session, f"{words} needs a person.")
    await house.conversations.take_over(other.user, session)
    await house.conversations.note(other.user, session, uuid4(), f"{words} is in a hurry.")
    await house.conversations.post(other.user, session, uuid4(), f"Good day, {words}.")
    await house.conversations.hand_back(other.user, session)
    await house.database.execute("select chat_flush(array[$1]::uuid[])", session)
    await house.database.execute(
        "update chat_messages set meta = meta || $2 where session_id = $1 and role = 'assistant'", session,
        {"rating": -1, "rating_comment": words},
    )  # fmt: skip
    await house.database.execute(
        "insert into chat_reads (session_id, user_id, seq) values ($1, $2, 1) on conflict do nothing",
        session,
        asha.user.id,
    )
    await house.database.execute(
        "insert into next_embeddings (user_id, model, text_hash, embedding)"
        " values ($1, 'next', 'hash', array_fill(1, array[384])::vector)", asha.user.id,
    )  # fmt: skip
    turn = await house.database.fetchval("select turn from chat_sessions where id = $1", session)
    house.wire.stream(session, turn, 0, words, words, lambda: None)

    async def is_running() -> bool:
        return bool(await redis_with(house, words))

    await until(is_running)
    for path in ("resume", "matches"):
        await other.gets(f"/api/users/{asha.user.id}/{path}".removesuffix("/"))
    await other.gets(f"/api/sessions/{session}/transcript.md")
    await other.calls("PATCH", f"/api/users/{asha.user.id}", json={"deactivated": True})
    await other.calls("PATCH", f"/api/users/{asha.user.id}", json={"deactivated": False})
    return asha, session


async def redis_with(house: House, *words: str) -> list[str]:
    """Every key whose name or value has one of the words."""
    found = []
    async for raw in house.redis.scan_iter("*"):
        key = raw.decode() if isinstance(raw, bytes) else str(raw)
        kind = await house.redis.type(key)
        value = {
            "string": house.redis.get, "hash": house.redis.hgetall, "list": lambda k: house.redis.lrange(k, 0, -1),
            "set": house.redis.smembers, "zset": lambda k: house.redis.zrange(k, 0, -1), "stream": house.redis.xrange,
        }[kind.decode() if isinstance(kind, bytes) else kind]  # fmt: skip
        said = f"{key} {await value(key)}"
        if any(word in said for word in words):
            found.append(key)
    return found


async def test_no_column_of_any_table_and_no_key_has_a_word_of_whoever_is_gone(house: House) -> None:
    words = f"marked{uuid4().hex[:10]}"
    asha, session = await a_full_life(house, "Asha", words)
    there = await rows_with(house, words)
    assert set(there) >= {"public.users", "public.chat_messages", "public.chat_sessions", "public.chat_references"}
    assert await redis_with(house, words), "a running answer's text"
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200

    assert await rows_with(house, words) == []
    assert await rows_with(house, asha.user.email) == []
    assert await rows_with(house, str(session)) == ["public.audit_log"], "that somebody looked, and no word of it"
    assert await rows_with(house, str(asha.user.id)) == ["public.audit_log"]
    assert files(house) == []
    left = await redis_with(house, words, asha.user.email, str(asha.user.id))
    assert all(key.startswith("rate:") for key in left), left
    assert all([0 < await house.redis.ttl(key) <= 3600 for key in left]), "counted to the end of their hour"
    assert await redis_with(house, words) == []


async def test_an_admins_name_goes_from_wherever_it_stands(house: House) -> None:
    asha, session = await lives(house)
    gone, stays = await house.caller("admin", "Zelda Gone"), await house.caller("admin", "Esha Stays")
    await house.conversations.take_over(stays.user, session)
    await house.conversations.transfer(stays.user, session, gone.user)
    await house.conversations.post(gone.user, session, uuid4(), "I know that team.")
    await house.conversations.note(gone.user, session, uuid4(), "Ask again tomorrow.")
    await house.conversations.transfer(gone.user, session, stays.user)
    assert "public.chat_messages" in await rows_with(house, "Zelda Gone")
    assert (await gone.calls("DELETE", "/api/me")).status_code == 200
    assert await rows_with(house, "Zelda Gone") == []
    assert await rows_with(house, gone.user.email) == []
    events = (await asha.gets(f"/api/sessions/{session}/messages")).json()["items"]
    assert "I know that team." in [event.get("content") for event in events]


async def test_the_export_has_what_was_agreed_to(house: House) -> None:
    asha, _ = await lives(house)
    await asha.calls("PUT", "/api/me/consent", json={"version": 1, "recipients": []})
    assert (await asha.gets("/api/me/export")).json()["consent"]["given_at"]
