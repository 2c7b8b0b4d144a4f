"""HTML as lines of text: paragraphs, `- ` lists and the cells of tables."""

import html as html_
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

DEPTH_MAX = 150
"""The parser's time grows with the square of the depth; what is deeper is read without its structure."""

_KNOWN = (
    "a|abbr|article|b|blockquote|body|br|center|code|dd|div|dl|dt|em|font|footer|h[1-6]|head|header|hr|html|i|img|li|main"
    "|meta|ol|p|pre|script|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|u|ul"
)
_MARKUP = re.compile(rf"</?(?:{_KNOWN})(?:\s[^<>]*)?/?>|<!--|<!doctype", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^<>]*>", re.IGNORECASE)


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Tags that stand alone or that the next of their kind closes: these nest only where others do.
_NOT_DEEPER = _names("br hr img input meta link wbr col area source p li td th tr dt dd option")
_UNREAD = _names("script style noscript template head title iframe object svg math select textarea -comment")
_LINES = _names("br div li tr dt dd header footer address figcaption legend option")
_PARAGRAPHS = _names(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table hr blockquote pre section article main figure form fieldset center"
)
_CODE = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_SPACE = re.compile("[ \t\n\r\f]+")
_CELL = " | "


def is_markup(text: str) -> bool:
    """Whether a tag that descriptions are made of stands in it; `List<String>` is none."""
    return _MARKUP.search(text) is not None


def read_markup(html: str) -> str:
    """The text of a document or a piece of one; entities are unescaped once."""
    if html.count("<") > DEPTH_MAX and _depth(html) > DEPTH_MAX:
        return html_.unescape(_TAG.sub("\n", _CODE.sub("", html)))
    root = LexborHTMLParser(html).root
    reader = _Reader()
    node, top = root, root.mem_id if root else 0
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            reader.says(node.text_content or "")
        elif tag not in _UNREAD:
            reader.opens(tag)
            if (child := node.first_child) is not None:
                node = child
                continue
            reader.closes(tag)
        node = _after(node, top, reader)
    return "".join(reader.parts)


def _after(node: LexborNode, top: int, reader: "_Reader") -> LexborNode | None:
    """The next one in the document's order; what ends on the way is closed."""
    at: LexborNode | None = node
    # Comparing nodes themselves would write both out as HTML.
    while at is not None and at.mem_id != top:
        if (sibling := at.next) is not None:
            return sibling
        at = at.parent
        if at is not None:
            reader.closes(at.tag or "")
    return None


def _depth(html: str) -> int:
    depth = deepest = 0
    for tag in _TAG.finditer(html):
        if tag.group(2).lower() not in _NOT_DEEPER:
            depth = max(depth - 1, 0) if tag.group(1) else depth + 1
            deepest = max(deepest, depth)
    return deepest


class _Reader:
    """Puts text together. Breaks wait until there is text to stand before."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._break = 0
        self._lead = ""
        """A bullet or a bar between cells, before the next text."""
        self._lists = 0
        self._kept = 0
        self._row_says = False
        self._spaced = True

    def opens(self, tag: str) -> None:
        if tag in ("td", "th"):
            if self._row_says:
                self._break, self._lead = 0, _CELL
            return
        self._breaks(tag)
        if tag == "li":
            self._lists += 1
            self._break, self._lead = max(self._break, 1), "- "
        elif tag == "tr":
            self._row_says = False
        elif tag == "pre":
            self._kept += 1

    def closes(self, tag: str) -> None:
        if tag == "li":
            self._lists = max(self._lists - 1, 0)
        elif tag == "tr":
            self._row_says = False
        elif tag == "pre":
            self._kept = max(self._kept - 1, 0)
        if tag in ("li", "tr"):
            self._lead = ""
        if tag == "tr":
            # Paragraphs inside the cells set no rows apart.
            self._break = 1
        elif tag != "br":
            self._breaks(tag)

    def says(self, text: str) -> None:
        if self._kept:
            text = text.strip("\n")
        else:
            text = _SPACE.sub(" ", text)
            if self._spaced or self._break:
                text = text.lstrip(" ")
        if not text:
            return
        if self._break and self.parts:
            self.parts.append("\n" * self._break)
        if self._lead:
            self.parts.append(self._lead)
            text = text.lstrip(" ")
        self._break, self._lead, self._row_says = 0, "", True
        self._spaced = text.endswith(" ")
        self.parts.append(text)

    def _breaks(self, tag: str) -> None:
        if self._lead:
            return
        if tag == "br":
            self._break = min(self._break + 1, 2)
        elif tag in _PARAGRAPHS:
            self._break = max(self._break, 1 if self._lists else 2)
        elif tag in _LINES:
            self._break = max(self._break, 1)
