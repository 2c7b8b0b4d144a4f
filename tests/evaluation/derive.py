"""Derives the evaluation's file from the O*NET database: `python -m tests.evaluation.derive FOLDER`."""

import random
import re
import sys
from pathlib import Path

from chatserver.data.derive import occupation_texts, pack, rows

HERE = Path(__file__).parent
TASKS_MAX = 12
_ASIDE = re.compile(r"\s*\([^)]*\)")


def derive(source: Path, target: Path) -> None:
    """A line for each occupation: code, title, description, the places of those like it, reported titles, tasks."""
    texts = occupation_texts(source)
    places = {code: str(place) for place, code in enumerate(texts)}
    related: dict[str, list[str]] = {}
    for row in rows(source / "Related Occupations.txt"):
        if row["Relatedness Tier"] == "Primary-Short" and row["Related O*NET-SOC Code"] in places:
            related.setdefault(row["O*NET-SOC Code"], []).append(places[row["Related O*NET-SOC Code"]])
    reported: dict[str, list[str]] = {}
    for row in rows(source / "Sample of Reported Titles.txt"):
        reported.setdefault(row["O*NET-SOC Code"], []).append(_ASIDE.sub("", row["Reported Job Title"]).strip())
    chance = random.Random(1)
    lines = []
    for code, (title, description, *tasks) in texts.items():
        some = chance.sample(tasks, min(len(tasks), TASKS_MAX))
        titles = "|".join(reported.get(code, ()))
        lines.append("\t".join((code, title, description, " ".join(related.get(code, ())), titles, *some)))
    pack(target / "occupations.txt.gz", lines)


if __name__ == "__main__":
    derive(Path(sys.argv[1]), HERE)
