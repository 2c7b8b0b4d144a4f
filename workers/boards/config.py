"""Reads `boards.toml`: which boards each source has, and how its jobs are called in the database."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatserver.core.run import SOURCES
from workers.boards.board import Board

FILE = Path(__file__).parent.parent / "boards.toml"
FILE_MAX_BYTES = 256 * 1024

_OWN = {"name", "platform", "url", "tenant", "country", "on"}


class BoardsError(Exception):
    """The file says something that cannot be; one sentence."""


@dataclass(frozen=True, slots=True)
class Source:
    """A firm and its boards, its first one first."""

    name: str
    company: str
    companies: tuple[str, ...]
    """As others may have written the firm's name."""
    boards: tuple[Board, ...]

    @property
    def read(self) -> tuple[Board, ...]:
        return tuple(board for board in self.boards if board.on)

    def keys(self, board: Board, external_id: str) -> tuple[str, ...]:
        """What the posting is stored under, and after it what a twin on another board of its tenant may be under.

        Bare for the firm's first board, behind the tenant elsewhere.
        """
        first = self.boards[0]
        prefixed = f"{board.tenant}:{external_id}"
        if board.name == first.name:
            return external_id, prefixed
        return (prefixed, external_id) if board.tenant == first.tenant else (prefixed,)

    def place(self, key: str, url: str | None) -> tuple[str, str]:
        """The board, and the bare id there, of a job that another program stored under `key`.

        Its tenant or its address decide; where neither is one of ours it counts as the first board's.
        """
        tenant, colon, bare = key.partition(":")
        first = self.boards[0]
        of_tenant = [board for board in self.boards if colon and board.tenant == tenant]
        # Those of the first board are bare, so it is the last one to think of behind a tenant.
        of_tenant.sort(key=lambda board: board is first)
        board = _at(url, of_tenant or self.boards) or (of_tenant or self.boards)[0]
        return board.name, bare if of_tenant else key


def _at(url: str | None, boards: Sequence[Board]) -> Board | None:
    """The board at whose host a posting's address is; of several there the one whose path it shares most of."""
    try:
        there = urlsplit(url or "")
        host = there.hostname
    except ValueError:
        return None
    near = [board for board in boards if host and urlsplit(board.url).hostname == host]
    return max(near, key=lambda board: len(_segments(there.path) & _segments(urlsplit(board.url).path)), default=None)


def _segments(path: str) -> set[str]:
    return set(path.casefold().split("/"))


def read_boards(file: Path, platforms: Mapping[str, object]) -> dict[str, Source]:
    """The sources by name. Raises `BoardsError`."""
    try:
        raw = file.read_bytes()
        if len(raw) > FILE_MAX_BYTES:
            raise BoardsError(f"{file.name} is larger than {FILE_MAX_BYTES // 1024} KiB; shorten it.")
        told = tomllib.loads(raw.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise BoardsError(f"{file.name} cannot be read ({wrong}); mend it.") from None
    found = {name: _source(name, entry, platforms) for name, entry in told.items()}
    names = [board.name for source in found.values() for board in source.boards]
    for name in names:
        if names.count(name) > 1:
            raise BoardsError(f"Two boards are called {name}; give each a name of its own.")
    return found


def _source(name: str, entry: Any, platforms: Mapping[str, object]) -> Source:
    if name not in SOURCES:
        raise BoardsError(f"{name} is no source; the sources are {', '.join(SOURCES)}.")
    company = entry.get("company") if isinstance(entry, dict) else None
    if not isinstance(company, str) or not entry.get("boards"):
        raise BoardsError(f"{name} needs a company and at least one board; write both.")
    spellings = dict.fromkeys((company, name, company.lower(), company.upper(), *entry.get("known_as", ())))
    boards = tuple(_board(name, company, board, platforms) for board in entry["boards"])
    return Source(name, company, tuple(spellings), boards)


def _board(source: str, company: str, entry: dict[str, Any], platforms: Mapping[str, object]) -> Board:
    own = {field.name for field in fields(Board)} & _OWN
    named = {name: entry[name] for name in own if name in entry}
    if missing := {"name", "platform", "url", "tenant"} - named.keys():
        raise BoardsError(f"A board of {source} lacks {', '.join(sorted(missing))}; write it.")
    if named["platform"] not in platforms:
        raise BoardsError(
            f"{named['name']} is on {named['platform']}, which nobody reads; the platforms are {', '.join(platforms)}."
        )
    options = {name: value for name, value in entry.items() if name not in own}
    return Board(source=source, company=company, options=options, **named)
