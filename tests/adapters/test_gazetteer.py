"""The gazetteer as it is shipped, and how its files come from O*NET's."""

import gzip
from pathlib import Path

import pytest

from chatserver.adapters import gazetteer as files
from chatserver.adapters.gazetteer import DATA, load_gazetteer, own_skills
from chatserver.core.gazetteer import Gazetteer
from chatserver.data.derive import derive

RESUME = """Meera Iyer
Senior Software Engineer / Data Scientist
Skills: Python, R, Go, C++, Node.js, SAP FICO, S/4HANA, MS Excel, Tally Prime, goods and services tax, IndAS
Chartered Accountant (CA). Statutory audits under US GAAP, transfer pricing, K8s and PowerBI.
I excel at access to data and go to market with a plan and a project."""


def test_titles_and_skills_of_a_resume(gazetteer: Gazetteer) -> None:
    assert gazetteer.titles(RESUME) == ["Software Engineer", "Data Scientist", "Accountant"]
    assert gazetteer.skills(RESUME) == [
        "Python", "R", "Go", "C++", "Node.js", "SAP FICO", "SAP S/4HANA", "Microsoft Excel", "Tally", "GST", "Ind AS",
        "Chartered Accountant", "Statutory Audit", "US GAAP", "Transfer Pricing", "Kubernetes", "Power BI",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "skill",
    ["Audit", "Tax", "Consulting", "Python", "GST", "Ind AS", "SAP FICO", "SAP MM", "SAP SD", "SAP ABAP", "ITGC", "SOX",
     "Transfer Pricing", "Due Diligence", "Java", "Power BI", "AWS", "Communication"],
)  # fmt: skip
def test_ordinary_skills_that_onet_lacks_are_known(gazetteer: Gazetteer, skill: str) -> None:
    assert gazetteer.skills(f"knows {skill.lower()} well") == [skill]


def test_no_name_of_our_own_list_has_two_meanings() -> None:
    lines = [
        [part.strip() for part in line.split("|")]
        for line in (DATA / "own_skills.txt").read_text(encoding="utf-8").splitlines()
    ]
    written = [name.casefold() for line in lines for name in line]
    assert sorted({name for name in written if written.count(name) > 1}) == []
    assert len(own_skills()) > 500


def test_the_files_are_what_is_shipped_of_onet_and_say_where_they_come_from() -> None:
    notice = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for words in ("O*NET 27.0", "U.S. Department of Labor", "CC BY 4.0", "modified"):
        assert words in notice
    for name, most_bytes in (("titles.txt.gz", 350_000), ("skills.txt.gz", 100_000), ("words.txt.gz", 50_000)):
        assert name in notice
        assert (DATA / name).stat().st_size < most_bytes


def test_a_file_larger_than_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILE_MAX_CHARACTERS", 1000)
    with pytest.raises(ValueError, match="larger than it may be"):
        load_gazetteer()


TABLES = {
    "Alternate Titles.txt": (
        "O*NET-SOC Code\tAlternate Title\tShort Title\tSource(s)",
        "11-1011.00\tChief Diversity Officer (CDO)\tCDO\t08",
        "11-1011.00\tFull-Stack Developer\tn/a\t08",
        "11-1011.00\tFull-Stack Developers\tn/a\t08",
        "11-1011.00\tCook\tn/a\t08",
    ),
    "Sample of Reported Titles.txt": (
        "O*NET-SOC Code\tReported Job Title\tShown in My Next Move",
        "11-1011.00\tManaging Director (MD)\tN",
    ),
    "Occupation Data.txt": (
        "O*NET-SOC Code\tTitle\tDescription",
        "11-1011.00\tChief Executives\tDetermine and formulate policies and notes.",
    ),
    "Task Statements.txt": ("O*NET-SOC Code\tTask ID\tTask", "11-1011.00\t1\tDrive the word of the project."),
    "Technology Skills.txt": (
        "O*NET-SOC Code\tExample\tCommodity Code\tCommodity Title\tHot Technology",
        "11-1011.00\tMicrosoft Word\t1\tWord processing software\tY",
        "11-1011.00\tMicrosoft Visio\t1\tGraphics software\tY",
        "11-1011.00\tNotes software\t1\tNotes\tN",
        "11-1011.00\tEnterprise resource planning (ERP) system\t1\tERP\tN",
        "11-1011.00\t\"Quoted\" tool\t1\tQuotes\tN",
    ),
}  # fmt: skip


def lines(file: Path) -> list[str]:
    return gzip.decompress(file.read_bytes()).decode().split("\n")


def test_names_are_taken_out_of_onets_tables(tmp_path: Path) -> None:
    for name, rows in TABLES.items():
        (tmp_path / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    derive(tmp_path, tmp_path)
    assert lines(tmp_path / "titles.txt.gz") == [
        "CDO\t\t0", "Chief Diversity Officer\t\t0", "Chief Executives\t\t0",
        "Full-Stack Developer\tfull stack developer\t0", "Managing Director\t\t0",
    ]  # fmt: skip
    assert lines(tmp_path / "skills.txt.gz") == [
        "Enterprise resource planning", "ERP", "Microsoft Visio", "Microsoft Word", '"Quoted"\tquoted', "Visio",
    ]  # fmt: skip
    first = (tmp_path / "titles.txt.gz").read_bytes()
    derive(tmp_path, tmp_path)
    assert (tmp_path / "titles.txt.gz").read_bytes() == first
