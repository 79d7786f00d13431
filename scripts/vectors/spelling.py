"""How vectors spell bytes, long runs and headers; keys that nobody chose."""

import hashlib
from typing import Any

from taina import base64url
from taina.format.derive import hkdf
from taina.format.payload import Header

EXPIRES = 1_800_000_000
Vector = dict[str, Any]
b64 = base64url.encode


def fresh_key(name: str) -> bytes:
    """32 bytes that nobody chose."""
    return hkdf(name.encode(), "test vectors", 32)


_PATTERN = hashlib.sha256(b"pattern").digest()[:31]  # an odd length: no two chunks are alike


def patterned(size: int) -> bytes:
    return (_PATTERN * (size // len(_PATTERN) + 1))[:size]


def pieces_of(data: bytes, *units: bytes) -> list[Vector]:
    """Bytes as they are, but what repeats for long (the pattern, zeros, a letter, `units`) as a rule."""
    pieces: list[Vector] = []
    while data:
        starts = {data.find(unit * (256 // len(unit) + 1)): unit for unit in (_PATTERN, b"\0", b"x", *units)}
        start = min((place for place in starts if place >= 0), default=len(data))
        if start:
            pieces.append({"bytes": b64(data[:start])})
        size = 0
        if start < len(data):
            unit = starts[start]
            while data.startswith(unit[: len(data) - start - size] or b"?", start + size):
                size += len(unit)
            size = min(size, len(data) - start)
            pieces.append({"repeat": b64(unit), "size": size})
        data = data[start + size :]
    return pieces


def bytes_of(pieces: list[Vector]) -> bytes:
    data = b""
    for piece in pieces:
        if "repeat" in piece:
            unit = base64url.decode(piece["repeat"])
            data += (unit * (piece["size"] // len(unit) + 1))[: piece["size"]]
        else:
            data += base64url.decode(piece["bytes"])
    return data


def header_members(header: Header) -> Vector:
    items = [
        {"type": item.type, "size": item.size}
        if item.type == "text"
        else {"type": item.type, "name": item.name, "mime": item.mime, "size": item.size}
        for item in header.items
    ]
    return {"items": items, "expires": header.expires}


def checked(vector: Vector, error: str | None) -> Vector:
    """The vector, if it is refused or accepted as the specification asks."""
    if vector.get("error") != error:
        raise AssertionError(f"{vector['name']}: {vector.get('error')} instead of {error}")
    return vector
