"""Proof of work: what an instance under flood may ask for each new secret and request (specification: Work)."""

import hashlib
from itertools import count

MAX_BITS = 20
"""About a million digests: seconds here, most of a minute in a browser."""


def proves(identifier: bytes, n: int, bits: int) -> bool:
    """Whether SHA-256(`taina/v1 work` || id || n in 8 bytes) begins with so many zero bits."""
    digest = hashlib.sha256(b"taina/v1 work" + identifier + n.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") >> (256 - bits) == 0


def find(identifier: bytes, bits: int) -> int:
    """The least number that proves the work for this id (16 bytes)."""
    return next(n for n in count() if proves(identifier, n, bits))
