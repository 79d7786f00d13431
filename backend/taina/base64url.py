"""base64url without padding (RFC 4648, section 5), read strictly: one byte string, one spelling."""

import base64
import binascii
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes that `text` spells.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or stray bits after the last byte.
    """
    if not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not a possible length of base64url") from None
    if encode(data) != text:
        raise ValueError("stray bits after the last byte")
    return data
