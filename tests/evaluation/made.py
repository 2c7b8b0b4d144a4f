"""Resumes made of an occupation's tasks and titles: said in other words, in the past, with other things around them."""

import random
import re
from collections.abc import Sequence

from tests.evaluation.occupations import Occupation

SAID_OTHERWISE = {
    "prepare": "put together|compile", "determine": "work out|establish", "ensure": "see to|make sure of",
    "monitor": "keep an eye on|watch", "maintain": "keep up|look after", "review": "go through|look over",
    "develop": "build up|create", "evaluate": "judge|weigh up", "analyze": "study|look into",
    "examine": "look at|inspect", "conduct": "carry out|run", "provide": "give|offer", "perform": "do|carry out",
    "coordinate": "bring together|organise",
    "supervise": "lead|oversee", "direct": "lead|steer", "operate": "run|work", "install": "fit|set up",
    "repair": "mend|fix", "inspect": "check|go over", "assist": "help|support", "recommend": "propose|suggest",
    "design": "draw up|devise", "implement": "put into practice|roll out", "communicate": "speak|keep in touch",
    "confer": "talk|consult", "explain": "make clear|set out", "record": "note|write down", "select": "choose|pick",
    "test": "try out|check", "measure": "take measurements of|gauge", "calculate": "work out|compute",
    "research": "investigate|read up on", "train": "teach|coach", "plan": "lay out|schedule",
    "manage": "run|take care of", "identify": "find|spot", "collect": "gather|bring in", "obtain": "get|procure",
    "write": "draft|author", "verify": "confirm|double-check", "adjust": "set|fine-tune", "remove": "take out|strip",
    "clean": "wash|tidy", "interview": "meet|question", "negotiate": "bargain over|agree", "resolve": "settle|sort out",
    "employees": "staff|workers", "personnel": "staff|people", "equipment": "gear|plant",
    "procedures": "routines|ways of working", "materials": "supplies|stock", "data": "figures|facts",
    "information": "details|facts", "reports": "write-ups|summaries", "problems": "troubles|faults",
    "customers": "clients|buyers", "clients": "customers|accounts", "patients": "people in care|the sick",
    "students": "pupils|learners", "activities": "work|doings", "requirements": "needs|demands",
    "services": "help|offerings", "standards": "norms|rules", "policies": "rules|guidelines",
    "regulations": "rules|laws", "specifications": "specs|given values", "systems": "set-ups|installations",
    "methods": "ways|approaches", "techniques": "methods|skills", "products": "goods|articles",
    "appropriate": "right|fitting", "various": "several|different", "necessary": "needed|required",
    "existing": "present|current", "effective": "useful|good", "related": "connected|linked",
    "organization": "company|firm",
}  # fmt: skip
IRREGULAR = {
    "write": "wrote", "give": "gave", "run": "ran", "keep": "kept", "lead": "led", "make": "made", "build": "built",
    "draw": "drew", "speak": "spoke", "teach": "taught", "get": "got", "set": "set", "put": "put", "cut": "cut",
    "feed": "fed", "hold": "held", "take": "took", "find": "found", "choose": "chose", "bring": "brought", "go": "went",
    "meet": "met", "see": "saw", "do": "did", "read": "read", "sell": "sold", "grow": "grew", "plan": "planned",
    "strip": "stripped", "spot": "spotted", "fit": "fitted", "drive": "drove", "lay": "laid", "send": "sent",
    "oversee": "oversaw", "buy": "bought", "tell": "told", "stop": "stopped",
}  # fmt: skip
_ASIDE = re.compile(r",? (?:such as|including|using|according to|to ensure|in order to|based on)\b.*$")
STYLES = ("{}.", "- {}", "Responsible for: {};", "* {}")
PERIODS = ("2011 - 2014", "since 2018", "3 years", "June 2015 to date", "14 months")
RANKS = ("Senior ", "", "Assistant ", "", "")
NO_TITLE = ("Present job", "Second employer", "Team member", "Work done")


def past(verb: str) -> str:
    if verb in IRREGULAR:
        return IRREGULAR[verb]
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if re.search("[^aeiou]y$", verb) else f"{verb}ed"


def in_other_words(task: str, chance: random.Random) -> str:
    """ "Prepare reports of data, such as …" becomes "- put together write-ups of figures"."""

    def other(word: str) -> str:
        known = SAID_OTHERWISE.get(word.lower())
        return chance.choice(known.split("|")) if known and chance.random() < 0.85 else word

    said = task.rstrip(".")
    if chance.random() < 0.6:
        said = _ASIDE.sub("", said)
    first, _, rest = said.partition(" ")
    verb, _, particle = other(first.lower().strip(",")).partition(" ")
    rest = re.sub(r"^or (\w+)", lambda found: f"and {past(found[1])}", rest)
    words = [past(verb), *([particle] if particle else []), *map(other, rest.split())]
    return chance.choice(STYLES).format(" ".join(words))


def surrounded(lines: Sequence[str], padding: tuple[Sequence[str], Sequence[str]], chance: random.Random) -> str:
    """With what every resume has, most of it in front, and with what it says of employers in between."""
    people, employers = padding
    lines = list(lines)
    for said in chance.sample(employers, chance.choice((2, 3, 4))):
        lines.insert(chance.randrange(len(lines) + 1), said)
    around = chance.sample(people, chance.choice((4, 6, 8)))
    front = chance.choice((3, 5, 7))
    return "\n".join((*around[:front], *lines, *around[front:]))


def made_resume(
    of: Occupation, other: Occupation, titles: Sequence[str], padding: tuple[Sequence[str], Sequence[str]],
    chance: random.Random,
) -> str:  # fmt: skip
    """From those tasks that the job does not tell; half of them begin with a few of another trade."""
    tasks = list(of.tasks_of_resumes)
    chance.shuffle(tasks)
    half = (len(tasks) + 1) // 2
    lines: list[str] = []
    if chance.random() < 0.5:
        lines.append("At first, a short time in another trade:")
        lines += [in_other_words(task, chance) for task in other.tasks_of_resumes[:2]]
    for part in (tasks[:half], tasks[half:]):
        has_title = titles and chance.random() < 0.7
        head = f"{chance.choice(RANKS)}{chance.choice(titles)}" if has_title else chance.choice(NO_TITLE)
        lines += [f"{head}, {chance.choice(PERIODS)}", *(in_other_words(task, chance) for task in part)]
    return surrounded(lines, padding, chance)
