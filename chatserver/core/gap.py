"""What a seeker can do about what a job asks for and a resume does not say."""

import re
from collections.abc import Sequence

ADVICE_MAX = 5


def advice(missing: Sequence[str], matched: Sequence[str], tips: Sequence[str]) -> tuple[str, ...]:
    """At most `ADVICE_MAX` sentences: the job's own tips that name what is missing, then a word on each thing left.

    Nobody is told to claim what they do not have.
    """
    said = [tip for tip in tips if any(_names(tip, skill) for skill in missing)]
    left = [skill for skill in missing if not any(_names(tip, skill) for tip in said)]
    near = f", beside {matched[0]}" if matched else ""
    said += [
        f"{skill} is asked for and your resume does not name it. If you have used it, say where and for what"
        f"{near}; if not, say what you know that comes closest."
        for skill in left
    ]
    if not said:
        said = list(tips)
    return tuple(said[:ADVICE_MAX])


def _names(text: str, skill: str) -> bool:
    return re.search(rf"(?<![\w+#]){re.escape(skill)}(?![\w+#])", text, re.IGNORECASE) is not None
