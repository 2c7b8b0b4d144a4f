"""How an answer names a job: `[J3]`, numbered per session, never again for another job."""

import re

REFERENCE = re.compile(r"\[J([1-9]\d{0,5})\]")


def refs_in(content: str) -> list[int]:
    """The numbers named in a text, each once, in order of first mention."""
    return list(dict.fromkeys(int(number) for number in REFERENCE.findall(content)))
