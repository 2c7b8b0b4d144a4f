"""A withdrawal while something is on its way, and what a conversation knows that began before anybody was asked."""

import asyncio
from typing import Any

import pytest

from chatserver.adapters.consents import PostgresConsents
from chatserver.adapters.resumes import PostgresResumes
from chatserver.core import consent
from chatserver.core.consent import Consent
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.limits import CONSENTS_PER_HOUR
from chatserver.core.ports import Unavailable
from tests.privacy.outside import Outside
from tests.privacy.test_consent import QUESTION, a_job, uploads


async def withdrawn(outside: Outside, user: Any) -> None:
    await PostgresConsents(outside.database).put(user.id, Consent(consent.VERSION, (), ()))


async def test_a_file_is_not_sent_after_a_withdrawal_in_mid_upload(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = await outside.person()
    await outside.agrees(asha)
    resumes = outside.node.resumes
    embedder = await resumes._embedder.current()
    embed = embedder.embed

    async def and_they_withdraw(texts: Any) -> Any:
        vectors = await embed(texts)
        await outside.withdraws(asha)
        return vectors

    monkeypatch.setattr(embedder, "embed", and_they_withdraw)
    warnings = await uploads(outside, asha)
    assert outside.sent("/storage") == []
    assert any("file was not kept" in one for one in warnings)
    assert (await outside.calls(asha, "GET", "/api/me/resume")).json()["has_file"] is False


async def test_a_file_that_was_being_sent_when_they_withdrew_is_taken_back(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = await outside.person()
    await outside.agrees(asha)
    put = PostgresResumes.put

    async def after_they_withdrew(self: PostgresResumes, *row: Any) -> str | None:
        # The file is there already, and its row is not: whoever withdraws now finds nothing to take back.
        await outside.withdraws(asha)
        return await put(self, *row)

    monkeypatch.setattr(PostgresResumes, "put", after_they_withdrew)
    await uploads(outside, asha)
    posted, deleted = [path for path, _ in outside.services.calls if path.startswith("/storage")]
    assert posted == deleted
    assert (await outside.calls(asha, "GET", "/api/me/resume")).json()["has_file"] is False


async def test_what_is_said_again_is_written_once_also_by_many_at_once(outside: Outside) -> None:
    """Or anybody fills the trail, which nothing shortens for a year."""
    asha = await outside.person()

    async def trail() -> list[str]:
        rows = await outside.database.fetch("select action from audit_log where subject_id = $1 order by id", asha.id)
        return [row["action"] for row in rows]

    await asyncio.gather(*(outside.withdraws(asha) for _ in range(5)))
    assert await trail() == ["consent_withdrawn"]
    await asyncio.gather(*(outside.agrees(asha) for _ in range(5)))
    assert await trail() == ["consent_withdrawn", "consent_given"]
    first = (await outside.calls(asha, "GET", "/api/me/consent")).json()
    await outside.agrees(asha)
    assert (await outside.calls(asha, "GET", "/api/me/consent")).json() == first, "it stands as of then"
    await asyncio.gather(*(outside.withdraws(asha) for _ in range(5)))
    assert await trail() == ["consent_withdrawn", "consent_given", "consent_withdrawn"]


async def test_a_withdrawal_is_never_refused_and_turning_back_and_forth_has_an_end(outside: Outside) -> None:
    asha = await outside.person()
    terms = (await outside.calls(asha, "GET", "/api/me/consent")).json()
    agreement = {"version": terms["version"], "recipients": [one["id"] for one in terms["recipients"]]}
    answers = []
    for _ in range(CONSENTS_PER_HOUR + 3):
        answers.append((await outside.tries(asha, "PUT", "/api/me/consent", json=agreement)).status_code)
        await outside.withdraws(asha)
    assert answers == [200] * CONSENTS_PER_HOUR + [429] * 3
    rows = await outside.database.fetchval("select count(*) from audit_log where subject_id = $1", asha.id)
    assert rows == 2 * CONSENTS_PER_HOUR


async def test_the_name_in_a_greeting_is_not_told_before_they_agree(outside: Outside, gazetteer: Gazetteer) -> None:
    """Of somebody who has no resume yet, and was asked nothing."""
    await a_job(outside, gazetteer)
    asha = await outside.person(name="Quillfeather Rao")
    session = await outside.asks(asha, QUESTION)
    assert "Quillfeather" in (await outside.said(session))[0][1], "the seeker is greeted by name"
    assert QUESTION in outside.sent("model")[0]
    assert "Quillfeather" not in outside.everything()
    await outside.agrees(asha)
    await outside.asks(asha, "And which else?", session)
    assert "Quillfeather" in outside.sent("model")[-1]


async def test_a_file_that_could_not_be_taken_back_is_tried_again(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha = await outside.person()
    await outside.agrees(asha)
    await uploads(outside, asha)
    files = outside.node.resumes._files
    delete = files.delete

    async def away(path: str) -> None:
        raise Unavailable("The file storage does not answer just now.")

    monkeypatch.setattr(files, "delete", away)
    assert (await outside.tries(asha, "DELETE", "/api/me/consent")).status_code == 503
    terms = (await outside.calls(asha, "GET", "/api/me/consent")).json()
    assert terms["agreed"] == []
    monkeypatch.setattr(files, "delete", delete)
    await outside.withdraws(asha)
    assert (await outside.calls(asha, "GET", "/api/me/resume")).json()["has_file"] is False
