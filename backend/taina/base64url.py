"""base64url without padding (RFC 4648, section 5), read strictly: one byte string, one spelling."""

import binascii
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_LAST = {2: "AQgw", 3: "AEIMQUYcgkosw048"}
"""Where the last group is short, its last character carries fewer than six bits: these leave the others at zero."""
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = str.maketrans("-_", "+/")


def encode(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes that `text` spells.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or stray bits after the last byte.
    """
    if not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url without padding")
    short = len(text) % 4
    if short == 1:
        raise ValueError("not a possible length of base64url")
    if short and text[-1] not in _LAST[short]:
        raise ValueError("stray bits after the last byte")
    return binascii.a2b_base64(text.translate(_FROM_URL) + "=" * (-len(text) % 4))
