"""What sites write, as plain text: markup, character sets, dates and languages."""

import codecs
import html as html_
import re
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from workers.boards.markup import is_markup, read_markup
from workers.boards.mojibake import repaired

HTML_MAX_CHARACTERS = 1_000_000
TEXT_MAX_CHARACTERS = 100_000
LINE_MAX_CHARACTERS = 2_000
UNESCAPE_ROUNDS_MAX = 2
"""After the first: what is escaped more often than three times stays as it is."""
PARAGRAPH_MIN_CHARACTERS = 40
"""Shorter ones (headings, lists of skills) say more about the trade than about the language."""
LANGUAGE_MAX_CHARACTERS = 10_000

_DECLARED = re.compile(r"""charset\s*+=\s*+["']?\s*+([\w.:-]+)""", re.IGNORECASE)
_DECLARED_INSIDE = re.compile(rb"""(?:charset|encoding)\s*+=\s*+["']?\s*+([\w.:-]+)""", re.IGNORECASE)
_HEAD_BYTES = 1024
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Python knows codecs that are no character sets, and slow ones (idna is quadratic): a site does not choose those.
_CHARSETS = re.compile(
    r"utf-(8|16|16-le|16-be)|cp125\d|cp(874|932|949)|iso8859-\d+|koi8-[ru]|mac-roman|shift_jis|euc_(jp|kr)|gb(k|2312|18030)|big5"
)
_SAID_FOR_CP1252 = {"ascii", "iso8859-1", "cp1252"}

_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,31}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)
_CLOSED_MARKUP = re.compile(r"</[a-z][a-z0-9]*\s*>|<br\s*/?>", re.IGNORECASE)
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
_SPACES = re.compile("[ \t\x0b\x0c\x1c-\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_NEWLINES = re.compile("\r\n?|[\u2028\u2029]")
_AROUND_NEWLINE = re.compile(" ?\n ?")
_EMPTY_LINES = re.compile("\n{3,}")
_BULLET = re.compile(r"^(?:- ?)?[•●▪◦‣∙·] ?", re.MULTILINE)
# Joiners belong to the scripts of India and of Persia and to composed emoji; elsewhere they are litter.
_UNSEEN = re.compile(
    "[\x01-\x08\x0e-\x1b\x7f-\x9f\u00ad\u034f\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    "|(?<![\u0600-\u06ff\u0900-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
)


def decoded(body: bytes, content_type: str | None) -> str:
    """By the declared character set, else UTF-8, else Windows-1252; never an error."""
    for bom, charset in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(charset, "replace")
    charset = _charset(body, content_type)
    if charset in _SAID_FOR_CP1252:
        return _windows(body)
    if charset != "utf-8":
        return body.decode(charset, "replace")
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    # One character cut in two does not make a page Windows-1252: there nearly every foreign byte is broken.
    foreign = len(text) - len(text.encode("ascii", "ignore")) if broken else 0
    return text if broken * 2 <= foreign else _windows(body)


def plain(html: str) -> str:
    """A description as paragraphs and `- ` lists; scripts and styles left out, entities unescaped until stable.

    At most `TEXT_MAX_CHARACTERS`. Text without markup keeps its lines.
    """
    text = _opened(_possible(html[:HTML_MAX_CHARACTERS]))
    for _ in range(UNESCAPE_ROUNDS_MAX):
        # A closing tag that is left in the text was escaped twice. An opening one alone may be what the text is about.
        if not (_ENTITY.search(text) or _CLOSED_MARKUP.search(text)):
            break
        again = _opened(text)
        if again == text:
            break
        text = again
    text = _AROUND_NEWLINE.sub("\n", _SPACES.sub(" ", _UNSEEN.sub("", repaired(text))))
    return _EMPTY_LINES.sub("\n\n", _BULLET.sub("- ", text)).strip()[:TEXT_MAX_CHARACTERS].rstrip()


def line(text: str | None) -> str:
    """One line without markup, escapes, odd spaces and mojibake; empty for None. At most `LINE_MAX_CHARACTERS`."""
    return " ".join(plain(text or "").removeprefix("- ").split())[:LINE_MAX_CHARACTERS].rstrip()


@lru_cache(1)
def _identifier() -> Any:
    # A second and 30 MB that only a crawl needs.
    from py3langid.langid import LanguageIdentifier

    return LanguageIdentifier.from_model_file("data/model.npz.xz")


def language(text: str) -> str | None:
    """ISO 639-1 of most of the text's paragraphs; None where there is too little of it."""
    found: Counter[str] = Counter()
    for paragraph in text[:LANGUAGE_MAX_CHARACTERS].split("\n\n"):
        if len(paragraph) >= PARAGRAPH_MIN_CHARACTERS:
            found[_identifier().classify(paragraph)[0]] += len(paragraph)
    code = found.most_common(1)[0][0] if found else ""
    return code if len(code) == 2 else None


def _charset(body: bytes, content_type: str | None) -> str:
    said = _DECLARED.search(content_type or "")
    name = said.group(1) if said else ""
    if not name and body[:_HEAD_BYTES].lstrip().startswith(b"<"):
        inside = _DECLARED_INSIDE.search(body[:_HEAD_BYTES])
        # What can be read as ASCII to find this is not UTF-16, whatever it says.
        name = inside.group(1).decode("ascii", "ignore") if inside else ""
        name = "utf-8" if name.lower().startswith("utf-16") else name
    try:
        known = codecs.lookup(name).name if name else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    return known if _CHARSETS.fullmatch(known) or known in _SAID_FOR_CP1252 else "utf-8"


def _windows(body: bytes) -> str:
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        # Five bytes mean nothing there; browsers read them as control characters, and so can mojibake be undone.
        return body.decode("cp1252", "latin_1_rest")


def _latin_1_rest(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin_1_rest", _latin_1_rest)


def _possible(text: str) -> str:
    return _NEWLINES.sub("\n", _IMPOSSIBLE.sub("", text))


def _opened(text: str) -> str:
    """One layer of markup or escapes less."""
    return read_markup(text) if is_markup(text) else _possible(html_.unescape(text))


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?P<year>\d{4}|\d{2})"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +)?"
_TIME = r"(?:[T, ]+(?:at +)?\d{1,2}:\d\d.*)?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<year>\d{{4}})-(?P<mm>\d\d?)-(?P<dd>\d\d?){_TIME}",
        rf"(?P<year>\d{{4}})/(?P<mm>\d\d?)/(?P<dd>\d\d?){_TIME}",
        rf"{_WEEKDAY}{_MONTH} +(?P<dd>\d\d?)(?:st|nd|rd|th)?,? +(?P<year>\d{{4}}){_TIME}",
        rf"{_WEEKDAY}(?P<dd>\d\d?)(?:st|nd|rd|th|\.)?[ -]+{_MONTH},?[ -]+{_YEAR}{_TIME}",
        rf"{_WEEKDAY}{_MONTH} +(?P<dd>\d\d?) +\d\d:\d\d:\d\d +[a-z]{{1,5}} +(?P<year>\d{{4}})",
        rf"(?P<dd>\d\d?)\.(?P<mm>\d\d?)\.{_YEAR}{_TIME}",
        rf"(?P<mm>\d\d?)/(?P<dd>\d\d?)/{_YEAR}{_TIME}",
    )
)
_LABEL = re.compile(r"(?:date +)?posted(?: +on| +date)?:? +|date:? +", re.IGNORECASE)
_DAY_MAX_CHARACTERS = 200
_YEARS = range(1990, 2100)


def day(text: str | None) -> datetime | None:
    """A date as sites write it, at midnight UTC; None for relative ones ("Posted 30+ Days Ago") and unknown forms.

    English month names whatever the locale of the process; `10/1/26` is read as in the United States.
    """
    if text is None or len(text) > _DAY_MAX_CHARACTERS:
        return None
    said = line(text)
    said = said[label.end() :] if (label := _LABEL.match(said)) else said
    for form in _FORMS:
        if match := form.fullmatch(said):
            parts = match.groupdict()
            month = int(parts["mm"]) if parts.get("mm") else _MONTHS.index(parts["month"][:3].lower()) + 1
            year = int(parts["year"])
            return _midnight(year + 2000 if year < 100 else year, month, int(parts["dd"]))
    return None


def _midnight(year: int, month: int, number: int) -> datetime | None:
    if year not in _YEARS:
        return None
    try:
        return datetime(year, month, number, tzinfo=UTC)
    except ValueError:
        return None
