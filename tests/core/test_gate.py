"""Nothing that was not retrieved and nothing that can be clicked passes the gate, however the stream is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.core.gate import BRACKET_MAX, TARGET_MAX, WORD_MAX, Gate

RETRIEVED = {1, 2, 3}


def whole(text: str) -> tuple[str, list[int]]:
    gate = Gate(RETRIEVED.__contains__)
    return gate.feed(text) + gate.finish(), gate.used


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Try [J1] and [J3].", "Try [J1] and [J3]."),
        ("Try [J7].", "Try."),
        ("Try [J7] or [J1].", "Try or [J1]."),
        ("Both [J1, J2] and [J2; J9].", "Both [J1] [J2] and [J2]."),
        ("All of [J1-J9], [J1 and J2], [J1/J1] and [**J3**]", "All of [J1], [J1] [J2], [J1] and [J3]"),
        ("Also [j2], 【J3】, ［Ｊ１］ and [J02].", "Also [J2], [J3], [J1] and [J2]."),
        ("[see J9] and [see J1 first]", "(see) and (see first) [J1]"),
        ("Hidden [J\u200b9] and [J https://evil.example 9]", "Hidden and [J  9]"),
        ("[J1](https://evil.example/x) is good", "[J1] is good"),
        ("See [the site](https://evil.example/a?b=c) now", "See the site now"),
        ("See [wiki](https://evil.example/a_(b)) now", "See wiki now"),
        ("See [a page](/relative), [it]( /spaced ) or [that](<https://evil.example/a b>)",
         "See a page, [it] ( /spaced ) or [that] (< b>)"),
        ("Great![J1] Oh![J9] And![sic]", "Great![J1] Oh! And![sic]"),
        ("![logo](https://evil.example/a.png) here", "logo here"),
        ("Apply at https://careers.example.com/jobs/1.", "Apply at."),
        ("Apply at careers.example.com/jobs or www.example.org!", "Apply at or!"),
        ("Apply (https://careers.example.com) now", "Apply now"),
        ("HTTPS://EVIL.EXAMPLE or custom+app://open", "or"),
        ("<https://evil.example> or <a href=https://x.example>", "or <a href=>"),
        ("Mail hr@example.com, now <mailto:hr@example.com>", "Mail, now"),
        ("Mail hr@example.com", "Mail"),
        ("javascript:alert(1) data:text/html,x JavaScript:void(0)", ""),
        ("metadata:x and overview: data: fine", "metadata:x and overview: data: fine"),
        ("exam\u200bple.com", ""),
        ("ｈｔｔｐｓ：／／evil．com", ""),
        ("访问例子.com谢谢", "访问例子 谢谢"),
        ("//evil.example/x", ""),
        ("192.168.0.1:8080/admin", ""),
        ("_example.com_, *example.com*, @example.com, -example.com or example.com-", "__, **, @, - or -"),
        ("exam[J9]ple.com", "exam"),
        ("[exam](/u)ple.com", "exam"),
        ("[example](/u).com", "example .com"),
        ("[J[J9]9]", "[J 9]"),
        ("https[J9]://evil.example", "https"),
        ("evil。com evil｡com/x and 例え。com", "evil。 com and 例え。 com"),
        ("evil.zip evil.bank xn--80ak6aa92e.xn--p1ai evil.рус evil.中文网", ""),
        ("magnet:?xt=urn sip:a geo:1,2 ms-word:ofe view-source:x", ""),
        (r"\\evil\share or localhost:8080/x", "or"),
        ("evil&period;com evil&#46;com https&#x3a;//evil.example", ""),
        ("\u202emoc.live\u202c and a\x00b\x1b[2Jc\U000e0041d", "and ab[2Jcd"),
    ],
)  # fmt: skip
def test_what_passes(said: str, shown: str) -> None:
    assert whole(said)[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "Use Node.js, ASP.NET, B.Com and M.Sc. (Hons) with 3.5 years; e.g. audit/tax [sic], 10:30 a.m.",
        "B.Tech/M.Tech or B.E./B.Tech, S.No, Pvt.Ltd; Vue.js/React.js, Node.js/Express",
        "Rs. 12.5 lakh, v2.1.0, C++/C#, S/4HANA and CI/CD: yes!",
        "| Skill | Have |\n| --- | --- |\n| SAP | yes |\n\n- **bold** and *em* `code`",
        "मैं आपकी मदद कर सकता हूँ। ये नौकरियाँ देखिए [J1].",
        "您的经验很适合这个职位[J2]。请看技能差距！",
        "An open [ bracket and a closing ] one, a[0] = b[1]\n[not closed\nnext",
        "😀👩\u200d💻 done",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert whole(text)[0] == text


def test_references_are_told_once_in_order() -> None:
    assert whole("[J3] then [J1] then [J3] then [J8]")[1] == [3, 1]


PIECES = st.sampled_from(
    ["[J1]", "[J9]", "[J", "J2]", "[", "]", "(", ")", "](", "https://", "://", "x.example", "www.", ".com", "com", "/a",
     " ", "\n", "word", "!", "![", "a@b.org", "@", "您好", "é", ".", ":", "[J1, J9]", "](http://e.example)", "\u200b",
     "【J2】", "［", "｡", "&#46;", "\u202e", "\x07", "zip",
     "javascript:", "//", "<", ">", "**", "J9", "9", "。", "．", "1", "("]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join), st.data())
def test_the_way_the_stream_is_cut_does_not_matter(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    gate = Gate(RETRIEVED.__contains__)
    shown = "".join(gate.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    shown += gate.finish()
    assert (shown, gate.used) == whole(text)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_no_link_and_no_unknown_reference_passes(text: str) -> None:
    shown, used = whole(text)
    assert not re.search(r"https?://\S|www\.\w|[a-z]@[a-z]+\.[a-z]|\]\(|[a-z]\.com\b|javascript:\S", shown)
    named = {int(number) for number in re.findall(r"\[J(\d+)\]", shown)}
    assert named <= RETRIEVED
    assert named <= set(used)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_what_was_taken_out_does_not_come_back_by_what_closes_up(text: str) -> None:
    shown = re.sub(r"[\[\]【】［]", " ", whole(text)[0])
    assert whole(shown)[0] == shown


@given(st.text(alphabet="abcXYZ 019\n,;!?()'\"*-–_#+=%₹éß|您好। ", max_size=150))
def test_text_without_references_and_links_passes_unchanged(text: str) -> None:
    assert whole(text)[0] == text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=120), st.integers(1, 7))
def test_any_text_in_any_slices(text: str, size: int) -> None:
    gate = Gate(RETRIEVED.__contains__)
    shown = "".join(gate.feed(text[at : at + size]) for at in range(0, len(text), size)) + gate.finish()
    assert shown == whole(text)[0]


@pytest.mark.parametrize("start", ["", "[", "![", "[label](", "https://", "。.", "[J1", "(" * 9])
def test_what_is_held_back_is_bounded(start: str) -> None:
    gate = Gate(RETRIEVED.__contains__)
    gate.feed(start)
    for _ in range(1000):
        gate.feed("aaaaa")
        assert gate.held <= BRACKET_MAX + TARGET_MAX + WORD_MAX


def test_a_link_longer_than_any_word_leaves_nothing_behind() -> None:
    said = f"See https://evil.example/{'a' * 3 * WORD_MAX}.com/x or [this](https://evil.example/{'a' * 3 * TARGET_MAX})"
    assert whole(f"{said} now")[0] == "See or [this] ( now"
    assert whole("x" * (WORD_MAX - 6) + "evil.com/path after")[0] == "x" * (WORD_MAX - 6) + "evil.c after"


def test_words_flow_as_they_come() -> None:
    gate = Gate(RETRIEVED.__contains__)
    assert [gate.feed(piece) for piece in ("Hello", " there", ", see", " [J", "1", "]", " ok")] == [
        "", "Hello", " there,", " see", "", "", " [J1]",
    ]  # fmt: skip
