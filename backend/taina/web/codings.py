"""Content types, and codings as browsers ask for them: from what is sent to what is meant, within a bound."""

import zlib

import brotli

from taina.errors import TamperedError

CODINGS = (("br", ".br"), ("gzip", ".gz"))
"""Content codings that we have, and how the names of their copies end."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".sig": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
"""Content types of what a site may have, by the ends of names."""
_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 1 << 16


def decode(coding: str, data: bytes, limit: int) -> bytes:
    """What `data` stands for.

    Args:
        coding: of Content-Encoding: `br`, `gzip`, or nothing.
        limit: bytes that the result may have.

    Raises:
        TamperedError: another coding, not of this coding, more than `limit`, or followed by something else.
    """
    if coding in ("", "identity"):
        decoded, whole = data, True
    elif coding == "gzip":
        decoded, whole = _gunzip(data, limit)
    elif coding == "br":
        decoded, whole = _unbrotli(data, limit)
    else:
        raise TamperedError
    if len(decoded) > limit or not whole:
        raise TamperedError
    return decoded


def _gunzip(data: bytes, limit: int) -> tuple[bytes, bool]:
    decoder = zlib.decompressobj(_GZIP)
    try:
        decoded = decoder.decompress(data, limit + 1)
    except zlib.error:
        raise TamperedError from None
    return decoded, decoder.eof and not decoder.unused_data


def _unbrotli(data: bytes, limit: int) -> tuple[bytes, bool]:
    decoder = brotli.Decompressor()
    decoded = bytearray()
    try:
        piece = decoder.process(data, output_buffer_limit=_PIECE)
        while piece and len(decoded) <= limit:
            decoded += piece
            piece = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=_PIECE)
    except brotli.error:
        raise TamperedError from None
    return bytes(decoded), decoder.is_finished()
