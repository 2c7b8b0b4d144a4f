"""One line a record, as JSON or for a person, with the ids of what was being done; what people wrote is never in it."""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from random import getrandbits
from traceback import TracebackException
from typing import TextIO
from uuid import UUID

import msgspec

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
session_id: ContextVar[UUID | None] = ContextVar("session_id", default=None)
user_id: ContextVar[UUID | None] = ContextVar("user_id", default=None)
"""Whoever takes up a request, a frame or an answer sets these; the tasks that it begins inherit them."""

ERROR_CHARACTERS = 300
MESSAGE_CHARACTERS = 2_000
CHATTY = ("httpx2", "httpcore2", "anthropic", "aiohttp.access")
_CHAIN_MAX = 5
HEAD = "Traceback (most recent call last):"
"""As everywhere: who searches a log for it finds ours."""
_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_ORDERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")


def new_request_id() -> str:
    return f"{getrandbits(64):016x}"


def accepted_request_id(given: str | None) -> str:
    """What a proxy named the request, where that is well-formed and short; else a name of our own."""
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_request_id()


def _error_lines(error: BaseException) -> list[str]:
    """The chain of errors with its places in the code.

    Of what an error says only the first line: Postgres puts the row into the others, a validator what it was given.
    """
    lines: list[str] = []
    told: TracebackException | None = TracebackException.from_exception(error)
    for _ in range(_CHAIN_MAX):
        if told is None:
            break
        said = str(told).partition("\n")[0][:ERROR_CHARACTERS]
        places = [line.rstrip() for line in told.stack.format()]
        lines = [HEAD, *places, f"{told.exc_type.__name__ if told.exc_type else 'error'}: {said}", *lines]
        told = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    return lines


def _fields(record: logging.LogRecord) -> dict[str, object]:
    known = {"request": request_id.get(), "session": session_id.get(), "user": user_id.get()}
    extra = {name: value for name, value in vars(record).items() if name not in _PLAIN}
    return {name: value for name, value in {**known, **extra}.items() if value is not None}


def _said(record: logging.LogRecord) -> str:
    return record.getMessage()[:MESSAGE_CHARACTERS]


class Json(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC), "level": record.levelname, "process": self._process,
            "logger": record.name, "message": _said(record), **_fields(record),
        }  # fmt: skip
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = "\n".join(_error_lines(record.exc_info[1]))
        return self._encoder.encode(line).decode()


def _visible(text: str) -> str:
    """A line that is made of what somebody sent stays one line, and orders a terminal nothing."""
    return _ORDERS.sub(lambda order: order[0].encode("unicode_escape").decode(), text)


class Human(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = _visible(f"{at} {record.levelname:<7} {record.name}: {_said(record)}{fields}")
        if record.exc_info and record.exc_info[1] is not None:
            told = "\n".join(_error_lines(record.exc_info[1]))
            line = "\n".join([line, *map(_visible, told.split("\n"))])
        return line


class Once(logging.Filter):
    """An error that was logged is not logged again by whoever else it passes on its way out."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return True
        known = vars(error).get("_was_logged", False)
        vars(error)["_was_logged"] = True
        return not known


class Quiet(logging.Filter):
    """Libraries that say at DEBUG what they send: prompts, and addresses that may bear a key.

    Here and not by their levels: a variable of their own may set those anew when they are loaded.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not record.name.startswith(CHATTY)


def handler(process: str, stream: TextIO, form: str | None) -> logging.Handler:
    """`form` is json or text; without it, text where a terminal reads along."""
    made = logging.StreamHandler(stream)
    made.setFormatter(Human() if (form or ("text" if stream.isatty() else "json")) == "text" else Json(process))
    made.addFilter(Quiet())
    made.addFilter(Once())
    return made


def configure(level: str, form: str | None, process: str) -> None:
    """All that this process logs goes to stderr, one line a record."""
    logging.basicConfig(level=level, handlers=[handler(process, sys.stderr, form)], force=True)
    # What it says of each connection, with a traceback, when Postgres starts anew: one line of ours says it all.
    logging.getLogger("asyncpg.pool").setLevel("ERROR")
    # Nor is what nobody is shown put together.
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel("WARNING")
