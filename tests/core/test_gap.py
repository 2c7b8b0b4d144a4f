"""What is said about the gap between a resume and a job."""

from chatserver.core.gap import ADVICE_MAX, advice

TIPS = ("Name the ledgers you closed with SAP.", "Show numbers.", "Say which teams you led.")


def test_the_jobs_own_tips_come_first_and_what_they_leave_out_follows() -> None:
    said = advice(["SAP", "Power BI"], ["Excel"], TIPS)
    assert said[0] == TIPS[0]
    assert said[1].startswith("Power BI is asked for")
    assert "beside Excel" in said[1]
    assert len(said) == 2


def test_a_name_inside_another_word_is_not_that_name() -> None:
    (said,) = advice(["R"], [], ("Read the report.",))
    assert said.startswith("R is asked for")


def test_with_nothing_missing_the_tips_stand_and_there_is_an_end() -> None:
    assert advice([], ["SAP"], TIPS) == TIPS
    assert len(advice([f"Skill {number}" for number in range(20)], [], TIPS)) == ADVICE_MAX
