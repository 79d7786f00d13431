"""Sealed streams: as they are, changed on their way, and sealed wrongly by their sender."""

from collections.abc import Iterator
from typing import Any

from vectors.notation import Vector, fresh_key, patterned, pieces_of
from vectors.reference import CHUNK_SIZE, b64, sealed, sha256

_KEY, _ID = fresh_key("stream"), fresh_key("id")[:16]
STREAMS: dict[str, int] = {
    "the smallest payload": 1024,
    "a byte less than a chunk": CHUNK_SIZE - 1,
    "exactly a chunk": CHUNK_SIZE,
    "a byte more than a chunk": CHUNK_SIZE + 1,
    "exactly two chunks": 2 * CHUNK_SIZE,
    "three chunks": 2 * CHUNK_SIZE + 1000,
}


def streams() -> Iterator[Vector]:
    for name, size in STREAMS.items():
        for flags in (0x01, 0x81):
            if flags == 0x81:
                name += ", with a passphrase"
            chunks = sealed(_KEY, flags, _ID, patterned(size))
            yield {"name": name, **_stream(size, flags), "sealed": [b64(sha256(chunk)) for chunk in chunks]}


def tampered() -> Iterator[Vector]:
    """`change`: chunk, byte (from its end where negative), what it is XORed with; `cut`: bytes off the last."""

    def vector(
        name: str,
        size: int,
        chunks: list[int],
        change: list[int] | None = None,
        cut: int = 0,
        **opened: Any,
    ) -> Vector:
        how = {"chunks": chunks, "change": change, "cut": cut, "opened": opened}
        return {"name": name, **_stream(size, 0x01), **how, "error": "tampered"}

    one, two, three = 1024, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 1000
    other = b64(fresh_key("another"))
    yield vector("another key", one, [0], key=other)
    yield vector("another id", one, [0], id=b64(fresh_key("another")[:16]))
    yield vector("the flag of a passphrase", one, [0], flags=0x81)
    yield vector("flags of another version", one, [0], flags=0x02)
    yield vector("no chunk", one, [])
    yield vector("a bit of the first byte", one, [0], [0, 0, 1])
    yield vector("a bit of the last byte", one, [0], [0, -1, 128])
    yield vector("a bit of the tag's first byte", one, [0], [0, -16, 1])
    yield vector("a byte cut off", one, [0], cut=1)
    yield vector("the tag cut off", one, [0], cut=16)
    yield vector("nothing but 16 bytes", one, [0], cut=1024)
    yield vector("nothing but 15 bytes", one, [0], cut=1025)
    yield vector("nothing left of the chunk", one, [0], cut=1040)
    yield vector("a single chunk twice", one, [0, 0])
    yield vector("three, the last is missing", three, [0, 1])
    yield vector("three, only the first", three, [0])
    yield vector("three, the first is missing", three, [1, 2])
    yield vector("three, only the last", three, [2])
    yield vector("three, the middle is missing", three, [0, 2])
    yield vector("three, swapped", three, [1, 0, 2])
    yield vector("three, the last in the middle", three, [0, 2, 1])
    yield vector("three, the first twice", three, [0, 0, 2])
    yield vector("three, one too many in the middle", three, [0, 1, 1, 2])
    yield vector("three, the last twice", three, [0, 1, 2, 2])
    yield vector("three, a bit in the middle", three, [0, 1, 2], [1, CHUNK_SIZE // 2, 64])
    yield vector("three, the last cut short", three, [0, 1, 2], cut=1)
    yield vector("three, opened with another flag", three, [0, 1, 2], flags=0x81)
    yield vector("full chunks, the last is missing", two, [0])
    yield vector("full chunks, swapped", two, [1, 0])


def missealed() -> Iterator[Vector]:
    """Sealed with the right key, but not as the specification says; `chunks`: number, mark of the last, bytes."""

    def vector(name: str, *chunks: tuple[int, bool, int], error: str | None = "tampered") -> Vector:
        made: Vector = {"name": name, "key": b64(_KEY), "flags": 0x01, "id": b64(_ID)}
        made["chunks"] = [{"n": n, "last": last, "plain": pieces_of(patterned(size))} for n, last, size in chunks]
        return made | ({"error": error} if error else {})

    full = CHUNK_SIZE
    yield vector("as it should be", (0, False, full), (1, True, 5), error=None)
    yield vector("one empty chunk", (0, True, 0))
    yield vector("an empty chunk at the end", (0, False, full), (1, True, 0))
    yield vector("an empty chunk in the middle", (0, False, full), (1, False, 0), (2, True, 5))
    yield vector("a short chunk in the middle", (0, False, full - 1), (1, True, 5))
    yield vector("a long chunk in the middle", (0, False, full + 1), (1, True, 5))
    yield vector("a long chunk at the end", (0, False, full), (1, True, full + 1))
    yield vector("a single long chunk", (0, True, full + 1))
    yield vector("no chunk is the last", (0, False, full), (1, False, full))
    yield vector("a single chunk that is not the last", (0, False, full))
    yield vector("both chunks are the last", (0, True, full), (1, True, 5))
    yield vector("counted from 1", (1, False, full), (2, True, 5))
    yield vector("a number left out", (0, False, full), (2, True, 5))
    yield vector("a number twice", (0, False, full), (0, True, 5))
    yield vector("counted backwards", (1, False, full), (0, True, 5))


def _stream(size: int, flags: int) -> Vector:
    return {"key": b64(_KEY), "flags": flags, "id": b64(_ID), "payload": pieces_of(patterned(size))}
