"""What the readers of resume files say to each other: that a file is no use, and what is hidden in it."""

TINY_POINTS = 3.0
HIDDEN_CHARACTERS = 20
HIDDEN = "The file holds text that a reader cannot see (white, tiny, or not painted); recruiters' software flags that."
DAMAGED = "This file is damaged; save or export it again as DOCX or PDF and send the new file."
PROTECTED = "This file is protected with a password; save it without one and send it again."


class Unreadable(Exception):
    """The file cannot be used; the sentence is for the person who sent it."""


def warnings_of(hidden_characters: int) -> list[str]:
    return [HIDDEN] if hidden_characters >= HIDDEN_CHARACTERS else []
