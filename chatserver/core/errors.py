"""What a request can be told when it is refused: one vocabulary for the socket and for REST."""

from typing import Literal, get_args

Code = Literal[
    "bad_frame", "bad_content", "unauthorized", "forbidden", "not_found", "conflict", "closed",
    "not_holder", "rate_limited", "budget", "unavailable", "internal",
]  # fmt: skip
CODES: tuple[Code, ...] = get_args(Code)

QUOTED_MAX_CHARACTERS = 200


class Refused(Exception):
    """A request that was understood and is not carried out.

    `message` is one sentence for a person: what is wrong and what to do. `retry_after` is in seconds.
    """

    def __init__(self, code: Code, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.retry_after = retry_after


def account_gone() -> Refused:
    """Of somebody who was erased while their request was on its way."""
    return Refused("not_found", "This account is not there any more; sign in again.")


def quoted(wrong: Exception) -> str:
    """What a decoder says of what it read, short and on one line: it may repeat all that, which nobody is sent."""
    said = str(wrong)
    said = said if len(said) <= QUOTED_MAX_CHARACTERS else f"{said[:QUOTED_MAX_CHARACTERS]}…"
    return "".join(one if one.isprintable() else "\ufffd" for one in said)
