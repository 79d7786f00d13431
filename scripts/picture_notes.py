"""The note in the picture of the README by which a test sees that the page has changed since it was taken."""

import hashlib
import re
import struct
import zlib
from collections.abc import Mapping

_HEADER = 8 + 25
"""Bytes of a PNG up to the end of its first chunk (PNG 3, 5.2 and 11.2.1)."""
_NOTE = b"tEXtComment\0"


def look_of(site: Mapping[str, bytes]) -> str:
    """A digest of what the README's picture shows: the words of the page, and every style sheet."""
    words = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", site["en/index.html"].decode(), flags=re.DOTALL).split()
    sheets = [data for path, data in sorted(site.items()) if path.endswith(".css")]
    return hashlib.sha256(b"\0".join([*(word.encode() for word in words), *sheets])).hexdigest()


def with_note(png: bytes, note: str) -> bytes:
    """The same picture with a comment."""
    chunk = _NOTE + note.encode("latin-1")
    length, check = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    return png[:_HEADER] + length + chunk + check + png[_HEADER:]


def note_of(png: bytes) -> str:
    """The comment that `with_note` wrote; empty if there is none."""
    chunk = png[_HEADER + 4 :]
    size = int.from_bytes(png[_HEADER : _HEADER + 4])
    return chunk[len(_NOTE) : 4 + size].decode("latin-1") if chunk.startswith(_NOTE) else ""
