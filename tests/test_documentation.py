"""The pages say what the code does: every frame, field, code, setting, command and attribution."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from chatserver.core import protocol
from chatserver.core.errors import CODES
from chatserver.settings import Settings

ROOT = Path(__file__).parent.parent
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
README = (ROOT / "README.md").read_text()


def rows(union: Any) -> list[str]:
    found = []
    for frame in get_args(union):
        told: Any = msgspec.inspect.type_info(frame)
        named = [f"`{one.encode_name}`{'' if one.required else '?'}" for one in told.fields if one.encode_name != "ref"]
        found.append(f"| `{told.tag}` | {', '.join(named) or '–'} |")
    return found


@pytest.mark.parametrize("row", [*rows(protocol.AnyClientFrame), *rows(protocol.AnyServerFrame)])
def test_every_frame_is_described_field_by_field(row: str) -> None:
    assert row in PROTOCOL


def test_no_frame_is_described_that_there_is_not() -> None:
    described = re.findall(r"^\| `(\w+)` \| (?:`|–)", PROTOCOL, re.MULTILINE)
    assert len(described) == len(get_args(protocol.AnyClientFrame)) + len(get_args(protocol.AnyServerFrame))


def test_every_error_and_close_code_is_described() -> None:
    assert re.findall(r"^\| `(\w+)` \| [a-z]", PROTOCOL, re.MULTILINE) == list(CODES)
    described = {
        int(number) for row in re.findall(r"^\| ([\d, ]+) \|", PROTOCOL, re.MULTILINE) for number in row.split(",")
    }
    assert described >= {value for name, value in vars(protocol).items() if name.startswith("CLOSE_")}


def test_every_setting_is_in_the_readme() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", README))
    wanted = {one.name.upper() for one in fields(Settings)}
    assert named == wanted | {"PORT"}


def test_links_in_the_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
