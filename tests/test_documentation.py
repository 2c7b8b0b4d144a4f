"""The pages say what the code does: every frame, field, code, setting, command and attribution."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from chatserver.core import limits, protocol
from chatserver.core.client_frames import AnyClientFrame
from chatserver.core.errors import CODES
from chatserver.core.server_frames import AnyServerFrame
from chatserver.settings import Settings
from tests.web.test_openapi import CONTRACT

ROOT = Path(__file__).parent.parent
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = (ROOT / "chatserver" / "__main__.py").read_text()
CONTRACT_PATHS = {line.split()[1] for line in CONTRACT.split("\n") if line} | {"/ws", "/openapi.json", "/frames.json"}
NO_SETTINGS = {"RESTORED_URL"} | {
    # Of libraries: the pages say which of these count.
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "ANTHROPIC_CUSTOM_HEADERS",
}  # fmt: skip
README = (ROOT / "README.md").read_text()


def rows(union: Any) -> list[str]:
    found = []
    for frame in get_args(union):
        told: Any = msgspec.inspect.type_info(frame)
        named = [f"`{one.encode_name}`{'' if one.required else '?'}" for one in told.fields if one.encode_name != "ref"]
        found.append(f"| `{told.tag}` | {', '.join(named) or '–'} |")
    return found


@pytest.mark.parametrize("row", [*rows(AnyClientFrame), *rows(AnyServerFrame)])
def test_every_frame_is_described_field_by_field(row: str) -> None:
    assert row in PROTOCOL


def test_no_frame_is_described_that_there_is_not() -> None:
    described = re.findall(r"^\| `(\w+)` \| (?:`|–)", PROTOCOL, re.MULTILINE)
    assert len(described) == len(get_args(AnyClientFrame)) + len(get_args(AnyServerFrame))


def test_every_error_and_close_code_is_described() -> None:
    assert re.findall(r"^\| `(\w+)` \| [a-z]", PROTOCOL, re.MULTILINE) == list(CODES)
    described = {
        int(number) for row in re.findall(r"^\| ([\d, ]+) \|", PROTOCOL, re.MULTILINE) for number in row.split(",")
    }
    assert described >= {value for name, value in vars(protocol).items() if name.startswith("CLOSE_")}


def test_no_close_code_is_described_that_is_never_sent() -> None:
    table = PROTOCOL[PROTOCOL.index("## Close codes") : PROTOCOL.index("## Limits")]
    rows = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    described = {int(number) for row in rows for number in row.split(",")}
    # 1001 is a proxy's or a platform's own word for the same, 1002 the websockets library's for what it cannot read.
    assert described - {1001, 1002} == {value for name, value in vars(protocol).items() if name.startswith("CLOSE_")}


PAGES = {page.name: page.read_text() for page in (ROOT / "README.md", ROOT / "SECURITY.md", *ROOT.glob("docs/*.md"))}


@pytest.mark.parametrize("page", PAGES)
def test_every_route_that_a_page_names_is_served(page: str) -> None:
    served = "|".join(re.sub(r"\\{\w+\\}", r"[^/`]+", re.escape(path)) for path in CONTRACT_PATHS)
    for method, path in re.findall(r"`(GET|PUT|POST|PATCH|DELETE) (/[^`? ]*)", PAGES[page]):
        assert re.fullmatch(served, path), f"{page} names {method} {path}"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_is_there(page: str) -> None:
    text = PAGES[page]
    for command in re.findall(r"(?:`|^    |^)chatserver (\w+)", text, re.MULTILINE):
        assert f'add_parser("{command}"' in COMMANDS, f"{page} names chatserver {command}"
    for target in re.findall(r"(?:`|^    |^)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), f"{page} names make {target}"
    for benchmark in re.findall(r"make bench ONLY=(\w+)", text):
        assert (ROOT / "tests" / "benchmarks" / f"{benchmark}.py").exists()
    for test in re.findall(r"`(tests/[\w/]+\.py)`", text):
        assert (ROOT / test).exists(), f"{page} names {test}"


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_a_page_names_is_one(page: str) -> None:
    """With an underscore: what else is in capitals is SQL, a signal or a status."""
    named = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)\b", PAGES[page])) - NO_SETTINGS
    assert named <= {one.name.upper() for one in fields(Settings)}


def test_every_setting_is_in_the_readme() -> None:
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", README))
    wanted = {one.name.upper() for one in fields(Settings)}
    assert named == wanted | {"PORT"}


def test_the_table_of_limits_has_the_numbers_of_the_code() -> None:
    rows = re.findall(r"^\| .+ \| (?:a user|a seeker|an address) \| ([\d,]+)", PROTOCOL, re.MULTILINE)
    told = [int(number.replace(",", "")) for number in rows]
    settings = Settings()
    assert told == [
        settings.limit_connections_per_user, settings.limit_connections_per_address, settings.limit_frames_per_minute,
        settings.limit_posts_per_minute, settings.limit_posts_per_minute, limits.CONVERSATIONS_PER_HOUR,
        settings.limit_uploads_per_hour, limits.LOOKUPS_PER_MINUTE, limits.PUBLICATIONS_PER_HOUR,
        limits.CONSENTS_PER_HOUR,
        limits.REQUESTS_PER_USER_PER_MINUTE, limits.REQUESTS_PER_ADDRESS_PER_MINUTE,
    ]  # fmt: skip


def test_links_in_the_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
