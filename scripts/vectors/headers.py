"""Headers as writers give them, as readers take them, and as they refuse them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from vectors.notation import EXPIRES, Vector, pieces_of
from vectors.reference import CHUNK_SIZE, header

MAX_ITEMS = 1000


def headers() -> Iterator[Vector]:
    def read(
        name: str, chunk: bytes, items: list[Any], expires: int = 1, end: int = 0, written: bool = False
    ) -> Vector:
        """`end` is that of the chunk if not given."""
        end = end or len(chunk)
        # What is written the same need not be spelled out when it is long.
        spelled = {"items": items, "expires": expires} if end < 1024 else None
        return {"name": name, "chunk": pieces_of(chunk), "header": spelled, "end": end, "written": written}

    def written(name: str, *items: Vector) -> Vector:
        return read(name, header(list(items), EXPIRES), list(items), EXPIRES, written=True)

    def refused(name: str, chunk: bytes, error: str) -> Vector:
        return {"name": name, "chunk": pieces_of(chunk), "error": error}

    def a_text(size: int) -> Vector:
        return {"type": "text", "size": size}

    def a_file(size: int, name: str, mime: str = "") -> Vector:
        return {"type": "file", "name": name, "mime": mime, "size": size}

    def document(text: str | bytes) -> bytes:
        encoded = text if isinstance(text, bytes) else text.encode("utf-8")
        return len(encoded).to_bytes(4, "big") + encoded

    def item(text: str) -> bytes:
        return document(f'{{"v":1,"items":[{text}],"expires":1}}')

    def file(size: str = "1", name: str = '"a"', mime: str = '""') -> bytes:
        return item(f'{{"type":"file","name":{name},"mime":{mime},"size":{size}}}')

    def name_of(size: int) -> bytes:
        """A header of `size` bytes in all, by the length of a name."""
        bare = len(file(name='""'))
        return file(name=f'"{"x" * (size - bare)}"')

    def many(count: int, size: int = 1) -> bytes:
        return header([a_text(size)] * count, 1)

    text = '{"type":"text","size":1}'
    yield written("a text", a_text(5))
    yield written("nothing")
    yield written("an empty text", a_text(0))
    yield written("a file", a_file(3, "a.txt", "text/plain"))
    yield written("a text and two files of one name", a_text(1), a_file(2, "x"), a_file(3, "x"))
    yield written("a Bulgarian name", a_file(3, "тайна.pdf", "application/pdf"))
    yield written("a name outside the first plane", a_file(3, "🔑"))
    yield written("a name with all that JSON escapes", a_file(3, '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028\u2029'))
    yield written("a decomposed name, left alone", a_file(3, "cafe\u0301"))
    yield written("a name that tries to leave", a_file(3, "../../etc/passwd", "text/html"))
    yield written("an empty name", a_file(3, ""))
    yield written("the greatest size", a_text((1 << 53) - 1))
    yield read("fills the first chunk", name_of(CHUNK_SIZE), [], written=True)
    yield read("as many items as may be", many(MAX_ITEMS), [], written=True)
    one = [a_text(1)]
    yield read("bytes behind it", item(text) + b"\xff" * 9, one, end=len(item(text)), written=True)
    yield read("white space", document(f' {{ "v" : 1,\r\n\t"items" : [ {text} ] , "expires" : 1 }} '), one)
    yield read("another order", document(f'{{"expires":1,"items":[{text}],"v":1}}'), one)
    yield read("unknown members", document(f'{{"v":1,"items":[{text}],"expires":1,"more":{{"a":[null,1e999]}}}}'), one)
    yield read("an unknown member of an item", item('{"type":"text","size":1,"name":5}'), one)
    yield read("a long unknown number", document(f'{{"v":1,"items":[],"expires":1,"more":{"9" * 5000}}}'), [])
    yield read("1.0 is 1", document('{"v":1.0,"items":[],"expires":1e0}'), [])
    yield read("the last of two members", document('{"v":2,"v":1,"items":[],"expires":1}'), [])
    yield read("escaped letters", file(name='"\\u0061\\ud83d\\udd11\\/"'), [a_file(1, "a🔑/")])

    bad = partial(refused, error="bad_format")
    yield bad("no bytes", b"")
    yield bad("a cut length", b"\0\0\0")
    yield bad("length 0", bytes(64))
    yield bad("length of a byte more", (len(item(text)) - 3).to_bytes(4, "big") + item(text)[4:])
    yield bad("length of a byte less", (len(item(text)) - 5).to_bytes(4, "big") + item(text)[4:])
    yield bad("the greatest length", b"\xff\xff\xff\xff" + item(text)[4:])
    yield bad("a byte beyond the first chunk", name_of(CHUNK_SIZE + 1))
    yield bad("an item too many", many(MAX_ITEMS + 1))
    yield bad("as many empty texts as fit into 1 MiB", many(41_900, size=0))
    yield bad("no JSON", document("taina"))
    yield bad("cut JSON", document(f'{{"v":1,"items":[{text}],"expires":1'))
    yield bad("two documents", document('{"v":1,"items":[],"expires":1}{}'))
    yield bad("a comma too many", document('{"v":1,"items":[],"expires":1,}'))
    yield bad("a mark of byte order", document('\ufeff{"v":1,"items":[],"expires":1}'))
    yield bad("UTF-16", document('{"v":1,"items":[],"expires":1}'.encode("utf-16-le")))
    yield bad("no UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xff"}'))
    yield bad("an overlong form of UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xc0\xaf"}'))
    yield bad("half a character in UTF-8", document(b'{"v":1,"items":[],"expires":1,"x":"\xed\xa0\xbd"}'))
    yield bad("a line break in a string", file(name='"a\nb"'))
    yield bad("NaN", document('{"v":1,"items":[],"expires":NaN}'))
    yield bad("NaN where it is ignored", document('{"v":1,"items":[],"expires":1,"x":NaN}'))
    yield bad("Infinity where it is ignored", document('{"v":1,"items":[],"expires":1,"x":-Infinity}'))
    yield bad("single quotes", document("{'v':1,'items':[],'expires':1}"))
    for name, wrong in {
        "a list": "[]",
        "null": "null",
        "a number": "1",
        "no version": '{"items":[],"expires":1}',
        "version 2": '{"v":2,"items":[],"expires":1}',
        "a version in quotes": '{"v":"1","items":[],"expires":1}',
        "true as version": '{"v":true,"items":[],"expires":1}',
        "no items": '{"v":1,"expires":1}',
        "items an object": '{"v":1,"items":{},"expires":1}',
        "items null": '{"v":1,"items":null,"expires":1}',
        "no expiry": '{"v":1,"items":[]}',
        "expiry null": '{"v":1,"items":[],"expires":null}',
        "expiry in quotes": '{"v":1,"items":[],"expires":"1"}',
        "expiry negative": '{"v":1,"items":[],"expires":-1}',
        "expiry with a fraction": '{"v":1,"items":[],"expires":1.5}',
    }.items():
        yield bad(name, document(wrong))
    for name, wrong in {
        "an item that is a number": "1",
        "an item that is null": "null",
        "an item that is a list": "[]",
        "an unknown type": '{"type":"folder","size":1}',
        "no type": '{"size":1}',
        "a type in capitals": '{"type":"Text","size":1}',
        "a type from every object": '{"type":"constructor","size":1}',
        "no size": '{"type":"text"}',
        "a file without a name": '{"type":"file","mime":"","size":1}',
        "a file without a type": '{"type":"file","name":"a","size":1}',
    }.items():
        yield bad(name, item(wrong))
    for name, size in {
        "a size in quotes": '"1"',
        "a size that is null": "null",
        "true as size": "true",
        "a negative size": "-1",
        "a size with a fraction": "0.5",
        "a size of 2^53": "9007199254740992",
        "a size of 2^53 + 1": "9007199254740993",
        "a size beyond all": "1e999",
        "a size of 5000 digits": "9" * 5000,
        "a size with a leading zero": "01",
        "a size in base 16": "0x1",
        "a size with a plus": "+1",
    }.items():
        yield bad(name, file(size=size))
    for name, wrong in {"a number": "1", "null": "null", "a list": '["a"]', "half a character": '"a\\ud83d"'}.items():
        yield bad(f"a name that is {name}", file(name=wrong))
        yield bad(f"a type that is {name}", file(mime=wrong))
