"""Uploading, reading and deleting a resume: real files through the real readers, within bounds."""

import asyncio
import os
import sys
from pathlib import Path

import httpx2
import pytest

from chatserver.adapters.extraction import ProcessExtractor
from chatserver.web.me import FIELDS_MAX, FILE_MAX_BYTES, MULTIPART_MAX_BYTES, TEXT_MAX_BYTES
from tests.adapters.resume_files import full_docx, pdf_with_password, plain_pdf, scan
from tests.until import WITHIN_SECONDS, until
from tests.web.house import UPLOADS_PER_HOUR, Caller, House, chunks, problem_of

PASTED = "Data engineer with six years of Python, SQL and Apache Spark for an online shop in Pune."


async def uploads(caller: Caller, content: bytes, name: str = "resume.pdf") -> httpx2.Response:
    return await caller.calls("PUT", "/api/me/resume", files={"file": (name, content)})


def stored(house: House) -> list[Path]:
    return [path for path in house.files.rglob("*") if path.is_file()]


@pytest.mark.parametrize(("content", "name"), [(plain_pdf(), "asha rao.pdf"), (full_docx(), "asha.docx")])
async def test_a_file_is_read_stored_and_shown(house: House, content: bytes, name: str) -> None:
    asha = await house.caller()
    problem_of(await asha.gets("/api/me/resume"), 404, "not_found")
    read = await uploads(asha, content, name)
    assert read.status_code == 200
    assert read.json()["file_name"] == name
    assert read.json()["pages"] >= 1
    assert read.json()["skills"]
    shown = (await asha.gets("/api/me/resume")).json()
    assert shown["has_file"] is True
    assert shown["file_name"] == name
    assert len(shown["text"]) == read.json()["characters"]
    assert shown["skills"] == read.json()["skills"]
    (file,) = stored(house)
    assert file.read_bytes() == content
    row = await house.database.fetchrow("select resume_text, resume_embedding from users where id = $1", asha.user.id)
    assert row["resume_text"] == shown["text"]
    assert row["resume_embedding"] is not None


async def test_a_pasted_text_takes_the_place_of_a_file(house: House) -> None:
    asha = await house.caller()
    await uploads(asha, plain_pdf())
    read = await asha.calls("PUT", "/api/me/resume", json={"text": PASTED})
    assert read.status_code == 200
    assert "Python" in read.json()["skills"]
    shown = (await asha.gets("/api/me/resume")).json()
    assert (shown["text"], shown["has_file"], shown["file_name"]) == (PASTED, False, None)
    assert stored(house) == []


async def test_a_resume_is_deleted_with_its_file(house: House) -> None:
    asha = await house.caller()
    await uploads(asha, plain_pdf())
    gone = await asha.calls("DELETE", "/api/me/resume")
    assert (gone.status_code, gone.content) == (204, b"")
    problem_of(await asha.gets("/api/me/resume"), 404, "not_found")
    assert stored(house) == []
    assert (await asha.calls("DELETE", "/api/me/resume")).status_code == 204


async def test_an_admin_reads_it_others_have_none(house: House) -> None:
    asha, admin, provider = await house.caller(), await house.caller("admin"), await house.caller("provider")
    await asha.calls("PUT", "/api/me/resume", json={"text": PASTED})
    assert (await admin.gets(f"/api/users/{asha.user.id}/resume")).json()["text"] == PASTED
    for caller in (admin, provider):
        for method in ("GET", "PUT", "DELETE"):
            problem_of(await caller.calls(method, "/api/me/resume"), 403, "forbidden")


async def test_a_file_is_sent_to_its_owner_and_to_admins_alone_and_is_never_opened(house: House) -> None:
    asha, ravi = await house.caller(), await house.caller()
    admin, provider = await house.caller("admin"), await house.caller("provider")
    problem_of(await asha.gets("/api/me/resume/file"), 404, "not_found")
    # A PDF for us; a script for whoever would show it.
    polyglot = b"/*" + plain_pdf() + b"*/alert(1)"
    await uploads(asha, polyglot, "résumé; \u202efdp.html")
    theirs = f"/api/users/{asha.user.id}/resume/file"
    for sent in (await asha.gets("/api/me/resume/file"), await admin.gets(theirs)):
        assert (sent.status_code, sent.content) == (200, polyglot)
        assert sent.headers["content-type"] == "application/octet-stream"
        assert sent.headers["content-disposition"] == (
            "attachment; filename=\"r_sum__ fdp.html\"; filename*=UTF-8''r%C3%A9sum%C3%A9%3B%20fdp.html"
        )
        assert sent.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert sent.headers["x-content-type-options"] == "nosniff"
        assert sent.headers["cache-control"] == "no-store"
    looked = await house.database.fetch("select actor_id, action, subject_id from audit_log")
    assert [tuple(row) for row in looked] == [(admin.user.id, "resume_read", asha.user.id)]
    problem_of(await ravi.gets("/api/me/resume/file"), 404, "not_found")
    for caller in (ravi, provider, asha):
        problem_of(await caller.gets(theirs), 403, "forbidden")
    await uploads(ravi, plain_pdf())
    assert (await ravi.gets("/api/me/resume/file")).headers["content-type"] == "application/pdf"


async def test_a_file_that_cannot_be_read_changes_nothing(house: House) -> None:
    for name, content in {
        "scan.pdf": scan(), "locked.pdf": pdf_with_password(to_open="s"), "empty.pdf": b"",
        "program.pdf": b"MZ\x90\x00" * 64, "broken.pdf": b"%PDF-1.7 broken",
    }.items():  # fmt: skip
        asha = await house.caller()
        await asha.calls("PUT", "/api/me/resume", json={"text": PASTED})
        problem_of(await uploads(asha, content, name), 400, "bad_content")
        assert (await asha.gets("/api/me/resume")).json()["text"] == PASTED, name
    assert stored(house) == []


async def test_a_file_of_just_too_many_bytes(house: House) -> None:
    asha = await house.caller()
    assert "5 MB" in problem_of(await uploads(asha, b"%PDF-" + b"x" * FILE_MAX_BYTES), 400, "bad_content")


async def test_an_upload_is_not_read_beyond_its_bound(house: House) -> None:
    asha = await house.caller()
    pulled: list[int] = []
    form = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    answer = await asha.calls(
        "PUT", "/api/me/resume", content=chunks(100 * 1024**2, pulled, form),
        headers={"Content-Type": "multipart/form-data; boundary=cut"},
    )  # fmt: skip
    assert "5 MB" in problem_of(answer, 400, "bad_content")
    assert sum(pulled) <= MULTIPART_MAX_BYTES + 2 * 65_536


async def test_a_pasted_text_is_not_read_beyond_its_bound(house: House) -> None:
    asha = await house.caller()
    pulled: list[int] = []
    answer = await asha.calls("PUT", "/api/me/resume", content=chunks(100 * 1024**2, pulled, b'{"text":"'))
    assert "1 MB" in problem_of(answer, 400, "bad_content")
    assert sum(pulled) <= TEXT_MAX_BYTES + 2 * 65_536


FORM = {"Content-Type": "multipart/form-data; boundary=cut"}
FORMS: dict[str, tuple[dict[str, str], bytes]] = {
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"x"),
    "no form": (FORM, b"x"),
    "another field": (
        FORM, b'--cut\r\nContent-Disposition: form-data; name="other"; filename="a.pdf"\r\n\r\nx\r\n--cut--\r\n'
    ),
    "words in place of a file": (
        {"Content-Type": "Multipart/Form-Data; boundary=cut"},
        b'--cut\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n--cut--\r\n',
    ),
    "two files": (
        FORM,
        b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n' * 2 + b"--cut--\r\n",
    ),
    "too many fields": (
        FORM, b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * (FIELDS_MAX + 1) + b"--cut--\r\n"
    ),
}  # fmt: skip


async def test_a_form_without_its_one_file(house: House) -> None:
    for kind, (headers, content) in FORMS.items():
        asha = await house.caller()
        answer = await asha.calls("PUT", "/api/me/resume", headers=headers, content=content)
        assert "`file`" in problem_of(answer, 400, "bad_content"), kind


async def test_what_is_no_text(house: House) -> None:
    for body in (
        b"", b"{", b"[]", b"{}", b'{"text": 7}', b'{"text": "short"}', b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}', b"\xff\xfe", b'{"text":' + b"[" * 100_000, b'{"text": "x", "more": 1}',
    ):  # fmt: skip
        asha = await house.caller()
        problem_of(await asha.calls("PUT", "/api/me/resume", content=body), 400, "bad_content")
        assert await house.database.fetchval("select resume_text from users where id = $1", asha.user.id) is None


async def test_a_text_with_a_nul_is_refused_before_anybody_mends_it(house: House) -> None:
    asha = await house.caller()
    answer = await asha.calls("PUT", "/api/me/resume", json={"text": f"{PASTED}\x00{PASTED}"})
    assert "U+0000" in problem_of(answer, 400, "bad_content")
    problem_of(await asha.gets("/api/me/resume"), 404, "not_found")


async def test_words_that_only_look_like_a_nul_are_words(house: House) -> None:
    asha = await house.caller()
    spelt = f"{PASTED} Wrote about \\u0000 in JSON."
    assert (await asha.calls("PUT", "/api/me/resume", json={"text": spelt})).status_code == 200
    assert (await asha.gets("/api/me/resume")).json()["text"] == spelt


async def test_uploads_have_a_limit_of_their_own_for_each_person(house: House) -> None:
    asha, ravi = await house.caller(), await house.caller()
    for _ in range(UPLOADS_PER_HOUR):
        assert (await asha.calls("PUT", "/api/me/resume", json={"text": PASTED})).status_code == 200
    refused = await asha.calls("PUT", "/api/me/resume", json={"text": PASTED})
    assert "min" in problem_of(refused, 429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert 0 < refused.json()["retry_after"] <= 3600
    assert (await ravi.calls("PUT", "/api/me/resume", json={"text": PASTED})).status_code == 200


async def test_who_sends_file_after_file_has_one_read_at_a_time_and_others_are_read_meanwhile(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released, reader = tmp_path / "released", tmp_path / "reader"
    reader.touch(mode=0o700)
    # In the place of the real one, which a hostile file keeps busy for half a minute.
    reader.write_text(f"""#!/bin/sh
        case "$(cat)" in *endless*) while [ ! -e {released} ]; do sleep 0.02; done;; esac
        echo '{{"kind":"pdf","pages":1,"text":"{PASTED}"}}'
    """)
    monkeypatch.setattr(sys, "executable", str(reader))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    house.resumes._extractor = ProcessExtractor()
    asha, ravi = await house.caller(), await house.caller()
    many = [asyncio.create_task(uploads(asha, b"%PDF- endless")) for _ in range(3)]
    try:
        await until(lambda: sum(task.done() for task in many) == 2)
        async with asyncio.timeout(WITHIN_SECONDS):
            assert (await uploads(ravi, b"%PDF- short")).status_code == 200
        refused = await uploads(asha, b"%PDF- short")
        assert "still being read" in problem_of(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) == 5
    finally:
        released.touch()
        answers = [answer.status_code for answer in await asyncio.gather(*many)]
    assert sorted(answers) == [200] + [429] * (len(many) - 1)
    assert (await uploads(asha, b"%PDF- short")).status_code == 200
