"""Nothing of a resume leaves the server before its owner has agreed, nor after they have withdrawn."""

import hashlib
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest

from chatserver.adapters.consents import PostgresConsents, agreed_sql
from chatserver.adapters.reembedding import PostgresVectors
from chatserver.core import consent
from chatserver.core.access import User
from chatserver.core.consent import (
    Consent,
    Recipient,
    Recipients,
    covers,
    embeddings_recipient,
    model_recipient,
    terms,
)
from chatserver.core.draft import JobDraft
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.guides import Guides
from chatserver.core.job import SYSTEM_PROVIDER, PrepQuestion
from chatserver.core.job_ports import Outcome
from chatserver.matches import embed_job
from chatserver.recipients import recipients_of
from chatserver.reembedding import Mending
from chatserver.settings import Settings
from tests.model_server import Calls, Says
from tests.privacy.outside import Outside, outside_of
from tests.until import until

MARK = "Quillfeather Logistics"
RESUME = f"Asha Rao\nAudited the ledgers of {MARK} for six years with SAP and Ind AS, and led a team of three auditors."
QUESTION = "Which job fits me?"
SKILLS = '\\"matched_skills\\": [\\"'
"""A list with something in it, as JSON within JSON."""


@dataclass(eq=False)
class Device:
    """An admin's connection, as far as a draft goes."""

    user: User
    closed: bool = False
    frames: list[str] = field(default_factory=list)

    def send(self, frame: str, session: UUID | None = None) -> None:
        self.frames.append(frame)

    def has_a_draft(self) -> bool:
        return any('"type":"draft"' in frame for frame in self.frames)


async def a_job(outside: Outside, gazetteer: Gazetteer, title: str = "Auditor") -> UUID:
    """Active, and with what the resume has."""
    store = outside.node.jobs._store
    _, enrichment = await store.add(SYSTEM_PROVIDER, JobDraft(title, "Audits ledgers with SAP and Ind AS for banks."))
    task = await store.begin(enrichment.job, enrichment.version)
    assert task is not None
    embedder = await outside.node.jobs._matcher._embedder.current()
    vector = await embed_job(embedder, gazetteer, title, task.text.description)
    guides = Guides(("SAP", "Ind AS"), ("Tip",) * 5, (PrepQuestion("Why?", "Because."),) * 5)
    assert await store.complete(task, Outcome(guides, "offline", vector, embedder.model))
    return enrichment.job


async def uploads(outside: Outside, user: User) -> list[str]:
    """The warnings that come with what was read."""
    files = {"file": ("resume.txt", RESUME.encode())}
    warnings: list[str] = (await outside.calls(user, "PUT", "/api/me/resume", files=files)).json()["warnings"]
    return warnings


def of_the_resume(sent: list[str]) -> list[str]:
    """What in these requests is there because of the resume."""
    words = (MARK, "six years", SKILLS, "team of three", "you bring", "auditors")
    return [word for word in words if any(word in one for one in sent)]


async def test_without_consent_nothing_of_a_resume_leaves_and_questions_are_answered(
    outside: Outside, gazetteer: Gazetteer
) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person()
    outside.forget()
    assert len(await uploads(outside, asha)) == 2, "it says what was left undone"
    session = await outside.asks(asha, QUESTION)
    outside.model.plays(Calls([("search_jobs", {"query": "audit"}), ("get_job", {"ref": "J1"})]), Says("[J1] fits."))
    await outside.asks(asha, "And which else?", session)

    assert len(outside.sent("model")) == 3
    assert of_the_resume(outside.sent("model")) == []
    assert "did not agree that you read it" in outside.sent("model")[0]
    assert asha.name not in outside.everything()
    assert [one for one in outside.sent("/v1/embeddings") if MARK in one] == []
    assert outside.sent("/storage") == []
    assert (await outside.said(session))[-1] == ("assistant", "[J1] fits.")
    # Here all of it is there: the text, and jobs that are found by its words.
    assert MARK in (await outside.calls(asha, "GET", "/api/me/resume")).json()["text"]
    match = (await outside.calls(asha, "GET", "/api/matches")).json()["items"][0]
    assert match["matched_skills"]


async def test_with_consent_it_is_read_embedded_and_kept_from_then_on(outside: Outside, gazetteer: Gazetteer) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person()
    await uploads(outside, asha)
    await outside.agrees(asha)
    assert [one for one in outside.sent("/v1/embeddings") if MARK in one], "what waited for it is made at once"
    assert await uploads(outside, asha) == []
    assert [one for one in outside.sent("/storage") if MARK in one]
    await outside.asks(asha, QUESTION)
    assert set(of_the_resume(outside.sent("model"))) >= {MARK, SKILLS}


async def test_a_withdrawal_holds_from_the_next_call_and_takes_the_file_back(
    outside: Outside, gazetteer: Gazetteer
) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person()
    await outside.agrees(asha)
    await uploads(outside, asha)
    outside.model.plays(Says(f"At {MARK} you led a team of three."))
    session = await outside.asks(asha, QUESTION)
    outside.forget()
    await outside.withdraws(asha)
    assert [path for path, _ in outside.services.calls] == [
        f"/storage/v1/object/resumes/{outside.services.calls[0][0].removeprefix('/storage/v1/object/resumes/')}"
    ], "the file is deleted there"
    assert (await outside.calls(asha, "GET", "/api/me/resume")).json()["has_file"] is False
    await outside.asks(asha, "And which else?", session)
    assert QUESTION in outside.sent("model")[0]
    assert of_the_resume(outside.sent("model")) == [], "nor what the assistant said of it before"
    assert [one for one in outside.sent("/v1/embeddings") if MARK in one or "which else" in one] == []


async def test_it_holds_for_an_answer_that_is_about_to_begin(
    outside: Outside, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_job(outside, gazetteer)
    asha = await outside.person()
    await outside.agrees(asha)
    await uploads(outside, asha)
    grounding = outside.node.answers._grounding
    get = grounding._resumes.get

    async def withdrawn_meanwhile(user: UUID) -> object:
        found = await get(user)
        await PostgresConsents(outside.database).put(user, Consent(consent.VERSION, (), ()))
        return found

    monkeypatch.setattr(grounding._resumes, "get", withdrawn_meanwhile)
    await outside.asks(asha, QUESTION)
    assert len(outside.sent("model")) == 1
    assert of_the_resume(outside.sent("model")) == []


async def test_it_holds_for_the_next_call_of_an_answer_that_runs(outside: Outside, gazetteer: Gazetteer) -> None:
    """A prompt is sent again with what its tools found: by then it must not be."""
    await a_job(outside, gazetteer)
    asha = await outside.person()
    await outside.agrees(asha)
    await uploads(outside, asha)
    store = outside.node.answers._store
    sources = store.sources

    async def withdraws_first(session: UUID, refs: list[int]) -> object:
        if outside.model.requests:
            await PostgresConsents(outside.database).put(asha.id, Consent(consent.VERSION, (), ()))
        return await sources(session, refs)

    store.sources = withdraws_first  # type: ignore[method-assign,assignment]
    outside.model.plays(Calls([("get_job", {"ref": "J1"}), ("get_guides", {"ref": "J1"})]), Says("Too late."))
    session = await outside.asks(asha, QUESTION)
    assert len(outside.sent("model")) == 1
    assert (await outside.said(session))[-1] == (None, "answer_failed:withdrawn")
    outside.forget()
    await outside.node.conversations.retry(asha, session, 1)
    await outside.answered(session)
    assert of_the_resume(outside.sent("model")) == []
    assert len(outside.sent("model")) == 1


async def test_a_proposal_to_an_admin_asks_the_same_consent(outside: Outside, gazetteer: Gazetteer) -> None:
    await a_job(outside, gazetteer)
    asha, esha = await outside.person(), await outside.person("admin", "Esha")
    await uploads(outside, asha)
    session = await outside.asks(asha, QUESTION)
    await outside.node.conversations.take_over(esha, session)
    await outside.node.conversations.post(esha, session, uuid4(), f"I read that you were at {MARK}.")
    outside.forget()

    device = Device(esha)

    for _ in range(2):
        row = await outside.node.conversations.row(esha, session)
        outside.node.drafts.begin(device, row, "Be kind", None)
        await until(device.has_a_draft)
        device.frames.clear()
        if len(outside.sent("model")) == 1:
            assert of_the_resume(outside.sent("model")) == []
            await outside.agrees(asha)
    assert MARK in outside.sent("model")[1]


async def test_vectors_are_made_of_nobodys_resume_who_did_not_agree(outside: Outside, gazetteer: Gazetteer) -> None:
    """Neither what looks for missing vectors nor a change of the model may do what the upload did not."""
    await a_job(outside, gazetteer)
    asha, ben = await outside.person(), await outside.person(name="Ben Roy")
    await uploads(outside, asha)
    await uploads(outside, ben)
    await outside.agrees(ben)
    outside.forget()
    recipients = recipients_of(outside.node.settings)
    vectors = PostgresVectors(outside.database, recipients)
    embedders = outside.node.jobs._matcher._embedder
    assert await Mending(vectors, embedders, gazetteer).mend(10) == 0
    model = (await embedders.current()).model
    assert (await vectors.extent(model)).resumes == 0
    await outside.database.execute("update users set resume_embedding = null, embedding_model = null")
    assert await Mending(vectors, embedders, gazetteer).mend(10) == 1
    embedded = await outside.database.fetch("select id from users where embedding_model = $1", model)
    assert [row["id"] for row in embedded] == [ben.id]


async def test_who_agreed_to_one_is_asked_again_about_another(
    database: asyncpg.Pool, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, gazetteer: Gazetteer
) -> None:
    async with outside_of(
        database, database_url, redis_url, gazetteer, monkeypatch, OPENAI_API_KEY="", SUPABASE_SERVICE_KEY=""
    ) as before:
        asha = await before.person()
        await before.agrees(asha)
        terms = (await before.calls(asha, "GET", "/api/me/consent")).json()
        assert (terms["ask"], len(terms["agreed"])) == (False, 1)
    async with outside_of(database, database_url, redis_url, gazetteer, monkeypatch) as outside:
        await database.execute(
            "update users set consent = jsonb_set(consent, '{recipients}', $1)",
            [one.id for one in recipients_of(outside.node.settings).all if one.id.startswith("model")],
        )
        terms = (await outside.calls(asha, "GET", "/api/me/consent")).json()
        assert terms["ask"] is True
        await uploads(outside, asha)
        await outside.asks(asha, QUESTION)
        assert MARK in outside.sent("model")[0], "to the first they agreed"
        assert [one for one in outside.sent("/v1/embeddings") if MARK in one] == []
        assert outside.sent("/storage") == []


async def test_nobody_agrees_to_what_they_did_not_read(outside: Outside) -> None:
    asha = await outside.person()
    terms = (await outside.calls(asha, "GET", "/api/me/consent")).json()
    for wrong in ({"version": terms["version"] + 1, "recipients": []}, {"version": terms["version"], "recipients": []}):
        with pytest.raises(AssertionError, match="conflict"):
            await outside.calls(asha, "PUT", "/api/me/consent", json=wrong)
    assert (await outside.calls(asha, "GET", "/api/me/consent")).json() == terms


async def test_what_was_said_when_is_kept_as_proof(outside: Outside) -> None:
    asha = await outside.person()
    await outside.agrees(asha)
    await outside.withdraws(asha)
    trail = await outside.database.fetch("select action, actor_id, subject_id, detail from audit_log order by id")
    assert [row["action"] for row in trail] == ["consent_given", "consent_withdrawn"]
    assert {(row["actor_id"], row["subject_id"]) for row in trail} == {(asha.id, asha.id)}
    assert trail[0]["detail"]["version"] == consent.VERSION
    assert len(trail[0]["detail"]["recipients"]) == 3
    kept = await outside.database.fetchval("select consent from users where id = $1", asha.id)
    assert kept["given_at"] < kept["withdrawn_at"]


def test_the_words_do_not_change_without_another_version() -> None:
    every = Recipients(
        consent.model_recipient("m", None), {"e": embeddings_recipient("e", "https://api.openai.com/v1")},
        consent.files_recipient("https://x.example.com"),
    )  # fmt: skip
    said = repr((consent.terms(every, None), consent.terms(Recipients(), None)))
    versions = consent.VERSION, every.embeddings["e"].id
    found = hashlib.sha256(said.encode()).hexdigest()[:16]
    assert (versions, found) == ((1, "embeddings:api.openai.com:2"), "e36c0d8ba7891e20")


def test_the_recipients_are_those_that_are_configured() -> None:
    assert recipients_of(Settings.from_env({})).all == ()
    assert [one.id for one in recipients_of(Settings.from_env({"ANTHROPIC_API_KEY": "k"})).all] == [
        "model:api.anthropic.com"
    ]
    other = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "https://models.example.com", "OPENAI_API_KEY": "k"}
    found = recipients_of(Settings.from_env(other))
    assert [one.name for one in found.all] == ["the model's server at models.example.com", "OpenAI"]


@pytest.mark.parametrize("stored", [
    None, {}, [], "yes", {"version": 0, "recipients": ["embeddings:x"], "asked": []},
    {"version": 1, "recipients": None}, {"version": 1, "recipients": ["other"], "asked": []},
    {"version": 1, "recipients": ["embeddings:x"], "asked": []},
])  # fmt: skip
async def test_the_database_and_the_rule_say_the_same(database: asyncpg.Pool, stored: object) -> None:
    recipient = Recipient("embeddings:x", "X", "all", "it")
    asked = await database.fetchval(f"select {agreed_sql(recipient)} from (select $1::jsonb as consent) t", stored)
    assert asked == covers(consent.consent_of(stored), recipient)


def test_who_agreed_to_their_resume_alone_is_asked_about_their_questions_and_about_nothing_else() -> None:
    """The first words about the embedding service did not speak of questions, which it gets as well."""
    model, embeddings = model_recipient("m", None), embeddings_recipient("e", "https://api.openai.com/v1")
    before = Consent(1, (model.id, "embeddings:api.openai.com"), (model.id, "embeddings:api.openai.com"))
    assert "questions" in embeddings.gets
    assert covers(before, model)
    assert not covers(before, embeddings)
    asked = terms(Recipients(model, {"e": embeddings}), before)
    assert asked.ask
    assert asked.agreed == (model.id,)
    assert not terms(Recipients(model), before).ask, "where there is no such service nobody is asked"
