"""UTF-8 that somebody read as Windows-1252, put right where a round trip proves it."""

import re

_ROUNDS_MAX = 2
_BYTE_OF = {byte.to_bytes(1, "big").decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0x100)}
# Five bytes mean nothing in Windows-1252; others leave every such byte a control character.
_BYTE_OF |= {chr(byte): byte for byte in range(0x80, 0xA0)}
_REST = "[" + re.escape("".join(char for char, byte in _BYTE_OF.items() if byte < 0xC0)) + "]"
# Only what people do not write themselves: `É»` ends a quotation and `IRMÃ…` a thought, though `ɻ` and `Å` look so too.
_GARBLED = re.compile(
    f"ð{_REST}{{3}}|[âï]{_REST}{{2}}|à[\xa4-\xb5]{_REST}|Â{_REST}"
    f"|(?<![A-ZÀ-Þ])Ã{_REST}|Ã(?![»…’”›–—]){_REST}|Ã{_REST}(?=[^\\W\\d_])"
)
_CONTROLS = re.compile("[\x80-\x9f]")


def repaired(text: str) -> str:
    """`â€™` as `’`, also where it happened twice, and Windows-1252's own signs where they are control characters."""
    for _ in range(_ROUNDS_MAX):
        again = _GARBLED.sub(_undone, text)
        if again == text:
            break
        text = again
    return _CONTROLS.sub(_windows_sign, text)


def _undone(match: re.Match[str]) -> str:
    try:
        return bytes(_BYTE_OF[char] for char in match.group()).decode()
    except UnicodeDecodeError:
        return match.group()


def _windows_sign(match: re.Match[str]) -> str:
    char = match.group()
    return "\n" if char == "\x85" else bytes([ord(char)]).decode("cp1252", "replace").replace("\ufffd", "")
