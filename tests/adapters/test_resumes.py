"""Reading a resume, over the real database, a real folder, the real reader and the real model."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import numpy as np
import pytest

from chatserver.adapters.extraction import ProcessExtractor
from chatserver.adapters.minilm import MiniLM
from chatserver.adapters.resumes import PostgresResumes
from chatserver.adapters.storage import FolderStorage
from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.ports import Embedders, StoredResume, Unavailable, Vector
from chatserver.resumes import TEXT_MAX_CHARACTERS, Resumes, embed_resume
from tests.adapters.people import person
from tests.consents import consents_on

TEXT = """Asha Rao, asha.rao@example.com, +91 98765 43210
Statutory audit of listed banks under Ind AS in Mumbai, four years as Senior Auditor.
Python, SQL and Power BI for sampling and reconciliation."""
OTHER = TEXT.replace("Statutory audit", "Transfer pricing")


class Scene:
    """One seeker with a folder for files."""

    def __init__(self, database: asyncpg.Pool, folder: Path, embedder: Embedders, gazetteer: Gazetteer) -> None:
        self.database = database
        self.folder = folder
        self.gazetteer = gazetteer
        self.store = PostgresResumes(database)
        self.consents = consents_on(database)
        self.files = FolderStorage(folder)
        self.resumes = self.with_parts(embedder)

    def with_parts(
        self, embedder: Embedders, store: PostgresResumes | None = None, files: FolderStorage | None = None
    ) -> Resumes:
        return Resumes(
            store or self.store, ProcessExtractor(), embedder, self.gazetteer, files or self.files, self.consents
        )

    async def row(self, user: User) -> asyncpg.Record:
        return await self.database.fetchrow("select * from public.users where id = $1", user.id)

    def kept(self) -> list[bytes]:
        return sorted(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())


@pytest.fixture
def scene(database: asyncpg.Pool, tmp_path: Path, minilm: MiniLM, gazetteer: Gazetteer) -> Scene:
    return Scene(database, tmp_path / "resumes", minilm, gazetteer)


@pytest.fixture
async def seeker(database: asyncpg.Pool) -> User:
    return await person(database)


async def test_a_file_becomes_text_vector_titles_skills_and_a_kept_file(scene: Scene, seeker: User) -> None:
    read = await scene.resumes.read(seeker, file=TEXT.encode(), file_name="C:\\Users\\asha\\My CV.txt")
    assert (read.pages, read.file_name, read.warnings) == (1, "My CV.txt", [])
    assert {"Statutory Audit", "Ind AS", "Python", "SQL", "Power BI"} <= set(read.skills)
    row = await scene.row(seeker)
    assert row["resume_text"] == TEXT
    assert row["embedding_model"] == "all-MiniLM-L6-v2"
    assert np.linalg.norm(row["resume_embedding"].to_numpy()) == pytest.approx(1, abs=1e-5)
    found = await scene.resumes.get(seeker.id)
    assert found is not None
    assert (found.text, found.file_name, found.has_file) == (TEXT, "My CV.txt", True)
    assert await scene.resumes.file(seeker.id) == ("My CV.txt", TEXT.encode())


async def test_a_pasted_text_has_no_file_and_takes_the_place_of_one(scene: Scene, seeker: User) -> None:
    await scene.resumes.read(seeker, file=TEXT.encode(), file_name="cv.txt")
    read = await scene.resumes.read(seeker, text=f"\x00{OTHER}\ud83d")
    assert read.characters == len(OTHER)
    assert (await scene.row(seeker))["resume_text"] == OTHER
    assert await scene.resumes.file(seeker.id) is None
    assert scene.kept() == []


async def test_a_new_file_takes_the_place_of_the_old_one(scene: Scene, seeker: User) -> None:
    await scene.resumes.read(seeker, file=TEXT.encode(), file_name="old.txt")
    await scene.resumes.read(seeker, file=OTHER.encode(), file_name="new.txt")
    assert await scene.resumes.file(seeker.id) == ("new.txt", OTHER.encode())
    assert scene.kept() == [OTHER.encode()]


async def test_uploads_at_the_same_time_leave_one_resume_and_its_file(
    scene: Scene, seeker: User, minilm: MiniLM
) -> None:
    """On as many nodes: each reads one file of a person at a time."""
    texts = [f"{TEXT}\nVersion {n}".encode() for n in range(5)]
    nodes = [scene.with_parts(minilm) for _ in texts]
    await asyncio.gather(
        *(node.read(seeker, file=text, file_name="cv.txt") for node, text in zip(nodes, texts, strict=True))
    )
    found = await scene.resumes.file(seeker.id)
    assert found is not None
    assert scene.kept() == [found[1]]
    assert (await scene.row(seeker))["resume_text"] == found[1].decode()


async def test_deleting_takes_everything_away_and_may_be_done_again(scene: Scene, seeker: User) -> None:
    await scene.resumes.read(seeker, file=TEXT.encode(), file_name="cv.txt")
    await scene.resumes.delete(seeker)
    await scene.resumes.delete(seeker)
    row = await scene.row(seeker)
    columns = ("resume_text", "resume_embedding", "resume_file_url", "resume_file_name", "embedding_model")
    assert [row[name] for name in columns] == [None] * 5
    assert await scene.resumes.get(seeker.id) is None
    assert await scene.resumes.file(seeker.id) is None
    assert scene.kept() == []


async def test_a_file_that_is_gone_from_its_store_is_none(scene: Scene, seeker: User) -> None:
    await scene.resumes.read(seeker, file=TEXT.encode(), file_name="cv.txt")
    await scene.database.execute("update public.users set resume_file_url = 'https://example.com/old.pdf'")
    assert await scene.resumes.file(seeker.id) is None
    await scene.resumes.read(seeker, text=OTHER)


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "empty"),
        (b"Too short.", "only 10 characters"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d", "picture|not a PDF"),
    ],
)
async def test_a_bad_file_is_refused_and_the_resume_that_was_there_stays(
    scene: Scene, seeker: User, file: bytes, sentence: str
) -> None:
    await scene.resumes.read(seeker, file=TEXT.encode(), file_name="cv.txt")
    before = await scene.row(seeker)
    with pytest.raises(Refused, match=sentence) as refused:
        await scene.resumes.read(seeker, file=file, file_name="cv.pdf")
    assert refused.value.code == "bad_content"
    assert repr(await scene.row(seeker)) == repr(before)
    assert scene.kept() == [TEXT.encode()]


@pytest.mark.parametrize("text", ["", "   ", "word " * (TEXT_MAX_CHARACTERS // 5 + 1)])
async def test_a_pasted_text_too_short_or_too_long_is_refused(scene: Scene, seeker: User, text: str) -> None:
    with pytest.raises(Refused, match=r"Send the whole text|shorten it"):
        await scene.resumes.read(seeker, text=text)


class AbsentEmbedder:
    """No vector today."""

    model = "all-MiniLM-L6-v2"

    async def current(self, *, fresh: bool = False) -> "AbsentEmbedder":
        return self

    def chunks(self, text: str) -> list[str]:
        return [text]

    async def embed(self, texts: Sequence[str]) -> Vector:
        raise Unavailable("The embedding service does not answer just now.")


async def test_without_a_vector_nothing_is_kept(scene: Scene, seeker: User) -> None:
    with pytest.raises(Unavailable):
        await scene.with_parts(AbsentEmbedder()).read(seeker, file=TEXT.encode(), file_name="cv.txt")
    assert await scene.resumes.get(seeker.id) is None
    assert scene.kept() == []


class LosingStore(PostgresResumes):
    """Loses the connection before a statement is carried out, or its answer afterwards."""

    carried_out = False

    async def put(self, user: UUID, resume: StoredResume, embedding: Vector | None) -> str | None:
        if self.carried_out:
            await super().put(user, resume, embedding)
        raise Unavailable("The database does not answer just now.")


@pytest.mark.parametrize("carried_out", [False, True])
async def test_where_the_database_is_lost_row_and_file_still_belong_together(
    scene: Scene, seeker: User, minilm: MiniLM, carried_out: bool
) -> None:
    store = LosingStore(scene.database)
    store.carried_out = carried_out
    with pytest.raises(Unavailable):
        await scene.with_parts(minilm, store).read(seeker, file=TEXT.encode(), file_name="cv.txt")
    assert scene.kept() == ([TEXT.encode()] if carried_out else [])
    assert await scene.resumes.file(seeker.id) == (("cv.txt", TEXT.encode()) if carried_out else None)


class HesitantStore(PostgresResumes):
    """Waits to be told before it writes."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.asked = asyncio.Event()
        self.allowed = asyncio.Event()
        self.written = asyncio.Event()

    async def put(self, user: UUID, resume: StoredResume, embedding: Vector | None) -> str | None:
        self.asked.set()
        await self.allowed.wait()
        before = await super().put(user, resume, embedding)
        self.written.set()
        return before


async def test_a_sender_who_goes_away_leaves_nothing_half_done(scene: Scene, seeker: User, minilm: MiniLM) -> None:
    store = HesitantStore(scene.database)
    resumes = scene.with_parts(minilm, store)
    reading = asyncio.create_task(resumes.read(seeker, file=TEXT.encode(), file_name="cv.txt"))
    await store.asked.wait()
    assert await scene.resumes.get(seeker.id) is None
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    store.allowed.set()
    await store.written.wait()
    assert await scene.resumes.file(seeker.id) == ("cv.txt", TEXT.encode())


async def test_an_account_that_is_gone_keeps_no_file(scene: Scene) -> None:
    nobody = User(uuid4(), "nobody@example.com", "seeker")
    with pytest.raises(Refused, match="sign in again"):
        await scene.resumes.read(nobody, file=TEXT.encode(), file_name="cv.txt")
    assert scene.kept() == []


class StubbornFiles(FolderStorage):
    """Deletes nothing today."""

    async def delete(self, path: str) -> None:
        raise Unavailable("The file storage does not answer just now.")


async def test_an_old_file_that_cannot_be_deleted_does_not_hinder_the_new_one(
    scene: Scene, seeker: User, minilm: MiniLM, caplog: pytest.LogCaptureFixture
) -> None:
    resumes = scene.with_parts(minilm, files=StubbornFiles(scene.folder))
    await resumes.read(seeker, file=TEXT.encode(), file_name="old.txt")
    await resumes.read(seeker, file=OTHER.encode(), file_name="new.txt")
    assert await scene.resumes.file(seeker.id) == ("new.txt", OTHER.encode())
    assert "could not be deleted" in caplog.text


class ListeningEmbedder:
    """Remembers what it was given."""

    model = "all-MiniLM-L6-v2"

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def current(self, *, fresh: bool = False) -> "ListeningEmbedder":
        return self

    def chunks(self, text: str) -> list[str]:
        return [text]

    async def embed(self, texts: Sequence[str]) -> Vector:
        self.heard += texts
        return np.eye(len(texts), 384, dtype=np.float32)


async def test_what_becomes_a_vector_bears_no_contact_and_names_titles_and_skills_apart(gazetteer: Gazetteer) -> None:
    embedder = ListeningEmbedder()
    vector = await embed_resume(embedder, gazetteer, TEXT)
    text, focus = embedder.heard
    assert "example.com" not in text
    assert "98765" not in text
    assert focus.startswith("Auditor, Statutory Audit, Ind AS")
    assert vector[:2] == pytest.approx([0.5**0.5, 0.5**0.5])


async def test_a_text_without_known_names_is_its_chunks_alone(gazetteer: Gazetteer) -> None:
    embedder = ListeningEmbedder()
    await embed_resume(embedder, gazetteer, "нет известных слов здесь")
    assert len(embedder.heard) == 1


async def test_resumes_of_one_trade_are_nearer_than_of_two(minilm: MiniLM, gazetteer: Gazetteer) -> None:
    nurse = "Registered nurse in a children's hospital, night shifts, medication and care plans."
    first, second, other = [await embed_resume(minilm, gazetteer, text) for text in (TEXT, OTHER, nurse)]
    assert float(first @ second) > float(first @ other) + 0.3
