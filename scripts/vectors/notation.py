"""How vectors spell bytes and long runs; keys that nobody chose."""

from typing import Any

from vectors.reference import b64, hkdf, sha256

EXPIRES = 1_800_000_000
Vector = dict[str, Any]


def fresh_key(name: str) -> bytes:
    """32 bytes that nobody chose."""
    return hkdf(name.encode(), "test vectors", 32)


_PATTERN = sha256(b"pattern")[:31]  # an odd length: no two chunks are alike


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


def encoded(keys: dict[str, bytes]) -> Vector:
    return {name: b64(key) for name, key in keys.items()}
