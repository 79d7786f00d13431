"""Padded sizes, and whole payloads whose sizes and padding are right or wrong."""

from collections.abc import Iterator

from vectors.notation import EXPIRES, Vector, patterned, pieces_of
from vectors.reference import CHUNK_SIZE, b64, chunk_count, header, padded_size, payload, sha256

TEXT_OF_2_53 = {"type": "text", "size": (1 << 53) - 1}


def sizes() -> Iterator[Vector]:
    edges = [0, 1, 1023, 1024, 1025, 1056, 1057, 2047, 2048, 2049, 65535, 65536, 65537, 100_000]
    edges += [CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE, 10_000_000]
    edges += [(1 << 31) - 1, 1 << 31, (1 << 32) + 1, (1 << 40) + 1, (1 << 53) - (1 << 47) - 1]
    for size in edges:
        padded = padded_size(size)
        yield {
            "name": f"{size}",
            "size": size,
            "padded": padded,
            "chunks": chunk_count(padded),
            "sealed": padded + 16 * chunk_count(padded),
        }


def payloads() -> Iterator[Vector]:
    def members(*bodies: bytes) -> list[Vector]:
        return [{"type": "text", "size": len(body)} for body in bodies]

    def whole(*bodies: bytes) -> bytes:
        return payload(members(*bodies), EXPIRES, list(bodies))

    def read(name: str, *bodies: bytes) -> Vector:
        return {
            "name": name,
            "payload": pieces_of(whole(*bodies)),
            "header": {"items": members(*bodies), "expires": EXPIRES},
            "items": [b64(sha256(body)) for body in bodies],
            "written": True,
        }

    def bad(name: str, payload: bytes, *repeats: bytes) -> Vector:
        return {"name": name, "payload": pieces_of(payload, *repeats), "error": "bad_format"}

    def full(size: int) -> bytes:
        """The body of a payload of `size` bytes without padding."""
        return patterned(size - len(header([{"type": "text", "size": size}], EXPIRES)))

    short, long = whole(b"hello"), whole(b"a" * 2000)
    short_end, long_end = (len(header(members(body), EXPIRES)) + len(body) for body in (b"hello", b"a" * 2000))
    yield read("a text", b"hello")
    yield read("no items")
    yield read("an empty text", b"")
    yield read("three items, one of them empty", b"one", b"", b"three")
    yield read("an empty item at the end", b"one", b"")
    yield read("zeros that are content", bytes(100))
    yield read("no padding", full(1024))
    yield read("padded beyond 1 KiB", b"a" * 2000)
    yield read("exactly a chunk", full(CHUNK_SIZE))
    yield read("a byte more than a chunk", full(CHUNK_SIZE + 1))
    yield read("items across chunks", patterned(CHUNK_SIZE), b"", patterned(CHUNK_SIZE))

    yield bad("nothing", b"")
    yield bad("padding of 1 at its start", short[:short_end] + b"\x01" + short[short_end + 1 :])
    yield bad("padding of 1 at its end", short[:-1] + b"\x01")
    yield bad("padding of 255", short[:short_end] + b"\xff" * (1024 - short_end))
    yield bad("no padding where some is due", short[:short_end])
    yield bad("padding a byte short", short[:-1])
    yield bad("padding a byte long", short + b"\0")
    yield bad("padding to the next step", short + bytes(1024))
    yield bad("a larger one's padding a step short", long[:-1])
    yield bad("a larger one's padding a step long", long + bytes(padded_size(len(long) + 1) - len(long)))
    yield bad("a body that is cut", long[: long_end - 1])
    yield bad("a body announced and not there", header([{"type": "text", "size": 4000}], EXPIRES) + bytes(900))
    yield bad("a body of 2^53 - 1", header([TEXT_OF_2_53], EXPIRES) + bytes(900))
    yield bad(
        "sizes that overflow together",
        header([TEXT_OF_2_53] * 3000, EXPIRES) + bytes(900),
        b'{"type":"text","size":9007199254740991},',
    )
    yield bad("a padding of 1 in the second chunk", whole(full(CHUNK_SIZE + 1)) + bytes(32767) + b"\x01")
    yield bad("a whole chunk of zeros too many", whole(full(CHUNK_SIZE)) + bytes(CHUNK_SIZE))
