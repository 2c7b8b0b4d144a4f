"""What a job may say."""

import hashlib

import pytest

from chatserver.core.draft import (
    COMPANY_MAX_CHARACTERS,
    LOCATION_MAX_CHARACTERS,
    SKILL_MAX_CHARACTERS,
    URL_MAX_CHARACTERS,
    JobChanges,
    JobDraft,
    description_hash,
)  # fmt: skip
from chatserver.core.errors import Refused
from chatserver.core.job import DESCRIPTION_MAX_CHARACTERS, SKILLS_MAX, TITLE_MAX_CHARACTERS


def test_a_draft_is_tidied_and_its_description_is_left_alone() -> None:
    draft = JobDraft(
        "  Auditor ", " Audits\r\nbanks. ", (" SQL ", "sql", "", "Ind  AS"), " Alpha  Ltd ", "", " https://a.example/x "
    )
    assert draft.checked() == JobDraft(
        "Auditor", " Audits\r\nbanks. ", ("SQL", "Ind AS"), "Alpha Ltd", None, "https://a.example/x"
    )


@pytest.mark.parametrize(
    ("draft", "about"),
    [
        (JobDraft(" ", "text"), "title is missing"),
        (JobDraft("t" * (TITLE_MAX_CHARACTERS + 1), "text"), "shorten it to 300"),
        (JobDraft("title", ""), "description_raw is missing"),
        (JobDraft("title", "d" * (DESCRIPTION_MAX_CHARACTERS + 1)), "shorten it to 100,000"),
        (JobDraft("title", "a\x00b"), "U+0000"),
        (JobDraft("title", "a\ud800b"), "cannot be stored"),
        (JobDraft("title", "text", ("s",) * (SKILLS_MAX + 1)), "name the 50"),
        (JobDraft("title", "text", ("s" * (SKILL_MAX_CHARACTERS + 1),)), "shorten it to 100"),
        (JobDraft("title", "text", company_name="c" * (COMPANY_MAX_CHARACTERS + 1)), "company_name"),
        (JobDraft("title", "text", location="l" * (LOCATION_MAX_CHARACTERS + 1)), "location"),
        (JobDraft("title", "text", external_apply_url="javascript:alert(1)"), "not a web address"),
        (JobDraft("title", "text", external_apply_url="https://"), "not a web address"),
        (JobDraft("title", "text", external_apply_url="https://jobs.example.com@evil.example/a"), "not a web address"),
        (JobDraft("title", "text", external_apply_url="http://[::1"), "not a web address"),
        (JobDraft("title", "text", external_apply_url="https://a.example/" + "x" * URL_MAX_CHARACTERS), "shorten"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(draft: JobDraft, about: str) -> None:
    with pytest.raises(Refused, match=about.replace("+", r"\+")) as refused:
        draft.checked()
    assert refused.value.code == "bad_content"


def test_an_edit_names_what_it_changes_and_can_take_things_away() -> None:
    assert JobChanges(title=" New ", location="", skills_required=()).checked() == {
        "title": "New", "location": None, "skills_required": (),
    }  # fmt: skip
    with pytest.raises(Refused, match="Nothing to change"):
        JobChanges().checked()
    with pytest.raises(Refused, match="title is missing"):
        JobChanges(title=" ").checked()


def test_the_hash_is_of_the_description_in_utf8() -> None:
    assert description_hash("Prüfer – ₹") == hashlib.sha256("Prüfer – ₹".encode()).hexdigest()
