"""A remark for pay that no posting names and for firms that nobody looked up; silence for all else."""

import pytest

from chatserver.core.claims import remark

JOBS = {
    1: "Senior Auditor at Alpha in Pune. Pay: ₹12,00,000 a year, 10% bonus. 5+ years of Ind AS. A client is KPMG.",
    2: "Risk Analyst. Salary $120k. Models risk for 40 banks.",
}
HEARD = "I earn 9 LPA and want 15 lakh. I cut costs by 30% at EY."


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ("[J1] pays ₹25 lakh a year.", ["[J1]", "₹25 lakh"]),
        ("[J1] pays 40 LPA.\n\n[J2] pays $120,000.", ["[J1]", "40 LPA"]),
        ("[J2] pays USD 200k and 50% more in spring.", ["USD 200k", "50%"]),
        ("Your match with [J2] is 93%.", ["93%"]),
        ("[J1] pays 3.14159265358979 lakh.", ["“3.14159265358979 lakh”"]),
        ("Deloitte is hiring auditors in Pune too.", ["Deloitte"]),
        ("Deloitte and PwC pay better than [J1].", ["Deloitte", "PwC"]),
    ],
)
def test_what_was_not_read_is_said_to_be_a_guess(said: str, about: list[str]) -> None:
    added = remark(said, JOBS, HEARD)
    for part in about:
        assert part in added


@pytest.mark.parametrize(
    "said",
    [
        "[J1] pays ₹12,00,000 a year, that is 12 lakh or 12 LPA, with a 10 % bonus.",
        "[J2] pays $120k, so $120,000; they model risk for 40 banks.",
        "You want ₹15 lakh, and [J1] may get you there. You earn 9 LPA now.",
        "You cut costs by 30%: say so for [J2].",
        "Ask for 20% more than now, whatever the job.",
        "[J1] asks for 5+ years. They are a client of KPMG. You worked at EY.",
        "Prepare three stories, 2 minutes each, for [J1]. They eye your Ind AS.",
        "Compare [J1] with [J2]: one of them is 50% further away.",
        "",
    ],
)
def test_what_stands_in_the_texts_or_names_no_single_job_is_let_be(said: str) -> None:
    assert remark(said, JOBS, HEARD) == ""


def test_remarks_have_a_bound() -> None:
    assert remark(" ".join(f"[J1] pays ₹{n} crore." for n in range(50, 90)), JOBS, "").count("guess") == 3
