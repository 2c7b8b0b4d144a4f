"""The sets of the evaluation: resumes made of occupations, and resumes written by hand, with the jobs that fit them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tests.evaluation.made import made_resume, surrounded
from tests.evaluation.occupations import Occupation, chance_for, padding, written_resumes
from tests.evaluation.ways import Text


@dataclass(frozen=True, slots=True)
class Query:
    """A resume, and the places of the jobs that fit it. `held_out` are those that no weight is chosen by."""

    text: str
    fitting: frozenset[int]
    held_out: bool


def jobs_of(occupations: Sequence[Occupation]) -> list[Text]:
    return [Text(one.title, one.job_description) for one in occupations]


def made(
    occupations: Sequence[Occupation], places: Sequence[int], known_titles: Sequence[Collection[str]]
) -> list[Query]:
    """A resume for each of these places; what O*NET calls most like its occupation fits as well.

    Its titles are none of `known_titles`, by place: those that the job's vector has in it.
    """
    found = []
    for place in places:
        one = occupations[place]
        chance = chance_for("made", one.code)
        titles = [title for title in one.reported_titles if title not in known_titles[place]]
        text = made_resume(one, chance.choice(occupations), titles, padding(), chance)
        found.append(Query(text, frozenset((place, *one.related)), place % 2 == 1))
    return found


def written(occupations: Sequence[Occupation], times: int) -> list[Query]:
    """Each resume as often, every time among other things."""
    places = {one.code: place for place, one in enumerate(occupations)}
    found = []
    for number, (codes, text) in enumerate(written_resumes()):
        fitting = frozenset(places[code] for code in codes)
        for time in range(times):
            longer = surrounded(text.split("\n"), padding(), chance_for("written", number, time))
            # Two by two they are of one trade.
            found.append(Query(longer, fitting, number // 2 % 2 == 1))
    return found


def of_one_trade() -> tuple[list[str], list[Query]]:
    """Resumes to be found, and for each another one of the same trade to find it by, itself left out."""
    resumes = written_resumes()
    shelf = [
        surrounded(text.split("\n"), padding(), chance_for("shelf", number)) for number, (_, text) in enumerate(resumes)
    ]
    found = []
    for number, (codes, text) in enumerate(resumes):
        fitting = frozenset(other for other, (theirs, _) in enumerate(resumes) if theirs == codes and other != number)
        asked = surrounded(text.split("\n"), padding(), chance_for("trade", number))
        found.append(Query(asked, fitting, number // 2 % 2 == 1))
    return shelf, found
