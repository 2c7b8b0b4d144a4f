"""Bodies unpacked as they come, in bounded pieces, and known to be whole: aiohttp takes a cut one for a short one."""

import zlib
from collections.abc import Iterator

PIECE_BYTES = 64 * 1024
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_WAYS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class BadPacking(Exception):
    """Packed in a way that nobody asked for, damaged, or broken off."""


class Unpacking:
    """One body. `encoding` is its Content-Encoding (RFC 9110, 8.4). Raises `BadPacking`."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in _WAYS and name not in ("", "identity"):
            raise BadPacking(f"it is packed as {name[:50]}")
        self._way = _WAYS.get(name)
        self._open = zlib.decompressobj(self._way) if self._way is not None else None
        self._begun = False

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """What this much of the body unpacks to, never more than `PIECE_BYTES` at once."""
        if self._open is None:
            yield packed
            return
        while packed:
            if self._open.eof:
                if not packed.startswith(b"\x1f\x8b"):
                    # Some servers fill up with zeros.
                    return
                # RFC 1952: several members one behind the other are one text.
                self._open = zlib.decompressobj(self._way or _GZIP)
            found = self._unpacked(packed)
            packed = self._open.unconsumed_tail or self._open.unused_data
            if found:
                yield found

    def end(self) -> None:
        """Raises `BadPacking` where the packing says that more should have come."""
        if self._open is not None and self._begun and not self._open.eof:
            raise BadPacking("it broke off")

    def _unpacked(self, packed: bytes) -> bytes:
        assert self._open is not None
        try:
            found = self._open.decompress(packed, PIECE_BYTES)
        except zlib.error as wrong:
            if self._way != _ZLIB or self._begun:
                raise BadPacking(str(wrong)) from None
            # Servers differ over what "deflate" means; some leave the frame around it out.
            self._way, self._open = _RAW, zlib.decompressobj(_RAW)
            return self._unpacked(packed)
        self._begun = True
        return found
