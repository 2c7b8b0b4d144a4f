"""The demo: what is written for it, and that it is loaded once, whole, and into no stranger's database."""

import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import docx
import pytest
from pdfminer.high_level import extract_text
from pdfminer.pdfpage import PDFPage

from chatserver.adapters.gazetteer import load_gazetteer
from chatserver.core.draft import Posting
from chatserver.demo import DemoRefused, load_demo, make_resumes, texts
from chatserver.settings import Settings

RESUMES = Path(texts.__file__).parent / "resumes"


class Killed(Exception):
    """The process is gone in the middle of it."""


@pytest.fixture(scope="module")
def postings() -> tuple[Posting, ...]:
    return texts.read_texts(datetime.now(UTC)).postings


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url, resume_dir=str(tmp_path / "resumes"))


def test_sixty_jobs_of_four_firms_mostly_in_india(postings: tuple[Posting, ...]) -> None:
    assert Counter(one.draft.company_name for one in postings) == {"Deloitte": 15, "PwC": 15, "KPMG": 15, "EY": 15}
    assert len({one.external_id for one in postings}) == 60
    assert sum("India" in str(one.draft.location) for one in postings) >= 50
    cities = " ".join(str(one.draft.location) for one in postings)
    for city in ("Bengaluru", "Hyderabad", "Mumbai", "Gurugram", "Pune", "Chennai", "Kolkata", "Kochi", "Noida"):
        assert city in cities
    assert all(one.posted_at is not None and one.posted_at < datetime.now(UTC) for one in postings)


def test_every_job_is_a_text_of_its_own(postings: tuple[Posting, ...]) -> None:
    for one in postings:
        assert one.draft.checked() == one.draft
        assert 120 <= len(one.draft.description_raw.split()) <= 220, one.draft.title
        assert str(urlsplit(str(one.draft.external_apply_url)).hostname).endswith("example.com")
    sentences = Counter(part.strip() for one in postings for part in one.draft.description_raw.split(". "))
    assert [sentence for sentence, times in sentences.items() if times > 1 and len(sentence) > 30] == []


def test_the_people_are_made_up() -> None:
    assert {user.email.partition("@")[2] for user in texts.USERS} <= {"example.com", "example.org"}
    assert len({user.id for user in texts.USERS}) == len(texts.USERS)


def test_the_resume_files_are_those_that_the_script_draws(tmp_path: Path) -> None:
    make_resumes.draw_two_pages(tmp_path / "ananya-krishnan.pdf")
    make_resumes.draw_two_columns(tmp_path / "farah-siddiqui.pdf")
    make_resumes.write_docx(tmp_path / "rohan-deshmukh.docx")
    for name in ("ananya-krishnan.pdf", "farah-siddiqui.pdf"):
        assert extract_text(RESUMES / name) == extract_text(tmp_path / name), f"run the script anew for {name}"
    drawn, committed = [zipfile.ZipFile(folder / "rohan-deshmukh.docx") for folder in (tmp_path, RESUMES)]
    with drawn, committed:
        assert drawn.read("word/document.xml") == committed.read("word/document.xml")
    with (RESUMES / "ananya-krishnan.pdf").open("rb") as file:
        assert len(list(PDFPage.get_pages(file))) == 2
    assert docx.Document(str(RESUMES / "rohan-deshmukh.docx")).tables


async def test_the_demo_is_loaded_once_even_if_its_first_start_was_killed(
    settings: Settings, database: asyncpg.Pool
) -> None:
    def killed(step: str) -> None:
        if "20 of" in step:
            raise Killed

    with pytest.raises(Killed):
        await load_demo(settings, killed)
    assert await database.fetchval("select count(*) from jobs where status = 'active'") == 20

    said: list[str] = []
    users = await load_demo(settings, said.append)
    assert said
    assert (users.seeker, users.admin, users.provider) == (
        "ananya.krishnan@example.com", "meera.nair@example.org", "kavin.raj@example.org",
    )  # fmt: skip
    await is_whole(database)
    before = await database.fetch("select xmin::text, id from jobs order by id")

    again: list[str] = []
    assert await load_demo(settings, again.append) == users
    assert again == []
    assert await database.fetch("select xmin::text, id from jobs order by id") == before
    await database.execute("insert into users (id, email) values (gen_random_uuid(), 'new@example.com')")
    assert await load_demo(settings, again.append) == users, "somebody signed up since: the demo is theirs too"


async def is_whole(database: asyncpg.Pool) -> None:
    assert [
        tuple(row) for row in await database.fetch("select status, enriched_by, count(*) from jobs group by 1, 2")
    ] == [("active", "offline", 62)]
    rows = await database.fetch("select * from jobs")
    for row in rows:
        assert len(row["resume_guide_generated"]) == 5
        assert len({entry["question"] for entry in row["prep_guide_generated"]}) == 5
        assert row["skills_required"], row["title"]
        assert row["embedding"] is not None
    tips = Counter(tip for row in rows for tip in row["resume_guide_generated"])
    assert max(tips.values()) == 1, "tips are about one job"
    resumes = await database.fetch("select * from users where resume_text is not null")
    assert sorted(row["resume_file_name"] for row in resumes) == [
        "ananya-krishnan.pdf", "farah-siddiqui.pdf", "rohan-deshmukh.docx",
    ]  # fmt: skip
    assert all(row["resume_embedding"] is not None for row in resumes)

    sessions = {
        row["email"].partition(".")[0]: row
        for row in await database.fetch("select s.*, u.email from chat_sessions s join users u on u.id = s.user_id")
    }
    assert set(sessions) == {"ananya", "rohan", "farah"}
    assert (sessions["ananya"]["status"], sessions["ananya"]["waiting_since"]) == ("active_ai", None)
    assert sessions["rohan"]["status"] == "active_ai"
    assert sessions["rohan"]["waiting_since"] is not None
    assert (sessions["farah"]["status"], sessions["farah"]["admin_id"]) == ("active_human", texts.ADMIN.id)
    roles = [[entry["role"] for entry in sessions[name]["conversation_log"]] for name in ("ananya", "rohan", "farah")]
    answered = ["assistant", "user", "assistant"]
    assert roles == [answered, answered, [*answered, "admin"]]
    assert "Ananya" in sessions["ananya"]["conversation_log"][0]["content"]


@pytest.mark.parametrize(
    "stranger",
    [
        "insert into users (id, email) values (gen_random_uuid(), 'somebody@example.net')",
        "insert into jobs (title, description_raw) values ('Clerk', 'Files.')",
        "insert into jobs (title, description_raw, provider_id, board) "
        "values ('Clerk', 'Files.', '00000000-0000-4000-a000-000000000001', 'alpha-in')",
    ],
)
async def test_the_demo_stays_out_of_a_database_that_holds_anybody_else(
    settings: Settings, database: asyncpg.Pool, stranger: str
) -> None:
    await database.execute(stranger)
    before = await database.fetchrow("select (select count(*) from users), (select count(*) from jobs)")
    with pytest.raises(DemoRefused, match="--no-demo"):
        await load_demo(settings, lambda step: None)
    assert await database.fetchrow("select (select count(*) from users), (select count(*) from jobs)") == before


def test_the_gazetteer_finds_skills_in_every_job(postings: tuple[Posting, ...]) -> None:
    gazetteer = load_gazetteer()
    without = [one.draft.title for one in postings if not gazetteer.skills(one.draft.description_raw)]
    assert without == []
