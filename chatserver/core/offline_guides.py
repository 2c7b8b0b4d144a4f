"""Resume tips and interview questions put together from a job's own words, without a model."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatserver.core.guides import Guides, JobText
from chatserver.core.job import QUESTIONS_PER_JOB, TIPS_PER_JOB, PrepQuestion
from chatserver.core.offline_families import FAMILIES, GENERAL, LEVELS, Family, Level

PASSAGE_MIN_CHARACTERS = 25
PASSAGE_MAX_CHARACTERS = 180
PASSAGES_READ = 200

_BREAKS = re.compile(r"[\r\n]+|(?<=[.!?;])\s+(?=[“\"A-Z0-9])")
_BULLET = re.compile(r"^[\s•▪◦‣*·–—-]+")
_NEED = re.compile(
    r"\b(experience|years?|degree|graduates?|qualifi\w+|certifi\w+|knowledge|understanding|proficien\w+|fluent|fluency"
    r"|must have|required|you have|you bring|we expect|we look for|we ask)\b", re.I)  # fmt: skip
_NICE = re.compile(r"\b(a plus|advantage|preferred|nice to have|bonus|welcome|helpful|would help)\b", re.I)
_DUTY = re.compile(
    r"\b(you will|you'll|your work|your days|responsib\w+)\b"
    r"|^(lead|manage|design|build|support|perform|prepare|review|advise|deliver|conduct|develop|work|own|drive|help"
    r"|assist|coordinate|run|plan|analy[sz]e|test|map|draft|write|assess|execute|create|implement|maintain|monitor"
    r"|model|translate|present|coach|negotiate|investigate|document|automate|migrate|configure)\b", re.I)  # fmt: skip
_YEARS = re.compile(r"\b(\w+|\d+\s*(?:\+|(?:to|-|–)\s*\w+)?)\s+years?\b", re.I)
_CREDENTIAL = re.compile(
    r"\b(CA|ACCA|CPA|CMA|CFA|FRM|CIA|CISA|CISM|CISSP|CIPP/E|OSCP|PMP|LL\.?B|MBA|B\.?Tech|B\.?E|M\.?Tech|B\.?Com|MCA|ICWA|ICAI"
    r"|Chartered Accountant|company secretary|Six Sigma|Prince2|TOGAF|ISO 27001|Lead Auditor)\b")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a job says, in its own sentences."""

    job: JobText
    skills: tuple[str, ...]
    duties: tuple[str, ...]
    needs: tuple[str, ...]
    extras: tuple[str, ...]
    credentials: tuple[str, ...]
    family: Family
    level: Level
    variant: int

    def one_of(self, *phrasings: str) -> str:
        """The same phrasing for the same job every time, not the same for every job."""
        return phrasings[self.variant % len(phrasings)]


def compose(job: JobText, skills: Sequence[str]) -> Guides:
    """Five tips and five questions that quote the posting. Pure: the same job gets the same guides."""
    reading = _read(job, tuple(skills))
    tips = tuple(dict.fromkeys(_tips(reading)))[:TIPS_PER_JOB]
    questions = {question.question: question for question in _questions(reading)}
    return Guides(reading.skills, tips, tuple(questions.values())[:QUESTIONS_PER_JOB])


def _read(job: JobText, skills: tuple[str, ...]) -> _Reading:
    duties: list[str] = []
    needs: list[str] = []
    extras: list[str] = []
    for passage in _passages(job.description):
        kind = extras if _NICE.search(passage) else needs if _NEED.search(passage) else duties
        if kind is not duties or _DUTY.search(passage):
            kind.append(passage)
    about = f"{job.title}\n{job.description}".casefold()
    title = job.title.casefold()
    # The title says more about the kind of work than a word somewhere in the text.
    weights = [(_mentions(family, about) + 5 * _mentions(family, title)) for family in FAMILIES]
    family = FAMILIES[weights.index(max(weights))] if any(weights) else GENERAL
    level = next((level for level in LEVELS if re.search(level.pattern, title)), LEVELS[-1])
    digest = hashlib.sha256(f"{job.title}\n{job.description}".encode("utf-8", "replace")).digest()
    credentials = tuple(dict.fromkeys(_CREDENTIAL.findall(job.description)))
    return _Reading(job, skills, tuple(duties), tuple(needs), tuple(extras), credentials, family, level, digest[0])


def _mentions(family: Family, text: str) -> int:
    return sum(1 for word in family.words if re.search(rf"\b{re.escape(word)}", text))


def _passages(description: str) -> Iterable[str]:
    for raw in _BREAKS.split(" ".join(_unwrapped(description)))[:PASSAGES_READ]:
        passage = " ".join(_BULLET.sub("", raw).split())
        if len(passage) >= PASSAGE_MIN_CHARACTERS:
            yield passage if len(passage) <= PASSAGE_MAX_CHARACTERS else _cut(passage)


def _unwrapped(description: str) -> Iterable[str]:
    """Lines as written; one that goes on in the next (no bullet, no full stop) is joined to it."""
    for line in description.splitlines():
        text = line.strip()
        if not text or _BULLET.match(line) or text.endswith(":"):
            yield f"\n{text}\n"
        else:
            yield text


def _cut(passage: str) -> str:
    return passage[:PASSAGE_MAX_CHARACTERS].rsplit(" ", 1)[0].rstrip(",;:–-") + " …"


def _quote(passage: str) -> str:
    return f"“{passage.rstrip('.;')}”"


def _named(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _tips(reading: _Reading) -> Iterable[str]:
    job = reading.job
    if reading.skills:
        most = _named(reading.skills[:3])
        yield reading.one_of(
            f"Name {most} in the first third of your resume, in these words, each beside the project where you "
            "used it.",
            f"Recruiters will look for {most}: say for each where you used it, for how long and what came of it.",
            f"Move {most} out of the skills list at the end and into the lines about your work, where they are proof.",
        )
    if reading.duties:
        yield (
            f"The posting says {_quote(reading.duties[0])}. Put the work of yours that comes closest first under "
            "your "
            f"latest role, with its size: {reading.family.measure}."
        )
    for need in reading.needs[:1]:
        yield (
            f"It asks: {_quote(need)}. "
            + (
                "Answer that in one line of your summary with from and to dates, so that nobody has to add them up."
                if _YEARS.search(need)
                else "Answer that in your summary in one plain sentence, and name the place that proves it."
            )
        )
    if reading.credentials:
        held = "any of them" if len(reading.credentials) > 1 else "it"
        yield (
            f"For {job.title} put {_named(reading.credentials[:3])} next to your name if you hold {held}, "
            "with the year; if you are on the way there, give the expected date instead of leaving it out."
        )
    yield reading.level.tip.format(title=job.title)
    if len(reading.duties) > 1:
        yield (
            f"For {_quote(reading.duties[1])} write one result instead of a list of tasks: "
            "how things stood, what you did yourself, what changed."
        )
    for extra in reading.extras[:1]:
        yield (f"{_quote(extra)}: few applicants have this. If you do, even from a course, give it a line of its own.")
    if len(reading.skills) > 3:
        yield (
            f"Be exact about {_named(reading.skills[3:6])}: say 'daily for two years' or 'one course', "
            "an interviewer asks about every word that you copy from the posting."
        )
    yield f"Use the title “{job.title}” in your headline and cut what does not lead to it; one page less reads better."
    if job.location:
        yield f"The role is in {job.location}: write that you live there, or when you can move, and your notice period."
    employer = job.company or "this employer"
    yield f"End your summary with why {employer} and this team, in one sentence that fits no other application."
    yield f"Put a figure into at least every second line about your work: {reading.family.measure}."
    yield "Take out every line you could not talk about for two minutes; what stays will be asked about."


def _questions(reading: _Reading) -> Iterable[PrepQuestion]:
    job = reading.job
    tool = reading.skills[0] if reading.skills else None
    if reading.duties:
        yield PrepQuestion(
            f"In this role: {_quote(reading.duties[0])}. Tell us about a time you did something close to it.",
            "Take one real case: two sentences on the setting, your own steps in order, the figure that changed. "
            + (f"Name {tool} where you truly used it. " if tool else "")
            + "Close with what you would do differently.",
        )
    yield PrepQuestion(reading.family.question.format(title=job.title), reading.family.strategy)
    if tool:
        second = f" or {reading.skills[1]}" if len(reading.skills) > 1 else ""
        yield PrepQuestion(
            reading.one_of(
                f"Where did you last use {tool}{second}, and how did you make sure that the result was right?",
                f"What is the hardest thing you have done with {tool}{second}, and what did you learn about its "
                "limits?",
                f"How would you explain {tool}{second} to a client who has to decide on a budget for it?",
            ),
            f"Show depth by one detail only a user of {tool} knows, then the check you built in (a "
            "reconciliation, a test, "
            "a second pair of eyes). If your experience is thin, say so and name the nearest thing you know well.",
        )
    for need in reading.needs[:1]:
        yield PrepQuestion(
            f"We wrote: {_quote(need)}. How do you meet that, and where would you need support?",
            "Answer each part of the sentence with one proof. Name one gap honestly, with the step and the date "
            "by which "
            "you will close it; a gap with a plan is trusted more than none.",
        )
    yield PrepQuestion(reading.level.question.format(title=job.title), reading.level.strategy)
    if len(reading.duties) > 1:
        yield PrepQuestion(
            f"How would you spend your first month on this: {_quote(reading.duties[1])}?",
            "Week by week: whom you would listen to, what you would read, the first small thing you would finish. "
            "Ask back what a good first quarter looks like to them.",
        )
    yield PrepQuestion(
        f"Why {job.title}{f' at {job.company}' if job.company else ''}, and why now?",
        "Join one thing you have done to one thing the posting says, then say what you want to be able to do in "
        "two years "
        "that you cannot do yet. Leave praise of the brand out.",
    )
    yield PrepQuestion(
        "Tell us about a piece of work that went wrong. What was your part in it?",
        "Pick a real one with a cost. Own your part in the first sentence, then what you changed so that it did "
        "not come back.",
    )
    yield PrepQuestion(
        f"What would you like to know from us about {job.title}?",
        "Bring three questions: about the team's next six months, about how work is reviewed, about what the "
        "last person found hard.",
    )
