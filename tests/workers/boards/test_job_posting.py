"""schema.org blocks as sites write them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from workers.boards import job_posting as module
from workers.boards.board import Found
from workers.boards.job_posting import job_posting

TEXT = "<p>You will bring the kites down before the storm, and explain to children why.</p>"
PLAIN = "You will bring the kites down before the storm, and explain to children why."


def block(**said: Any) -> dict[str, Any]:
    return {"@context": "https://schema.org", "@type": "JobPosting", "title": "Kite Warden", "description": TEXT} | said


def at(locality: Any, country: Any = None, **said: Any) -> dict[str, Any]:
    return {"@type": "Place", "address": {"addressLocality": locality, "addressCountry": country}} | said


def read(*blocks: Any, id: str = "") -> Found | None:
    """Of a page with these blocks; strings stand in it as they are."""
    scripts = (entry if isinstance(entry, str) else json.dumps(entry) for entry in blocks)
    html = "".join(f'<script nonce="x" type="application/ld+json">{script}</script>' for script in scripts)
    return job_posting(LexborHTMLParser(f"<html><head>{html}</head><body></body></html>"), id)


def one(*blocks: Any, id: str = "") -> Found:
    found = read(*blocks, id=id)
    assert found is not None
    return found


def test_a_whole_posting() -> None:
    found = one(
        block(
            identifier={"@type": "PropertyValue", "name": "Kites Ltd", "value": 4711},
            datePosted="2026-11-06T00:00:00+01:00", validThrough="2026-12-31",
            hiringOrganization={"@type": "Organization", "name": "Kites &amp; Co"},
            jobLocation=at("Pune", "IN"),
            url="https://jobs.example.com/4711",
        )
    )  # fmt: skip
    assert found == Found(
        "Kite Warden", PLAIN, "Pune, IN", "Kites & Co", datetime(2026, 11, 6, tzinfo=UTC),
        datetime(2026, 12, 31, tzinfo=UTC), "https://jobs.example.com/4711", None, "4711", "en",
    )  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        {"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, block()]},
        [{"@type": "Organization"}, [block()]],
        {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": block()}]},
        {"@type": "WebPage", "mainEntity": block()},
        block() | {"@type": ["Thing", "JobPosting"]},
        block() | {"@type": "http://schema.org/JobPosting"},
        "<!--\n" + json.dumps(block()) + "\n-->",
        "//<![CDATA[\n" + json.dumps(block()) + ";\n//]]>",
        json.dumps(block())[:-1] + ",}",
        json.dumps(block()).replace("before", "before\n\t"),
    ],
)
def test_it_is_found_wherever_it_stands(shape: Any) -> None:
    found = one(shape)
    assert (found.title, found.description) == ("Kite Warden", PLAIN)


@pytest.mark.parametrize(
    "shape",
    ["", "{", "null", "[[[", '{"@type": "JobPosting"', {"@type": "Person"}, {"@type": None}, "[" * 100_000,
     "1" * 5_000],
)  # fmt: skip
def test_what_is_none_is_skipped(shape: Any) -> None:
    assert read(shape) is None
    assert one(shape, block()).title == "Kite Warden"


def test_of_several_the_one_that_knows_the_posting_is_taken() -> None:
    own = block(identifier={"value": "12"}, title="Own")
    other = block(identifier={"value": "34"}, title="Other", description=TEXT * 3)
    assert one(other, own, id="12").title == "Own"
    assert one(other, block(url="https://jobs.example.com/kites/12", title="Own"), id="12").title == "Own"
    assert one(other, own, id="1").title == "Other"


def test_a_block_with_a_null_identifier_only_fills_gaps() -> None:
    inner = block(
        identifier=None,
        title="KW-INTERNAL-27",
        description=TEXT * 3,
        datePosted="2026-01-01",
        validThrough="2026-12-31",
    )
    outer = block(identifier={"value": "12"}, datePosted="2026-11-06")
    for found in (one(inner, outer), one(outer, inner)):
        assert (found.title, found.description) == ("Kite Warden", PLAIN)
        assert found.posted_at == datetime(2026, 11, 6, tzinfo=UTC)
        assert found.closes_at == datetime(2026, 12, 31, tzinfo=UTC)
    assert one(inner).title == "KW-INTERNAL-27"
    assert one(inner).requisition is None


def test_other_postings_on_the_page_fill_nothing() -> None:
    found = one(block(identifier="12"), block(identifier="34", datePosted="2026-11-06"), id="12")
    assert found.posted_at is None


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (at("Pune", {"@type": "Country", "name": ["India", "India"]}), "Pune, India"),
        ([at("Pune"), at("Kochi"), at("Pune")], "Pune; Kochi"),
        ([at("Reno", name="Reno, NV"), at("Reno", name="Bend, OR")], "Reno, NV; Bend, OR"),
        (at("Singapore", "Singapore"), "Singapore"),
        ({"address": "Rue 1, Lyon"}, "Rue 1, Lyon"),
        ({"name": "Tower 4"}, "Tower 4"),
        ("Pune, India", "Pune, India"),
        (at("Multiple Locations", "IN"), "IN"),
        (at("3 Locations"), None),
        (at(None), None),
        (None, None), ([], None), (7, None),
    ],
)  # fmt: skip
def test_places(places: Any, said: str | None) -> None:
    assert one(block(jobLocation=places)).location == said


@pytest.mark.parametrize(
    ("where", "said"),
    [({"@type": "Country", "name": "India"}, "Remote, India"), (None, "Remote"),
     ([{"name": "India"}, {"name": "Nepal"}], "Remote, India; Remote, Nepal")],
)  # fmt: skip
def test_work_from_anywhere(where: Any, said: str) -> None:
    assert one(block(jobLocationType="TELECOMMUTE", applicantLocationRequirements=where)).location == said


def test_texts_that_stand_beside_the_description() -> None:
    found = one(block(responsibilities="<ul><li>Strings</li></ul>", qualifications=["Calm", "Tall"], skills=PLAIN))
    assert found.description == f"{PLAIN}\n\nResponsibilities\n\n- Strings\n\nQualifications\n\nCalm\nTall"


def test_a_title_is_no_description() -> None:
    assert one(block(description="<p>Kite  Warden</p>")).description == ""


def test_breaks_that_were_escaped_too_often() -> None:
    found = one(block(description="\\n\\n<strong>Your day</strong>\\n \\r\\n<p>Open C:\\new and see.</p>"))
    assert found.description == "Your day\n\nOpen C:\\new and see."


@pytest.mark.parametrize("odd", [True, {"a": 1}, [], "", None, 10**400, float("nan")])
def test_odd_values_stop_nothing(odd: Any) -> None:
    found = one(
        block(identifier=odd, datePosted=odd, hiringOrganization=odd, jobLocation=odd, url=odd, responsibilities=odd)
    )
    assert found.title == "Kite Warden"
    assert found.url is None


def test_nesting_has_an_end() -> None:
    deep: Any = block()
    for _ in range(module.DEPTH_MAX):
        deep = [deep]
    assert read(deep) is None
    name: Any = "Pune"
    for _ in range(module.DEPTH_MAX + 2):
        name = {"name": name}
    assert one(block(jobLocation=at(name))).location is None


def test_blocks_postings_and_places_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCKS_MAX", 2)
    monkeypatch.setattr(module, "POSTINGS_MAX", 2)
    monkeypatch.setattr(module, "PLACES_MAX", 2)
    assert read({}, {}, block()) is None
    assert one([block(), block(), block(identifier="12", title="Third")], id="12").title == "Kite Warden"
    assert one(block(jobLocation=["A", "B", "C"])).location == "A; B"
    monkeypatch.setattr(module, "BLOCK_MAX_CHARACTERS", 100)
    assert read(block()) is None
