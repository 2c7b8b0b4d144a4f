"""Whatever the server sends to anybody outside, nothing that reaches or identifies a person is in it."""

import re
from uuid import uuid4

from chatserver.adapters.anthropic_enricher import AnthropicEnricher
from chatserver.core.draft import JobDraft
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import Bill
from chatserver.core.job import SYSTEM_PROVIDER
from chatserver.core.redaction import clean
from chatserver.matches import embed_job
from tests.core.test_redaction import FORMS
from tests.model_server import Calls, Says
from tests.privacy.outside import Outside
from tests.privacy.test_consent import Device, a_job
from tests.until import until

FIRST = {kind: forms[0] for kind, forms in FORMS.items()}
HIDDEN = {
    "phone": "९८४५०\u200d१२३४५", "e-mail": "asha.rao@\u200bexample.com", "ID number": "AB\u00adCPK1234L",
    "birth date": "DOB – १२/०३/१९९४", "address": "Flat No. 4B, Lotus Towers, MG Road, Bengaluru ५६०००१",
    "profile": "linked\u00adin.com/in/asha-rao-94",
}  # fmt: skip


def of_a_person(marker: str) -> str:
    """Every kind of contact and identity data, each in two forms, around a word by which the text is found again."""
    lines = [form for kind in FIRST for form in (FIRST[kind], HIDDEN[kind])]
    return "\n".join([marker, *lines, f"{marker} end"])


LEFT = re.compile(
    r"98450|12345(?!\d)|९८४५०|१२३४५|asha[.-]rao|example\.com|ABCPK|1234L|12/03/1994|१२/०३/१९९४|Palm Grove|682001|"
    r"Lotus Towers|५६०००१|560001"
)


def found_in(outside: Outside, *, but_files: bool = True) -> list[str]:
    """What of a person is in what left, the files of resumes left out, which go as they are."""
    said = [
        *outside.sent("model"), *outside.sent("/v1/embeddings"), *outside.sent("/hook"),
        *([] if but_files else outside.sent("/storage")),
    ]  # fmt: skip
    return sorted({match[0] for one in said for match in LEFT.finditer(clean(one))})


def test_the_search_finds_each_of_them() -> None:
    text = clean(of_a_person("marker"))
    for forms in (FIRST, HIDDEN):
        for form in forms.values():
            assert LEFT.search(clean(form)), form
    assert len(LEFT.findall(text)) >= 10


async def test_a_whole_story_leaves_nothing_of_a_person_outside(outside: Outside, gazetteer: Gazetteer) -> None:
    store = outside.node.jobs._store
    job = await a_job(outside, gazetteer)
    # The ad of a recruiter who says how to reach them: in the title, the company, the skills, the text, the guides.
    personal = of_a_person("ad-marker Audits ledgers with SAP and Ind AS.")
    await outside.database.execute(
        "update jobs set title = $2, company_name = $3, location = $4, description_raw = $5, skills_required = $6,"
        " resume_guide_generated = $7, prep_guide_generated = $8 where id = $1",
        job, f"Auditor, call {FIRST['phone']}", f"Alpha, {FIRST['e-mail']}", FIRST["address"], personal,
        ["SAP", f"Ind AS {HIDDEN['phone']}"], [f"Write to {FIRST['e-mail']}"] * 5,
        [{"question": f"Why {HIDDEN['e-mail']}?", "answer_strategy": personal}] * 5,
    )  # fmt: skip
    asha = await outside.person(name=f"Asha {FIRST['phone']}")
    esha = await outside.person("admin", f"Esha {FIRST['e-mail']}")
    await outside.agrees(asha)
    resume = of_a_person("resume-marker Audited ledgers with SAP and Ind AS.")
    await outside.calls(asha, "PUT", "/api/me/resume", files={"file": ("asha.rao@example.com.txt", resume.encode())})

    outside.model.plays(
        Calls([("search_jobs", {"query": "audit"}), ("get_job", {"ref": "J1"}),
               ("get_guides", {"ref": "J1"})]),
        Says(f"[J1] asks you to call {FIRST['phone']}."),
    )  # fmt: skip
    session = await outside.asks(asha, of_a_person("question-marker"))
    await outside.node.conversations.ask_human(asha, session, of_a_person("reason-marker"))
    await until(lambda: bool(outside.sent("/hook")))
    await outside.node.conversations.take_over(esha, session)
    await outside.node.conversations.post(esha, session, uuid4(), of_a_person("admin-marker"))
    await outside.node.conversations.note(esha, session, uuid4(), "note-marker: reads slowly")
    device = Device(esha)
    outside.node.drafts.begin(
        device, await outside.node.conversations.row(esha, session), f"hint-marker {FIRST['phone']}", None
    )
    await until(device.has_a_draft)

    # A posting that is enriched by a model and becomes a vector.
    draft = JobDraft(
        f"Clerk, {FIRST['phone']}",
        of_a_person("posting-marker"),
        company_name=FIRST["e-mail"],
        location=FIRST["address"],
    )
    _, enrichment = await store.add(SYSTEM_PROVIDER, draft)
    task = await store.begin(enrichment.job, enrichment.version)
    assert task is not None
    enricher = AnthropicEnricher("sk-ant-made-up-key", "claude-haiku-5-5", outside.model.url)
    await enricher.write(task.text, Bill())
    await enricher.aclose()
    embedder = await outside.node.jobs._matcher._embedder.current()
    await embed_job(embedder, gazetteer, task.text.title, task.text.description)
    assert "posting-marker" in "".join(outside.sent("/v1/embeddings"))
    await a_job(outside, gazetteer, title=f"Auditor {FIRST['phone']}")
    search = {"q": f"search-marker {of_a_person('q')}"}
    await outside.calls(asha, "GET", "/api/jobs", params=search)

    everything = outside.everything()
    for name in ("ad", "resume", "question", "admin", "hint", "posting", "search"):
        marker = f"{name}-marker"
        assert marker in everything, f"{marker} went nowhere, so nothing is shown of it"
    assert "note-marker" not in everything
    assert "reason-marker" not in everything
    assert len(outside.sent("/hook")) == 1
    assert found_in(outside) == []
    # The file goes as it is, to whom its owner agreed; its name and address are nobody's.
    assert [one for one in outside.sent("/storage") if "resume-marker" in one]
    assert [path for path, _ in outside.services.calls if "asha" in path] == []


async def test_keys_go_to_whom_they_belong_and_to_nobody_else(outside: Outside, gazetteer: Gazetteer) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person()
    await outside.agrees(asha)
    await outside.calls(
        asha, "PUT", "/api/me/resume", files={"file": ("cv.txt", b"Audited ledgers with SAP for many years.")}
    )
    session = await outside.asks(asha, "Which?")
    await outside.node.conversations.ask_human(asha, session, None)
    await until(lambda: bool(outside.sent("/hook")))
    theirs = {"model": "sk-ant-made", "/v1/embeddings": "sk-made-up", "/storage": "made.up.service"}
    for where in (*theirs, "/hook"):
        assert outside.sent(where)
        for whose, key in theirs.items():
            assert all((key in one) == (whose == where) for one in outside.sent(where)), (where, key)
