"""Descriptions, titles, dates and languages as sites really write them."""

import html
import json
import locale
from datetime import UTC, datetime

import pytest

from workers.boards.markup import DEPTH_MAX
from workers.boards.text import (
    HTML_MAX_CHARACTERS,
    LINE_MAX_CHARACTERS,
    TEXT_MAX_CHARACTERS,
    day,
    decoded,
    language,
    line,
    plain,
)

PAGE = """
<div class="job"><h2>What you do</h2>
<p>You build&nbsp;things that <b>last</b> &amp;
work with others.<br>Each day.</p>
<ul>
  <li>Design</li>
  <li><p>Test</p><ul><li>by hand</li><li>by machine</li></ul></li>
</ul>
Afterwards
<table><tr><th>Place</th><th><p>Days</p></th></tr><tr><td>Pune</td><td>3</td></tr></table>
<script>track("<p>me</p>")</script><style>p { color: red }</style><!-- <p>old</p> -->
<p>Welcome 👩‍💻</p></div>
"""
TEXT = """What you do

You build things that last & work with others.
Each day.

- Design
- Test
- by hand
- by machine

Afterwards

Place | Days
Pune | 3

Welcome 👩‍💻"""


def test_a_description_reads_as_paragraphs_lists_and_rows() -> None:
    assert plain(PAGE) == TEXT


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_escaped_more_than_once_reads_the_same(times: int) -> None:
    escaped = PAGE
    for _ in range(times):
        escaped = html.escape(escaped)
    assert plain(escaped) == TEXT
    assert plain(f"<div>{escaped}</div>") == TEXT


def test_escapes_are_undone_three_times_and_no_more() -> None:
    assert plain("R&amp;amp;amp;D") == "R&D"
    assert plain("R&amp;amp;amp;amp;D") == "R&amp;D"


def test_what_a_text_is_about_is_not_taken_for_markup() -> None:
    assert line("Engineer, List<String> & C++ <senior>") == "Engineer, List<String> & C++ <senior>"
    assert plain("<p>Know your &lt;canvas&gt;, and that 1 &lt; 2.</p>") == "Know your <canvas>, and that 1 < 2."
    assert plain("AT&T pays < 5 & > 3") == "AT&T pays < 5 & > 3"


def test_text_without_markup_keeps_its_lines() -> None:
    assert plain("One\r\ntwo\r\n\r\n\r\n\r\n• three\n·four \u2028five") == "One\ntwo\n\n- three\n- four\nfive"


def test_lines_that_are_kept_are_kept() -> None:
    assert plain("<p>As it stands:</p><pre>one\n  two</pre>") == "As it stands:\n\none\ntwo"


@pytest.mark.parametrize(
    ("garbled", "meant"),
    [
        ("donâ€™t â€œstopâ€\x9d â€“ ever", "don’t “stop” – ever"),
        ("Ã¢â‚¬â„¢", "’"),
        ("CafÃ© in MÃ¼nchen, SÃ»r", "Café in München, Sûr"),
        ("DÃ‰VELOPPEUR", "DÉVELOPPEUR"),
        ("Â£10Â\xa0000", "£10 000"),
        ("à¤¹à¤®", "हम"),
        ("ðŸ˜€", "😀"),
        ("it\x92s\x85", "it’s"),
        ("ï»¿Title", "Title"),
        ("dÃ©jÃ\xa0 vu", "déjà vu"),
    ],
)
def test_garbled_letters_are_put_right(garbled: str, meant: str) -> None:
    assert line(garbled) == meant
    assert plain(f"<p>{garbled}</p>") == meant


@pytest.mark.parametrize(
    "right", ["« CAFÉ»", "MANHÃ…", "clé»…", "Ärger, Ö…", "voilà", "São Paulo", "Â", "naïve ©", "â€"]
)
def test_letters_that_only_look_garbled_are_left(right: str) -> None:
    assert line(right) == right


def test_what_nobody_sees_is_taken_out() -> None:
    assert line("a\x00b\ud800c\u200bd\ufeffe\u00adf\u2060g\u202eh\u200di") == "abcdefghi"
    assert plain("<p>a&#0;b\x00c\u200bd</p>") == "a\ufffdbcd"
    assert line(json.loads('"\\ud83d\\ude00 \\ud83d"')) == "😀"
    assert line("x\u3000y\u2009z\xa0!\t!") == "x y z ! !"


def test_joiners_stay_where_they_belong() -> None:
    for text in ("क्\u200dष", "می\u200cخواهم", "👩\u200d💻", "❤\ufe0f\u200d🔥"):
        assert line(text) == text


def test_a_line_is_one_line() -> None:
    assert line("  <h1>Senior\n Engineer</h1>\t<br> Pune ") == "Senior Engineer Pune"
    assert line(None) == ""
    assert line("- Lead") == "Lead"


def test_texts_are_bounded() -> None:
    assert len(plain("word " * TEXT_MAX_CHARACTERS)) <= TEXT_MAX_CHARACTERS
    assert len(plain("<p>" + "word " * TEXT_MAX_CHARACTERS)) > TEXT_MAX_CHARACTERS - 5
    assert len(line("word " * LINE_MAX_CHARACTERS)) <= LINE_MAX_CHARACTERS
    assert plain("<p>first</p>" + " " * HTML_MAX_CHARACTERS + "<p>last</p>") == "first"


def test_what_is_nested_without_end_is_read_without_its_structure() -> None:
    deep = "<div>" * (DEPTH_MAX + 1)
    assert plain(f"{deep}one &amp; two<script>x</script>") == "one & two"
    assert plain(deep[:-5] + "<li>one") == "- one"
    # The parser's time grows with the square of the depth: minutes, were it given this.
    assert plain("<div>" * (HTML_MAX_CHARACTERS // 5 - 1) + "end") == "end"


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é’".encode(), "text/html", "é’"),
        ("é’".encode(), None, "é’"),
        ("é’ x".encode("cp1252"), "text/html", "é’ x"),
        ("é’".encode("cp1252"), "text/html; charset=iso-8859-1", "é’"),
        ("é’".encode("cp1252"), "text/html; charset=UTF-8", "é’"),
        ("é".encode("utf-16"), "text/html; charset=utf-8", "é"),
        (b"\xef\xbb\xbf\xc3\xa9", "text/xml; charset=iso-8859-1", "é"),
        ("日本".encode("shift_jis"), 'text/html; charset="Shift_JIS"', "日本"),
        ("Пр".encode("koi8-r"), "text/html;CHARSET = koi8-r", "Пр"),
        (
            b'<?xml version="1.0" encoding="windows-1251"?>\xcf',
            "text/xml",
            '<?xml version="1.0" encoding="windows-1251"?>П',
        ),
        (b"<meta charset=utf-16>\xc3\xa9", "text/html", "<meta charset=utf-16>é"),
        (b'{"x": "charset=koi8-r"}\xc3\xa9', "application/json", '{"x": "charset=koi8-r"}é'),
        (b"\x81\x93a", "text/plain; charset=windows-1252", "\x81“a"),
        (b"a\xc3", "text/plain", "aÃ"),
        ("éü".encode() + b"\xc3", "text/plain", "éü\ufffd"),
        (b"\xff", "text/html; charset=koi8-r; x", "Ъ"),
        (b"", None, ""),
    ],
)
def test_bytes_become_letters_by_what_is_declared_or_by_what_they_are(
    body: bytes, content_type: str | None, text: str
) -> None:
    assert decoded(body, content_type) == text


@pytest.mark.parametrize("odd", ["nonsense", "idna", "hex", "undefined", "rot13", "unicode_escape", "\xff", "a" * 9999])
def test_a_character_set_that_is_none_is_passed_over(odd: str) -> None:
    assert decoded("é\\u0041".encode(), f"text/html; charset={odd}") == "é\\u0041"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Sep 9, 2026", (2026, 9, 9)),
        ("September 9th, 2026", (2026, 9, 9)),
        ("Sept. 9, 2026", (2026, 9, 9)),
        ("9 September 2026", (2026, 9, 9)),
        ("20.11.23", (2023, 11, 20)),
        ("1.2.2026", (2026, 2, 1)),
        ("Posted 21-Aug-2026", (2026, 8, 21)),
        ("21-Aug-2026", (2026, 8, 21)),
        ("Posted on: Aug 21, 2026", (2026, 8, 21)),
        ("2026-09-16", (2026, 9, 16)),
        ("2026-09-16T23:30:00-05:00", (2026, 9, 16)),
        ("2026-09-16T10:00:00.000+0000", (2026, 9, 16)),
        ("2026-09-16 10:00:00", (2026, 9, 16)),
        ("2026/9/6", (2026, 9, 6)),
        ("Wed Sep 16 00:00:00 UTC 2026", (2026, 9, 16)),
        ("Wed Sep 2 00:00:00 IST 2026", (2026, 9, 2)),
        ("Wed, 16 Sep 2026 00:00:00 GMT", (2026, 9, 16)),
        ("Wed, 16 Sep 26 00:00 +0530", (2026, 9, 16)),
        ("10/1/26", (2026, 10, 1)),
        ("10/01/2026", (2026, 10, 1)),
        (" <b>Sep&nbsp;9, 2026</b> ", (2026, 9, 9)),
        ("MAY 1, 2026", (2026, 5, 1)),
    ],
)
def test_dates_are_read_as_sites_write_them(written: str, meant: tuple[int, int, int]) -> None:
    assert day(written) == datetime(*meant, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "Posted 30+ Days Ago",
        "Posted Today",
        "Yesterday",
        "2 weeks ago",
        "Feb 30, 2026",
        "13/13/26",
        "0000-00-00",
        "9999-12-31",
        "Jan 1, 1026",
        "Sep 9",
        "about 2026-01-01",
        "Marvellous 9, 2026",
        "Sep 9, 2026" + " " * 100 + "x",
        "²/1/26",
        "",
        " ",
        None,
    ],
)
def test_what_is_no_date_is_none(written: str | None) -> None:
    assert day(written) is None


def test_the_locale_of_the_process_does_not_matter() -> None:
    before = locale.setlocale(locale.LC_TIME)
    for name in ("de_DE.UTF-8", "hi_IN.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_TIME, name)
        except locale.Error:
            continue
        assert day("May 9, 2026") == datetime(2026, 5, 9, tzinfo=UTC)
    locale.setlocale(locale.LC_TIME, before)


ENGLISH = "We are looking for somebody who likes to write plain code together with others and tests it well."
GERMAN = "Wir suchen jemanden, der gern mit anderen zusammen verständlichen Code schreibt und gut prüft."
HINDI = "हम ऐसे व्यक्ति की तलाश कर रहे हैं जिसे दूसरों के साथ मिलकर सरल कोड लिखना पसंद हो।"


@pytest.mark.parametrize(("text", "code"), [(ENGLISH, "en"), (GERMAN, "de"), (HINDI, "hi")])
def test_a_language_is_told(text: str, code: str) -> None:
    assert language(text) == code


def test_of_two_languages_the_longer_text_counts() -> None:
    assert language(f"{ENGLISH}\n\n{GERMAN} {GERMAN} {GERMAN}\n\n{ENGLISH}\n\nRequirements") == "de"
    assert language(f"{ENGLISH}\n\nSQL, Java\n\n{GERMAN}\n\n{ENGLISH}") == "en"


def test_a_few_words_have_no_language() -> None:
    assert language("Java, SQL, Pune") is None
    assert language("") is None
    assert language("Requirements\n\nSkills\n\n" * 100) is None
