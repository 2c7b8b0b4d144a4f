"""A site's page as a tree, and whether it shows a login or a challenge where content was asked for."""

import re

from selectolax.lexbor import LexborHTMLParser

from workers.boards.board import Blocked, ChangedShape
from workers.web import Answer

PAGE_MAX_CHARACTERS = 4_000_000
TAGS_MAX = 50_000
"""The parser's time grows with the square of the depth: so many unclosed ones cost it two seconds."""

_CHALLENGE = re.compile(
    r"just a moment|attention required|are you (?:a )?(?:human|robot)|verify(?:ing)? (?:that )?you are|not a robot"
    r"|security (?:check|verification)|pardon our interruption|request (?:rejected|unsuccessful)|unusual traffic"
    r"|captcha",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"\b(?:log|sign)[ -]?in\b", re.IGNORECASE)
_LOGIN_PATH = re.compile(r"/(?:login|signin|sso|saml2?)(?:[/?.]|$)", re.IGNORECASE)
_CHALLENGES = (
    'script[src*="challenge-platform"], script[src*="_Incapsula_"], iframe[src*="_Incapsula_"],'
    ' script[src*="captcha-delivery"], script[src*="awswaf"], #challenge-form, #px-captcha'
)
# Pages that show what they should may have these too.
_MAYBE = (
    'input[type="password"], .g-recaptcha, .h-captcha, .cf-turnstile, script[src*="captcha"], iframe[src*="captcha"]'
)
_HEADINGS = "title, h1, h2"


def page_tree(answer: Answer) -> LexborHTMLParser:
    """The page's tree, whatever is missing from it. Raises `ChangedShape` for what is too large to be a page."""
    text = answer.text
    if len(text) > PAGE_MAX_CHARACTERS:
        raise ChangedShape(f"{answer.url} has more than {PAGE_MAX_CHARACTERS:,} characters; look at it.")
    if text.count("<") - text.count("</") > TAGS_MAX:
        raise ChangedShape(f"{answer.url} has more than {TAGS_MAX:,} tags; look at it.")
    return LexborHTMLParser(text)


def is_challenge(page: LexborHTMLParser) -> bool:
    """Whether a machine wants to know whether we are one."""
    return page.css_first(_CHALLENGES) is not None or _headed(page, _CHALLENGE)


def asks_for_a_person(answer: Answer, page: LexborHTMLParser) -> bool:
    """Whether this is a login or a challenge. Means something only for a page that lacks what it should show."""
    return (
        answer.status in (401, 407)
        or _LOGIN_PATH.search(answer.url.partition("?")[0]) is not None
        or is_challenge(page)
        or _headed(page, _LOGIN)
    )


def refuse(answer: Answer, page: LexborHTMLParser, missing: str) -> Blocked | ChangedShape:
    """Why a page lacks `missing` ("a list of postings"): the error to raise."""
    if answer.status == 403 or asks_for_a_person(answer, page) or page.css_first(_MAYBE) is not None:
        return Blocked(f"{answer.url} shows a login, a challenge or a refusal ({answer.status}); a person has to look.")
    if answer.status != 200:
        return ChangedShape(f"{answer.url} answers {answer.status} instead of {missing}; look whether it has moved.")
    return ChangedShape(f"{answer.url} does not show {missing} in a shape that we know; look at it.")


def _headed(page: LexborHTMLParser, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(heading.text()) for heading in page.css(_HEADINGS))
