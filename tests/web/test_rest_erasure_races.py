"""An erasure while something else goes on: whatever comes first, nothing of the person is left."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from chatserver.adapters.erasure import PostgresPeople
from chatserver.adapters.storage import FolderStorage
from chatserver.core.errors import Refused
from chatserver.core.ports import Unavailable
from tests.adapters.resume_files import plain_pdf
from tests.web.house import Caller, House, problem_of
from tests.web.test_rest_erasure import files, lives, rows_with


async def uploads(asha: Caller, name: str = "resume.pdf") -> None:
    answer = await asha.calls("PUT", "/api/me/resume", files={"file": (name, plain_pdf())})
    assert answer.status_code == 200, answer.text


async def test_a_resume_that_arrives_in_the_middle_goes_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asha, _ = await lives(house)
    erase = PostgresPeople.erase
    arrived: list[UUID] = []

    async def after_an_upload(self: PostgresPeople, user: UUID) -> Any:
        if not arrived:
            arrived.append(user)
            await uploads(asha, "late.pdf")
        return await erase(self, user)

    monkeypatch.setattr(PostgresPeople, "erase", after_an_upload)
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200
    assert arrived
    assert files(house) == []
    assert await rows_with(house, asha.user.email) == []


async def test_a_file_that_no_row_knows_goes_with_its_owner(house: House) -> None:
    """Of a process that was killed between the file and its row, or a replaced one that could not be deleted."""
    asha, _ = await lives(house)
    ben, _ = await lives(house, "Ben Roy")
    await FolderStorage(house.files).put(asha.user.id, b"left by a process that was killed")
    assert len(files(house)) == 3
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200
    assert [path.parent.name for path in files(house)] == [str(ben.user.id)]


async def test_who_opens_a_conversation_meanwhile_is_told_that_the_account_is_gone(house: House) -> None:
    asha, _ = await lives(house)
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200
    with pytest.raises(Refused) as refused:
        await house.conversations.open(asha.user, job=None, new=uuid4())
    assert refused.value.code == "not_found"


async def test_another_tab_does_not_bring_the_account_back(house: House) -> None:
    asha, _ = await lives(house)
    assert (await asha.calls("DELETE", "/api/me")).status_code == 200
    await house.database.execute("update audit_log set created_at = created_at + interval '3 seconds'")
    for path in ("/api/me", "/api/sessions", "/api/me/consent"):
        assert "sign in again" in problem_of(await asha.gets(path), 401, "unauthorized")
    with pytest.raises(Refused, match="sign in again"):
        await house.users.admit(asha.token)
    assert await rows_with(house, asha.user.email) == []


async def test_a_job_that_its_provider_posts_meanwhile_hinders_no_erasure(house: House) -> None:
    paula = await house.caller("provider", "Paula Gone")
    job = {"title": "Auditor", "description_raw": "Audits banks."}
    gone, *posted = await asyncio.gather(
        paula.calls("DELETE", "/api/me"), *(paula.calls("POST", "/api/jobs", json=job) for _ in range(5))
    )
    assert gone.status_code == 200, gone.text
    assert all(one.status_code in (201, 401, 403, 404) for one in posted), [one.text for one in posted]


@pytest.mark.parametrize("role", ["provider", "admin"])
async def test_who_was_a_seeker_before_takes_all_of_that_along(house: House, role: str) -> None:
    asha, session = await lives(house)
    await house.caller("admin", "Esha Stays")
    await house.database.execute("update users set role = $2::user_role where id = $1", asha.user.id, role)
    told = (await asha.gets("/api/me/export")).json()
    assert told["resume"]["text"]
    assert {one["session"]["id"] for one in told["sessions"]} >= {str(session)}
    receipt = (await asha.calls("DELETE", "/api/me")).json()
    assert (receipt.get("sessions"), receipt.get("resume")) == (2, True), receipt
    assert await rows_with(house, asha.user.email) == []
    assert files(house) == []


async def test_a_resume_whose_file_cannot_be_deleted_is_not_called_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asha, _ = await lives(house)

    async def away(self: FolderStorage, path: str) -> None:
        raise Unavailable("The folder of resumes cannot be written; try again.")

    monkeypatch.setattr(FolderStorage, "delete", away)
    problem_of(await asha.calls("DELETE", "/api/me/resume"), 503, "unavailable")
    assert (await asha.gets("/api/me/resume")).json()["has_file"], "it can be asked for again"
    monkeypatch.undo()
    assert (await asha.calls("DELETE", "/api/me/resume")).status_code == 204
    assert files(house) == []
