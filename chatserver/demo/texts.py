"""Reads the demo's jobs from their files; the people and what they say are here."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from chatserver.core.access import Role, User
from chatserver.core.draft import JobDraft, Posting

FOLDER = Path(__file__).parent
BOARD = "demo"
APPLY_AT = "https://careers.example.com"


def _user(number: int, role: Role, name: str, email: str) -> User:
    return User(UUID(f"00000000-0000-4000-a000-0000000de{number:03}"), email, role, name)


ADMIN = _user(1, "admin", "Meera Nair", "meera.nair@example.org")
PROVIDER = _user(2, "provider", "Kavin Raj", "kavin.raj@example.org")
ANANYA = _user(11, "seeker", "Ananya Krishnan", "ananya.krishnan@example.com")
ROHAN = _user(12, "seeker", "Rohan Deshmukh", "rohan.deshmukh@example.com")
FARAH = _user(13, "seeker", "Farah Siddiqui", "farah.siddiqui@example.com")
USERS = (ADMIN, PROVIDER, ANANYA, ROHAN, FARAH)

RESUMES = ((ANANYA, "ananya-krishnan.pdf"), (ROHAN, "rohan-deshmukh.docx"), (FARAH, "farah-siddiqui.pdf"))

ASKED_ASSISTANT = "Which of these jobs would let me lead a small team in Bengaluru, and what is missing in my resume?"
ASKED_PERSON = "I am articled with two employers on my papers. Does that count as one continuous training?"
WAITS_FOR = "A question about articleship that only a recruiter can answer"
ASKED_ADMIN = "The posting in Hyderabad says nights are planned a month ahead. Can I swap a week if my sister marries?"
ADMIN_SAYS = (
    "Good morning Farah, this is Meera. Swaps inside a team are usual there, but I will ask the team lead today so "
    "that you have it in writing. May I pass on the dates?"
)


@dataclass(frozen=True, slots=True)
class Texts:
    """All jobs of the demo: those of career sites, and those that its provider publishes."""

    postings: tuple[Posting, ...]
    drafts: tuple[JobDraft, ...]


def read_texts(now: datetime) -> Texts:
    postings: list[Posting] = []
    drafts: list[JobDraft] = []
    for path in sorted((FOLDER / "jobs").glob("*.toml")):
        shard = tomllib.loads(path.read_text(encoding="utf-8"))
        for job in shard["job"]:
            draft = JobDraft(
                job["title"], _paragraphs(job["description"]), (), shard["company"], job["location"],
                f"{APPLY_AT}/{shard.get('source', 'kaveri')}/{job['id']}",
            )  # fmt: skip
            if "source" not in shard:
                drafts.append(draft)
                continue
            posted = now - timedelta(days=job["days"])
            postings.append(Posting(draft, shard["source"], BOARD, job["id"], "en", posted))
    return Texts(tuple(postings), tuple(drafts))


def _paragraphs(description: str) -> str:
    """Without the line breaks that only keep the file narrow."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in description.strip().split("\n\n"))
