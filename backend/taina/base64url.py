"""base64url without padding (RFC 4648, section 5), read strictly: one byte string, one spelling."""

import binascii

_LAST = {2: "AQgw", 3: "AEIMQUYcgkosw048"}
"""Where the last group is short, its last character carries fewer than six bits: these leave the others at zero."""
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
"""What is no base64url becomes what is no base64."""


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes that `text` spells.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or stray bits after the last byte.
    """
    short = len(text) % 4
    if short == 1:
        raise ValueError("not a possible length of base64url")
    try:
        data = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        decoded = binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        raise ValueError("not base64url without padding") from None
    if short and text[-1] not in _LAST[short]:
        raise ValueError("stray bits after the last byte")
    return decoded
