"""No rule is skipped where it could have found something."""

from typing import Any

from chatserver.core.redaction import _RULES
from tests.core.pumping import codes, parser


def _is_digit(code: Any, value: Any) -> bool:
    if code is codes.RANGE:
        return bool(ord("0") <= value[0] and value[1] <= ord("9"))
    if code is codes.LITERAL:
        return chr(value).isdigit()
    return code is codes.CATEGORY and value is codes.CATEGORY_DIGIT


def needed(parsed: Any) -> int:
    """How many digits whatever the expression finds has at least."""
    digits = 0
    for code, value in parsed:
        match code:
            case codes.LITERAL:
                digits += _is_digit(code, value)
            case codes.IN:
                digits += all(_is_digit(*one) for one in value)
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                digits += value[0] * needed(value[2])
            case codes.BRANCH:
                digits += min(needed(branch) for branch in value[1])
            case codes.SUBPATTERN:
                digits += needed(value[3])
    return digits


def test_each_rule_needs_the_digits_that_it_says() -> None:
    assert [digits for digits, _, _ in _RULES] == [
        needed(parser.parse(pattern.pattern, pattern.flags)) for _, pattern, _ in _RULES
    ]
