"""Blending, mixing, and reasons that stand in both texts word for word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core import matching
from chatserver.core.matching import (
    LEXICAL_WEIGHT,
    LEXICAL_WEIGHT_FOREIGN,
    PASSAGE_MAX_CHARACTERS,
    PASSAGES_MAX,
    REASONS_MAX,
    SKILLS_SHOWN_MAX,
    blend,
    explain,
    mix,
)
from chatserver.core.ports import DIMENSIONS, Vector


def axis(place: int) -> Vector:
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    vector[place] = 1.0
    return vector


def test_a_blend_lies_midway_between_the_means_of_its_parts() -> None:
    chunks, focus = np.stack([axis(0), axis(0), axis(1)]), np.stack([axis(2) * 7])
    blended = blend(chunks, focus)
    mean = (2 * axis(0) + axis(1)) / np.sqrt(5)
    assert blended.dtype == np.float32
    assert blended == pytest.approx((mean + axis(2)) / np.sqrt(2), abs=1e-6)
    assert blend(chunks, focus, np.stack([axis(3)])) == pytest.approx((mean + axis(2) + axis(3)) / np.sqrt(3), abs=1e-6)


def test_a_part_without_vectors_does_not_count() -> None:
    chunks = np.stack([axis(0), axis(1)])
    assert blend(chunks, chunks[:0]) == pytest.approx((axis(0) + axis(1)) / np.sqrt(2), abs=1e-6)


def test_nothing_blends_to_nothing_and_not_to_nan() -> None:
    assert not blend(np.zeros((2, DIMENSIONS), dtype=np.float32)).any()


def test_mixing_weighs_the_words_against_the_meaning() -> None:
    # One candidate is as far ahead in meaning as the other is in words.
    assert mix([1.0, 0.0], [0.0, 30.0], 0.4) == pytest.approx([0.6, -0.6])
    assert LEXICAL_WEIGHT < LEXICAL_WEIGHT_FOREIGN, "the model knows English best"


def test_what_does_not_tell_candidates_apart_does_not_count() -> None:
    assert mix([0.5, 0.5, 0.5], [3.0, 2.0, 1.0], 0.4) == pytest.approx(mix([0.0, 0.0, 0.0], [3.0, 2.0, 1.0], 0.4))
    assert mix([0.4], [2.0], 0.4) == [0.0]
    assert mix([], [], 0.4) == []


RESUME = """Asha Rao
asha.rao@example.com, mail about Kafka pipelines
Built streaming pipelines from Kafka to PostgreSQL.
Wrote advanced Excel models; led a team of four.
I excel at access to data"""
JOB = """You will build streaming pipelines with Kafka and Spark.
Mail about Kafka pipelines reaches us.
We ask for SQL, Excel and Access."""


def test_skills_of_the_job_are_matched_or_missing() -> None:
    why = explain(RESUME, ["Kafka", "PostgreSQL"], JOB, ["Kafka", "Apache Spark", "Excel", "Access", "Kafka"])
    assert (why.matched, why.missing) == (("Kafka", "Excel"), ("Apache Spark", "Access"))


def test_a_skill_that_the_gazetteer_does_not_know_is_found_in_the_resume_itself() -> None:
    why = explain("Wrote Elixir and sap.", [], "", ["elixir", "SAP"])
    assert (why.matched, why.missing) == (("elixir",), ("SAP",))


def test_reasons_are_the_passages_that_share_most_and_none_that_identifies_a_person() -> None:
    why = explain(RESUME, ["Kafka"], JOB, ["Kafka"])
    assert why.reasons[0].resume == "Built streaming pipelines from Kafka to PostgreSQL"
    assert why.reasons[0].job == "You will build streaming pipelines with Kafka and Spark"
    assert not any("@" in reason.resume for reason in why.reasons)


def test_a_passage_that_identifies_somebody_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def redacted(passage: str) -> str:
        judged.append(passage)
        return "[phone]"

    monkeypatch.setattr(matching, "redact", redacted)
    mine = "\n".join(f"Kafka pipelines {number}, 98450 {number}" for number in range(10_000, 10_050))
    theirs = "\n".join(f"Kafka pipelines wanted {number}" for number in range(50))
    assert explain(mine, [], theirs, []).reasons == ()
    assert len(judged) == len(set(judged)) == 50


def test_a_wrapped_sentence_is_one_passage() -> None:
    why = explain("Built ledgers in Kafka\nand queues in Redis", [], "Kafka ledgers wanted", [])
    assert [reason.resume for reason in why.reasons] == ["Built ledgers in Kafka\nand queues in Redis"]


def test_texts_that_share_nothing_give_no_reason() -> None:
    assert explain("Painted houses in oil.", [], "Audit of banks wanted.", []).reasons == ()
    assert explain("", [], "", []).reasons == ()


def test_long_lists_and_long_texts_are_bounded() -> None:
    skills = [f"Skill {letter}{n}" for letter in "ab" for n in range(SKILLS_SHOWN_MAX)]
    why = explain("kafka pipelines " * 5000, [], "kafka pipelines " * 5000, skills)
    assert len(why.missing) == SKILLS_SHOWN_MAX
    assert all(len(reason.resume) <= PASSAGE_MAX_CHARACTERS for reason in why.reasons)
    far = "".join(f"Line {n} of words.\n" for n in range(PASSAGES_MAX)) + "Kafka pipelines at the end."
    assert explain(far, [], "Kafka pipelines wanted", []).reasons == ()


def test_texts_that_repeat_one_word_without_end_are_compared_no_further_than_the_bound() -> None:
    mine = "".join(f"Audit bank {n}x\n" for n in range(PASSAGES_MAX))
    theirs = "".join(f"Audit bank {n}y\n" for n in range(PASSAGES_MAX))
    assert explain(mine, [], theirs, []).reasons == ()


WORDS = st.sampled_from(
    ["Audit", "banks", "Kafka", "pipelines", "C++", "wrote", "the", "e.g.", "3.5", "Münster", "監査"]
)
ENDS = st.sampled_from([" ", " ", " ", ". ", ", ", "\n", ";", " • ", "! ", "\n\n"])
TEXTS = st.lists(st.tuples(WORDS, ENDS), max_size=60).map(lambda pairs: "".join(word + end for word, end in pairs))


@given(TEXTS | st.text(), TEXTS | st.text())
def test_every_reason_stands_in_both_texts_word_for_word(resume: str, job: str) -> None:
    why = explain(resume, ["Kafka"], job, ["Kafka", "C++"])
    assert len(why.reasons) <= REASONS_MAX
    for reason in why.reasons:
        assert reason.resume in resume
        assert reason.job in job
        assert 0 < len(reason.resume) <= PASSAGE_MAX_CHARACTERS
        assert 0 < len(reason.job) <= PASSAGE_MAX_CHARACTERS
    assert len({reason.resume for reason in why.reasons}) == len(why.reasons)
