"""What Workday says of one posting, without a network."""

from typing import Any

import pytest

from workers.boards.board import Stub
from workers.boards.workday_posting import PLACES_MAX, is_in, places, posting, requisition


@pytest.mark.parametrize(
    ("path", "bullets", "id"),
    [
        ("/job/Pune/Data-Engineer_ATCI-54-S20-1", ["ATCI-54-S20", "Pune"], "ATCI-54-S20"),
        ("/job/Pune/Data-Engineer_739604WD", [], "739604WD"),
        ("/job/Pune/Data-Engineer_739604WD-2", None, "739604WD"),
        ("/job/Pune/Engineer_REQ-12", None, "REQ-12"),
        ("/job/Pune/Engineer_REQ-14", ["Pune"], "REQ-14"),
        ("/job/Pune/Engineer_REQ-2", [], "REQ-2"),
        ("/job/Pune/Engineer_JR-0012-1", [], "JR-0012"),
        ("/job/Pune/Engineer_R_1022", ["R_1022"], "R_1022"),
        ("/job/Pune/Engineer_R_1022-1", ["Pune", "R_1022"], "R_1022"),
    ],
)
def test_the_id_of_a_requisition(path: str, bullets: Any, id: str) -> None:
    assert requisition(path, bullets) == id


@pytest.mark.parametrize(
    ("country", "info", "here"),
    [
        ("IN", {"jobRequisitionLocation": {"country": {"alpha2Code": "IN"}}}, True),
        ("IN", {"jobRequisitionLocation": {"country": {"alpha2Code": "US"}}, "location": "Indiana"}, False),
        ("IN", {"country": {"descriptor": "India", "id": "another"}}, True),
        ("IN", {"country": {"descriptor": "Indien", "id": "c4f78be1a8f14da0ab49ce1162348a5e"}}, True),
        ("IN", {"country": {"descriptor": "Ireland", "id": "another"}}, False),
        ("IN", {"country": {"descriptor": "Ireland"}, "additionalLocations": ["Pune, India"]}, True),
        ("GB", {"jobRequisitionLocation": {"country": {"alpha2Code": "IN"}}}, False),
        ("GB", {"jobRequisitionLocation": {"country": {"alpha2Code": "gb"}}}, True),
        ("GB", {"country": {"descriptor": "India", "id": "another"}}, True),
        ("IN", {"jobRequisitionLocation": None, "country": "India"}, True),
    ],
)
def test_the_country_of_a_posting(country: str, info: dict[str, Any], here: bool) -> None:
    assert is_in(country, info) is here


def test_an_address_that_is_none_of_the_web_is_not_passed_on() -> None:
    stub = Stub("1", "A", "https://jobs.example.com/Careers/job/A_1")
    found = posting({"externalUrl": "javascript:alert(1)", "title": None}, stub)
    assert (found.title, found.url, found.apply_url) == ("A", stub.url, f"{stub.url}/apply")


def test_only_so_many_places_are_read() -> None:
    told = [f"Town {number}" for number in range(PLACES_MAX + 9)]
    assert len(places({"location": "Pune", "additionalLocations": told})) == 1 + PLACES_MAX
