"""HTTP/1.1 as it is written: whatever two readers could take for different requests is none.

h11 is kind: it takes a bare line feed for the end of a line, folds lines, and lets a length stand beside chunks. A
proxy in front that reads such a request another way passes a second one on as a part of the first (RFC 9112, 11.2).
"""

import re
from typing import Any

import h11

_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_VERSIONS = (b"1.0", b"1.1")
HEAD_MAX_BYTES = 64 * 1024
_FOLDED = re.compile(rb"\r\n[ \t]")


class StrictConnection(h11.Connection):
    """Raises `h11.RemoteProtocolError` for what h11 alone would read in its own way."""

    def next_event(self) -> Any:
        before = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        event = super().next_event()
        if isinstance(event, h11.Request):
            head = before[: len(before) - len(self.trailing_data[0])]
            if sentence := _ambiguous(head, event):
                raise h11.RemoteProtocolError(sentence)
        return event


def _ambiguous(head: bytes, request: h11.Request) -> str | None:
    if _LINE_END.search(head):
        return "a line ends with something else than CR LF"
    if _FOLDED.search(head):
        return "a header goes on in the next line"
    if len(head) > HEAD_MAX_BYTES:
        return "the head is too long"
    if request.http_version not in _VERSIONS:
        return "the version is another"
    fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    said = [(name, value.strip()) for name, _, value in fields if name in (b"content-length", b"transfer-encoding")]
    if len(said) > 1:
        return "the length of the body is said twice"
    for name, value in said:
        # h11 reads a list of equal numbers as one of them.
        if not value.isdigit() if name == b"content-length" else request.http_version != b"1.1":
            return "the length of the body is no number, or chunks are of HTTP/1.0"
    return None
