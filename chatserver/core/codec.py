"""From the text of a frame to the frame and back."""

from typing import Any

import msgspec
from msgspec import Struct

from chatserver.core.client_frames import AnyClientFrame, Post, WriteNote
from chatserver.core.errors import Refused, quoted
from chatserver.core.protocol import CONTENT_MAX_CHARACTERS, REF_MAX_CHARACTERS

_decoder = msgspec.json.Decoder(AnyClientFrame)
_encoder = msgspec.json.Encoder()
_TEXTS = ("content", "reason", "comment", "hint")
_ref_only = msgspec.json.Decoder(dict[str, Any])


def decode(text: str | bytes) -> AnyClientFrame:
    """One client frame. Raises `Refused`: `bad_content` for text nobody may store, `bad_frame` for all else."""
    try:
        frame: AnyClientFrame = _decoder.decode(text)
    except msgspec.ValidationError as wrong:
        sentence = quoted(wrong)
        if sentence.endswith("at `$.content`"):
            raise Refused(
                "bad_content", f"A message has 1 to {CONTENT_MAX_CHARACTERS:,} characters; shorten it or split it."
            ) from None
        raise Refused("bad_frame", f"This frame was not understood: {sentence}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("bad_frame", "This frame is not one JSON object; send one object a frame.") from None
    content = next((said for name in _TEXTS if (said := getattr(frame, name, None))), "")
    if "\x00" in content or any(0xD800 <= ord(character) <= 0xDFFF for character in content):
        raise Refused("bad_content", "The text bears a character that cannot be stored (U+0000); remove it.")
    if isinstance(frame, Post | WriteNote) and not frame.content.strip():
        raise Refused("bad_content", "The message is empty; write something first.")
    return frame


def ref_of(text: str | bytes) -> str | None:
    """The `ref` of a frame that was not understood, as far as it has a usable one."""
    try:
        ref = _ref_only.decode(text).get("ref")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return ref if isinstance(ref, str) and len(ref) <= REF_MAX_CHARACTERS else None


def encode(frame: Struct) -> str:
    return _encoder.encode(frame).decode()
