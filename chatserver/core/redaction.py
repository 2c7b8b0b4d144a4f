"""What identifies or reaches a person is taken out of texts before they leave the server or become vectors."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from chatserver.core.normal_form import normal_form

SHORT_CHARACTERS = 2_000
SHORT_KEPT = 4_096
LONG_KEPT = 64
"""So many texts are remembered with what was left of them: messages, and resumes of at most a hundred pages."""

# A joiner is a letter's part in Indic and Arabic scripts and in emoji; between Latin letters it only hides a word.
_INVISIBLE = re.compile(
    r"[\x00\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\u20e3\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
    r"|(?:(?<=[\x01-\u024f])|^)[\u200c\u200d]+|(?<=\d)[\u200c\u200d]+(?=\d)|(?<=\d)[\u0300-\u036f\u20d0-\u20ff]+"
)

# Digits of all scripts, dashes and tabs as the rules know them, each character for one.
_DIGITS = {code: str(unicodedata.digit(chr(code))) for code in range(0x80, 0x1FC00) if chr(code).isdecimal()}
_PLAIN = {**_DIGITS, **dict.fromkeys((*range(0x2010, 0x2016), 0x2043, 0x2212), "-"), ord("\t"): " "}

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of\s+|[\s./-]{{1,3}})(?:\d{{1,2}}|{_MONTH})[\s.,/-]{{1,3}}\d{{2,4}}"
    rf"|{_MONTH}\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?\d{{4}}|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}})"
)
_POSTCODE = r"\b[1-9]\d{2}\s?\d{3}\b"
_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|marg|nagar|boulevard|blvd|layout|colony|sector|cross|main|phase|"
    r"apartments?|apts?|towers?|residency|society|enclave|vihar|puram|gardens?|grove|salai|chowk|circle|stage|floor|close)"
)
# Of the United Kingdom, with the letters that its second half has; of Ireland. A few homes share one.
_POSTCODE_OF_HOMES = (
    r"\b(?:[A-Z]{1,2}\d[A-Z\d]? ?\d(?!GB|TB|PB)[ABD-HJLNP-UW-Z]{2}|(?:D6W|[AC-FHKNPRTV-Y]\d\d) ?[A-Z\d]{4})\b"
)
_NO_AMOUNT = r"(?!\s*(?:inr|usd|eur|rupees|dollars|crores?|lakhs?|users|rows|records|%))"

# Every repetition here and below is bounded, or gives nothing back (`*+`) and begins at few places: a text made to be
# slow to search must not hold the others up.
_DOT = r"(?:[.\u3002]|\s\.\s?|\s?[\[({<]\s?dot\s?[\])}>]\s?)"
_E_MAIL = re.compile(rf"[\w.+%-]{{1,64}}\s?@\s?[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{1,8}}", re.IGNORECASE)
_AT = re.compile(r"[\[({<]\s?at\s?[\])}>]", re.IGNORECASE)
_E_MAIL_SPELT = re.compile(
    rf"[\w.+-]{{1,64}}\s?{_AT.pattern}\s?[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{1,8}}", re.IGNORECASE
)

_HOMES = re.compile(_POSTCODE_OF_HOMES)
_HOME = re.compile(
    rf"(?:\b(?:(?:[Ff]lat|[Aa]pt|[Uu]nit) \w{{1,5}},? )?\d{{1,4}}[A-Za-z]?,? [^|•;\n]{{3,80}}?)?{_POSTCODE_OF_HOMES}"
)
_SAID = re.compile(
    r"\b[\w.+-]{2,64}\s+at\s+[\w-]{2,63}\s+dot\s+(?:(?:co|ac|org)\s+dot\s+)?(?:com|in|org|net|co|edu|io|uk|de)\b"
    r"|\b[\w.+-]{2,64}\s+at\s+(?:gmail|googlemail|yahoo|outlook|hotmail|live|icloud|rediffmail|protonmail|proton|gmx|web)\."
    r"(?:com|co\.in|co\.uk|in|de|ie|net|me)\b",
    re.IGNORECASE,
)

# With the digits that each needs at least: where a text has fewer, it need not be searched. Most messages have few.
_RULES: tuple[tuple[int, re.Pattern[str], str], ...] = (
    (0, re.compile(
        r"\b(?=[hwlgfixtmkbs])(?:https?://)?(?:www\.)?(?:linkedin\.com/(?:in|pub)|github\.com|gitlab\.com|facebook\.com|instagram\.com|"
        r"x\.com|twitter\.com|t\.me|wa\.me|medium\.com/@|kaggle\.com|leetcode\.com|behance\.net|xing\.com/profile|"
        r"stackoverflow\.com/users)/?[\w.%-]+(?:/[\w.%-]+){0,5}(?:\?\w{1,20}=[\w.%-]+)?/?", re.IGNORECASE),
     "[profile]"),
    (0, re.compile(r"\b(?:https?://)?[\w-]{2,39}\.(?:github|gitlab)\.io\b(?:/[\w.%-]+){0,5}", re.IGNORECASE),
     "[profile]"),
    (0, re.compile(r"\b(?=[st])((?:skype|telegram)(?: ?id)? ?: ?)@?[\w.:-]{4,60}", re.IGNORECASE), r"\1[profile]"),
    (3, re.compile(
        r"(?:\b(?=[dbgf])(?:d\.?\s?o\.?\s?b\b\.?|date\s+of\s+birth|birth\s?-?\s?date|birthday|born(?:\s+in\s[^\n.;]{1,40}?)?(?:\s+on)?|geb(?:oren|\.)(?:\s+am)?|"
        r"geburts(?:datum|tag)(?:\s+und\s+-?ort)?|date\s+de\s+naissance|fecha\s+de\s+nacimiento)|जन्म\s?-?(?:तिथि|दिनांक|तारीख))"
        rf"(?:\s*\([^)\n]{{1,20}}\))?[\s:|=*-]{{0,20}}{_DATE}", re.IGNORECASE), "[birth date]"),
    # A card's sixteen digits, an Aadhaar's twelve: in fours, an Aadhaar never beginning with 0 or 1.
    (16, re.compile(r"(?<![\w.,-])\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?![\w-])"), "[ID number]"),
    (12, re.compile(
        rf"(?<![\w.,-])[2-9]\d{{3}}([ ./_-]{{0,2}}|\n)\d{{4}}\1\d{{4}}(?![\w-]){_NO_AMOUNT}", re.IGNORECASE),
     "[ID number]"),
    # PAN: five letters of which the fourth says whose, four digits, one letter.
    (4, re.compile(r"\b[A-Z]{3}[ABCFGHJLPT][A-Z][ -]?\d{4}[ -]?[A-Z]\b", re.IGNORECASE), "[ID number]"),
    # The tax number of a firm of one, which has their PAN in it; a social insurance number of Germany.
    (6, re.compile(r"\b\d{2}[A-Z]{5}\d{4}[A-Z][A-Z\d]Z[A-Z\d]\b", re.IGNORECASE), "[ID number]"),
    (11, re.compile(r"(?<![\w-])\d{2} ?[0-3]\d[01]\d{3} ?[A-Z] ?\d{3}(?![\w-])"), "[ID number]"),
    (9, re.compile(r"(?<![\w-])\d{3}([ -])\d{2}\1\d{4}(?![\w-])"), "[ID number]"),
    # A driving licence of India, an Emirates ID.
    (13, re.compile(r"\b[A-Z]{2}[ -]?\d{2}[ -]?(?:19|20)\d{2}[ -]?\d{7}\b"), "[ID number]"),
    (15, re.compile(r"(?<![\w-])784-?\d{4}-?\d{7}-?\d(?![\w-])"), "[ID number]"),
    (6, re.compile(
        r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2}[\s-]?(?:\d{2}[\s-]?){3}[A-D]\b|\b[a-z]{2}\d{6}[a-d]\b"),
     "[ID number]"),
    # Where the text says that an ID number follows: letters first if any, five digits or more.
    (5, re.compile(
        r"\b(?=[adeinprsuvपआ])(passport|aadhaar|aadhar|pan|voter\s?id|epic|uan|driving\s?licen[cs]e|driver'?s?\s?licen[cs]e|licen[cs]e|ssn|"
        r"social\s+security|national\s+insurance|nino|visa|emirates\s+id|d\.?l\.?|itin|ein|utr|nhs|esic|ppsn?|"
        r"steuer-?(?:id(?:nr|entifikationsnummer)?|nummer)|(?:renten|sozial)versicherungsnummer|personalausweis(?:nummer)?|"
        r"reisepass(?:nummer)?|पासपोर्ट|आधार|पैन)"
        r"((?:[\s-]*+(?:no|nr|number|details?|card|id|is|#|संख्या|नंबर)\b\.?){0,3}\s*+#?\s*+[:\-–(|=]?\s*+)[A-Z]{0,4}[ -]?"
        r"\d(?:[ ./-]?[A-Z]{0,2}\d){4,16}[A-Z]{0,2}\b",
        re.IGNORECASE), r"\1\2[ID number]"),
    # Numbers of nine to fifteen digits as telephones write them; years, amounts and versions have fewer, or points.
    (8, re.compile(r"(?<![\w.,/+-])(?:\+|00)\d{1,3}[\s()./-]{0,3}(?:\d[\s()./-]{0,2}){6,12}\d(?!\w)"), "[phone]"),
    (12, re.compile(rf"(?<![\w.,/#$₹-])91[ -]?[6-9]\d{{4}}[ -]?\d{{5}}(?!\w){_NO_AMOUNT}", re.IGNORECASE), "[phone]"),
    (8, re.compile(r"(?<![\w.,/-])(?:\(0?\d{2,5}\)|0\d{2,5})(?: [/-] |[ /-]?)\d{3,4}[ -]?\d{3,5}(?!\w)"), "[phone]"),
    (10, re.compile(
        r"(?<![\w.,/#$₹-])(?<!id )(?<!req )(?<!no )(?<!ref )(?<!no\. )(?<!id: )(?<!req: )(?<!ref: )"
        rf"(?<!rs )(?<!rs\. )(?<!inr )(?<!usd )(?<!₹ )(?!\d{{3}}00\W{{1,3}}\d{{3}}00(?!\d))"
        rf"[6-9]\d{{4}}(?: - |[ ./_·•-]{{0,2}}|\n)\d{{5}}(?!\w){_NO_AMOUNT}", re.IGNORECASE),
     "[phone]"),
    (10, re.compile(r"(?<![\w.,/-])[6-9](?:([ .-])\d(?:\1\d){8}|\d{3}[ -]\d{3}[ -]\d{3}|\d{3}-\d{2}-\d{4})(?!\w)"),
     "[phone]"),
    (10, re.compile(r"(?<![\w.,/-])(?:1[ .-])?\d{3}([ .-])\d{3}\1\d{4}(?!\w)"), "[phone]"),
    (2, re.compile(
        r"\b(?=[pmtw])((?:phone|mobile|mob|tel|telephone|whatsapp)(?![^\W\d_])(?: no)?[ .:#-]{0,4})"
        r"\+?\d[\d ().-]{6,16}\d\b", re.IGNORECASE), r"\1[phone]"),
    # Words that also stand before years and amounts: nine digits at least.
    (9, re.compile(
        r"\b(?=[cpmtfhw])((?:contact|call|cell|ph|m|t|fon|telefon|handy|mobil|fax|phone|mobile|mob|tel|whatsapp)(?![^\W\d_])\.?"
        r"(?:\s?(?:me|us|at|on|no|nr|num|number)\b\.?){0,2}[ \t.:#=|/-]{0,4})"
        rf"\+?(?:\(?\d[ ()./-]{{0,3}}){{8,14}}\d(?!\w){_NO_AMOUNT}", re.IGNORECASE), r"\1[phone]"),
    # The second number of somebody.
    (9, re.compile(r"(\[phone\])(?:\s?(?:[/,;|&]|or\b|and\b)\s?\+?\d(?:[ ().-]{0,2}\d){8,13}(?!\w)){1,5}"), r"\1"),
    (0, re.compile(
        r"^([^\S\n]*+(?:(?:permanent |current |present |local |postal |residential |home |mailing |correspondence |"
        r"communication )?address|residence|पता|anschrift|adresse)"
        r"\s*+[:\-–][ ]*+)"
        rf"(?:[^\n]+$|\n(?:[^\n]{{1,80}}\n){{0,3}}[^\n]{{0,80}}{_POSTCODE})",
        re.IGNORECASE | re.MULTILINE), r"\1[address]"),
    (6, re.compile(
        rf"^([^\S\n]*+(?:[a-z]{{4,16}} )?(?:address|anschrift|adresse)(?:[^\S\n]*+\n)++)"
        rf"(?:[^\n]{{1,80}}\n){{0,3}}[^\n]{{0,80}}{_POSTCODE}", re.IGNORECASE | re.MULTILINE), r"\1[address]"),
    (6, re.compile(
        r"\b(?:\d{1,5}[A-Za-z]? (?:[A-Z\d][\w'.]{0,30},? ){1,8}|P\.?O\.? ?Box \d{1,6},? (?:[A-Z][\w'.]{0,30},? ){1,3})"
        r"[A-Z]{2} \d{5}(?:-\d{4})?\b"), "[address]"),
    (6, re.compile(
        r"\b[A-ZÄÖÜ][\w.-]{1,40}(?: [\w.-]{1,40}){0,3} \d{1,4} ?[a-z]?, ?(?:D-)?\d{5} [A-ZÄÖÜ][\w-]{1,40}"),
     "[address]"),
    (7, re.compile(
        r"\b(?:flat|house|h\.?\s?no|door|plot|apartment|apt|villa|block)\.?\s*+(?:no\.?)?\s*+[:#]?\s*+[A-Z]?-?\d++[\w/-]*+,"
        rf"[^\n]{{5,140}}?{_POSTCODE}", re.IGNORECASE), "[address]"),
    (6, re.compile(
        rf"(?<![^|•;\n])[^|•;\n]{{0,120}}\b{_STREET}\b[^|•;\n]{{0,80}}?{_POSTCODE}{_NO_AMOUNT}", re.IGNORECASE),
     "[address]"),
    (1, re.compile(
        r"\b\d{1,5}[A-Za-z]?,?\s+(?:[A-Z][\w'.]+\s+){1,4}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Marg|Nagar|"
        r"Boulevard|Blvd|Grove|Close)\b\.?(?:,[^\n,|]{2,40}){0,3}"), "[address]"),
    (1, re.compile(
        r"\b[A-ZÄÖÜ][\wäöüß.-]{0,60}(?:straße|strasse|str\.|weg|platz|allee|gasse)\s+\d{1,4}\s?[a-z]?\b"
        r"(?:,?\s*(?:[A-Z]{1,2}-)?\d{4,5}\s+[A-ZÄÖÜ][\wäöüß-]+)?"), "[address]"),
)  # fmt: skip


def clean(text: str) -> str:
    """The text in NFKC without characters that nobody sees: they carry orders, not words. Line ends stay."""
    if text.isascii():
        return text.replace("\x00", "")
    return _INVISIBLE.sub("", normal_form(text))


def redact(text: str) -> str:
    """The cleaned text, with addresses, numbers and dates that identify or reach a person replaced by their kind."""
    # Each answer reads the whole history and the resume again, and reading them is most of what an answer costs.
    return (_short if len(text) <= SHORT_CHARACTERS else _long)(text)


def _redacted(text: str) -> str:
    text = clean(text)
    plain = text if text.isascii() and "\t" not in text else text.translate(_PLAIN)
    for pattern, kind in _rules(plain):
        text, plain = _replaced(pattern, kind, text, plain)
    return text


def _rules(plain: str) -> Iterator[tuple[re.Pattern[str], str]]:
    if "@" in plain:
        yield _E_MAIL, "[e-mail]"
    if _AT.search(plain):
        yield _E_MAIL_SPELT, "[e-mail]"
    yield _SAID, "[e-mail]"
    if _HOMES.search(plain):
        yield _HOME, "[address]"
    digits = sum(map(plain.count, "0123456789"))
    for needed, pattern, kind in _RULES:
        if digits >= needed:
            yield pattern, kind


def _replaced(pattern: re.Pattern[str], kind: str, text: str, plain: str) -> tuple[str, str]:
    """Both without what the pattern finds in the plain one: `text` keeps its own digits and dashes elsewhere."""
    if plain is text:
        text = pattern.sub(kind, text)
        return text, text
    kept: list[str] = []
    kept_plain: list[str] = []
    at = 0
    for match in pattern.finditer(plain):
        put = match.expand(kind)
        kept += (text[at : match.start()], put)
        kept_plain += (plain[at : match.start()], put)
        at = match.end()
    return "".join((*kept, text[at:])), "".join((*kept_plain, plain[at:]))


_short = lru_cache(maxsize=SHORT_KEPT)(_redacted)
_long = lru_cache(maxsize=LONG_KEPT)(_redacted)
