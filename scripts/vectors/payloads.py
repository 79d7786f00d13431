"""Padded sizes, and whole payloads whose sizes and padding are right or wrong."""

from collections.abc import Iterator
from functools import partial

from taina.errors import FormatError
from taina.format.derive import sha256
from taina.format.payload import CHUNK_SIZE, Header, Item, Unpacker, decode_header, encode_header, pack, padded_size
from taina.format.stream import chunk_count, sealed_size
from vectors.spelling import EXPIRES, Vector, b64, checked, header_members, patterned, pieces_of


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
            "sealed": sealed_size(padded),
        }


def payloads() -> Iterator[Vector]:
    def vector(
        name: str, payload: bytes, written: bool = False, error: str | None = None, repeats: bytes = b"\0"
    ) -> Vector:
        found: Vector = {"name": name, "payload": pieces_of(payload, repeats)}
        try:
            unpacker = Unpacker()
            bodies: dict[int, bytes] = {}
            for start in range(0, len(payload), CHUNK_SIZE):
                for number, piece in unpacker.push(payload[start : start + CHUNK_SIZE]):
                    bodies[number] = bodies.get(number, b"") + piece
            header = unpacker.finish()
        except FormatError as raised:
            return checked(found | {"error": raised.code}, error)
        items = [b64(sha256(bodies.get(number, b""))) for number in range(len(header.items))]
        return checked(found | {"header": header_members(header), "items": items, "written": written}, error)

    def whole(*bodies: bytes) -> bytes:
        header = Header(tuple(Item("text", len(body)) for body in bodies), EXPIRES)
        return b"".join(pack(header, bodies))

    def end(payload: bytes) -> int:
        header, start = decode_header(payload)
        return start + sum(item.size for item in header.items)

    def full(size: int) -> bytes:
        """A payload of `size` bytes without padding."""
        header = len(encode_header(Header((Item("text", size),), EXPIRES)))
        return whole(bytes(patterned(size - header)))

    short, long = whole(b"hello"), whole(b"a" * 2000)
    yield vector("a text", short, written=True)
    yield vector("no items", whole(), written=True)
    yield vector("an empty text", whole(b""), written=True)
    yield vector("three items, one of them empty", whole(b"one", b"", b"three"), written=True)
    yield vector("an empty item at the end", whole(b"one", b""), written=True)
    yield vector("zeros that are content", whole(bytes(100)), written=True)
    yield vector("no padding", full(1024), written=True)
    yield vector("padded beyond 1 KiB", long, written=True)
    yield vector("exactly a chunk", full(CHUNK_SIZE), written=True)
    yield vector("a byte more than a chunk", full(CHUNK_SIZE + 1), written=True)
    yield vector("items across chunks", whole(patterned(CHUNK_SIZE), b"", patterned(CHUNK_SIZE)), written=True)

    bad = partial(vector, error="bad_format")
    yield bad("nothing", b"")
    yield bad("padding of 1 at its start", short[: end(short)] + b"\x01" + short[end(short) + 1 :])
    yield bad("padding of 1 at its end", short[:-1] + b"\x01")
    yield bad("padding of 255", short[: end(short)] + b"\xff" * (1024 - end(short)))
    yield bad("no padding where some is due", short[: end(short)])
    yield bad("padding a byte short", short[:-1])
    yield bad("padding a byte long", short + b"\0")
    yield bad("padding to the next step", short + bytes(1024))
    yield bad("a larger one's padding a step short", long[:-1])
    yield bad("a larger one's padding a step long", long + bytes(padded_size(len(long) + 1) - len(long)))
    yield bad("a body that is cut", long[: end(long) - 1])
    yield bad("a body announced and not there", encode_header(Header((Item("text", 4000),), EXPIRES)) + bytes(900))
    yield bad("a body of 2^53 - 1", encode_header(Header((Item("text", (1 << 53) - 1),), EXPIRES)) + bytes(900))
    yield bad(
        "sizes that overflow together",
        encode_header(Header((Item("text", (1 << 53) - 1),) * 3000, EXPIRES)) + bytes(900),
        repeats=b'{"type":"text","size":9007199254740991},',
    )
    yield bad("a padding of 1 in the second chunk", full(CHUNK_SIZE + 1) + bytes(32767) + b"\x01")
    yield bad("a whole chunk of zeros too many", full(CHUNK_SIZE) + bytes(CHUNK_SIZE))
