"""base64url without padding (RFC 4648, section 5), read strictly: one byte string, one spelling."""

import pybase64

_LAST = {2: "AQgw", 3: "AEIMQUYcgkosw048"}
"""Where the last group is short, its last character carries fewer than six bits: these leave the others at zero."""
_ALPHABET = b"-_"


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return pybase64.b64encode_as_string(data, _ALPHABET).rstrip("=")


def decode(text: str) -> bytes:
    """The bytes that `text` spells.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or stray bits after the last byte.
    """
    short = len(text) % 4
    if short == 1:
        raise ValueError("not a possible length of base64url")
    try:
        if "+" in text or "/" in text or "=" in text:  # read by the library in any alphabet
            raise ValueError
        decoded = pybase64.b64decode(text + "=" * (-len(text) % 4), _ALPHABET, validate=True)
    except ValueError:
        raise ValueError("not base64url without padding") from None
    if short and text[-1] not in _LAST[short]:
        raise ValueError("stray bits after the last byte")
    return decoded
